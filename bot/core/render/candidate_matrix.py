"""How candidates did on the tests of all, and how sure the choice is, for the scoreboard and around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.choosing.phrases import confidence, one_line, whose_tests
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import Decision, RunFacts, RunId, SolveFacts
from bot.core.render.text import count, harmless, listed

MOST_COLUMNS = 4  # of groups; what is beyond them shares the last one
UNSEEN = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """Tests that came in one file or one run, under what people call them."""

    head: str
    tests: tuple[PooledTest, ...]

    def cell(self, run: RunId) -> str:
        """2 of 3"""
        passed, met = score(self.tests, run)
        return f"{passed} of {met}" if met else UNSEEN


def columns(facts: SolveFacts) -> tuple[Column, ...]:
    """A column for each group: what was written from the issue alone first, scripts last."""
    groups: dict[str, list[PooledTest]] = {}
    for test in sorted(facts.pool, key=lambda test: (_ORDER.index(test.origin), test.group)):
        groups.setdefault(test.group, []).append(test)
    found = [Column(harmless(one_line(head), 60) or "pool", tuple(tests)) for head, tests in groups.items()]
    if len(found) <= MOST_COLUMNS:
        return tuple(found)
    kept, rest = found[: MOST_COLUMNS - 1], found[MOST_COLUMNS - 1 :]
    return (*kept, Column("other tests", tuple(test for column in rest for test in column.tests)))


_ORDER = (Origin.ISSUE, Origin.CANDIDATE, Origin.SCRIPT)


def score(tests: Sequence[PooledTest], run: RunId) -> tuple[int, int]:
    """How many it passes, of how many that it was seen on."""
    passed = sum(run in test.passed_by for test in tests)
    return passed, passed + sum(run in test.failed_by and run not in test.passed_by for test in tests)


def in_pool(run: RunFacts, facts: SolveFacts) -> str:
    """Passes 9 of 11 tests of all candidates; fails B's `test_constant`"""
    passed, met = score(facts.pool, run.id)
    if not met:
        return ""
    failed: dict[str, list[str]] = {}
    for test in facts.pool:
        if run.id in test.failed_by:
            author = facts.run(test.author)
            whose = f"{author.experiment.letter}'s" if author else "the issue's"
            failed.setdefault(whose, []).append(test.name.rpartition("::")[2] or test.name)
    but = "".join(f"; fails {whose} {listed(names, 3)}" for whose, names in sorted(failed.items()))
    seen = [test for test in facts.pool if run.id in (*test.passed_by, *test.failed_by)]
    return f"passes {passed} of {count(met, 'test')}{whose_tests(seen)}{but}"


def likely(chance: float) -> str:
    """66 %"""
    return f"{100 * chance:.0f} %" if chance else UNSEEN


def how_sure(decision: Decision) -> str:
    """Of the champion, in words and as a number; "" where none was stated."""
    return f"{confidence(decision.confidence)}." if decision.champion and decision.confidence else ""
