"""What a model is told about two candidates that it is to compare: issue, patches, and what running things said.

It hears nothing of models, prices, sizes or letters, and of nobody's opinion. All of this is text from outside, so it
is cut, freed of what nobody can see, and stands in fences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot.core.choosing.phrases import one_line
from bot.core.evidence.behaviour import differences
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import Evidence, RunFacts, RunId, SolveFacts
from bot.core.text.cleaning import shorten, visible

# Characters.
ISSUE = 6_000
PATCH = 9_000
MOST_TESTS = 30


@dataclass(frozen=True, slots=True)
class Contenders:
    issue: str
    first: str  # a patch
    second: str
    seen: str  # what running both has shown, a line for each; "" where it showed nothing

    @property
    def parts(self) -> tuple[str, ...]:
        return self.issue, self.first, self.second, self.seen


def contenders(facts: SolveFacts, first: RunId, second: RunId) -> Contenders:
    issue = f"{facts.task.title}\n\n{facts.task.body}" if facts.task else ""
    seen = [*_old_tests(facts, first, second), *_tests(facts, first, second), *_behaviour(facts, first, second)]
    return Contenders(
        shorten(visible(issue), ISSUE), _patch(facts, first), _patch(facts, second), visible("\n".join(seen))
    )


def _patch(facts: SolveFacts, run: RunId) -> str:
    found = facts.run(run)
    return shorten(visible(found.candidate.patch), PATCH) if found and found.candidate else ""


def _old_tests(facts: SolveFacts, first: RunId, second: RunId) -> Iterator[str]:
    kept = [_kept(facts.run(run)) for run in (first, second)]
    if all(kept):
        yield f"- tests that passed before any change: FIRST passes {kept[0]}, SECOND passes {kept[1]}"


def _kept(run: RunFacts | None) -> str:
    evidence = (run.evidence if run else None) or Evidence(RunId(""))
    return f"{evidence.stable_passed} of {evidence.stable_total}" if evidence.stable_total else ""


def _tests(facts: SolveFacts, first: RunId, second: RunId) -> Iterator[str]:
    """Those that tell the two apart before all others."""
    met = [test for test in facts.pool if {first, second} & {*test.passed_by, *test.failed_by}]
    met.sort(key=lambda test: (first in test.passed_by) == (second in test.passed_by))
    for test in met[:MOST_TESTS]:
        how = f"FIRST {_result(test, first)}, SECOND {_result(test, second)}"
        yield f"- {one_line(test.name)} ({_whose(test, first, second)}): {how}"


def _result(test: PooledTest, run: RunId) -> str:
    if run in test.passed_by:
        return "passes"
    return "fails" if run in test.failed_by else "was not run"


def _whose(test: PooledTest, first: RunId, second: RunId) -> str:
    if test.origin is Origin.ISSUE:
        return "a test written from the issue alone"
    what = "a script" if test.origin is Origin.SCRIPT else "a test"
    return f"{what} of {({first: 'FIRST', second: 'SECOND'}).get(test.author or RunId(''), 'another patch')}"


def _behaviour(facts: SolveFacts, first: RunId, second: RunId) -> Iterator[str]:
    for found in differences(facts.probed, first, second) if facts.probed else ():
        said = [one_line(text) for text in (found.expression, found.one, found.other, found.base)]
        yield f"- `{said[0]}`: FIRST {said[1]}, SECOND {said[2]}, before any change it {said[3]}"
