"""Is one more round of runs worth it, and what are its runs told about those before?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.champion import TRUST
from bot.core.model import Decision, RunFacts
from bot.core.pool import PooledTest
from bot.core.words import OBJECTIONS, listing, one_line

MOST_ROUNDS = 2
MOST_TOLD = 6_000  # characters, of all runs together
_MOST_WORDS = 500  # of a run's own


@dataclass(frozen=True, slots=True)
class Means:
    """What there is left to spend."""

    rounds_made: int
    rounds_allowed: int
    dollars_left: float
    dearest_run: float  # dollars of the most expensive run so far


def another_round(decision: Decision, means: Means, trust: float = TRUST) -> bool:
    """Yes when no candidate can be published, or the best is right less often than the repository trusts, and the
    budget holds at least one more run as expensive as the dearest one. Never more than two rounds.
    """
    if means.rounds_made >= min(means.rounds_allowed, MOST_ROUNDS) or means.dollars_left <= 0:
        return False
    return means.dollars_left >= means.dearest_run and (decision.champion is None or decision.confidence < trust)


@dataclass(frozen=True, slots=True)
class Summary:
    """One run, for those that come after it: facts that we observed, and its own words, which are none."""

    letter: str
    changed: tuple[str, ...]  # paths
    failed: tuple[str, ...]  # what stood against it
    words: str


def summary(run: RunFacts, pool: Sequence[PooledTest]) -> Summary:
    evidence, candidate = run.evidence, run.candidate
    failed: list[str] = []
    if evidence is not None:
        failed += [f"it {OBJECTIONS[failure.gate]}" for failure in evidence.gate_failures]
        if evidence.regressions:
            failed.append(f"these tests no longer passed: {listing(evidence.regressions)}")
        if evidence.own_tests_on_candidate is False:
            failed.append("its own tests failed on it")
        if evidence.repro_before not in (None, 0) and evidence.repro_after not in (None, 0):
            failed.append("the repro command still failed")
    names = [test.name for test in pool if run.id in test.failed_by]
    if names:
        failed.append(f"it failed tests that others passed: {listing(names)}")
    return Summary(
        run.experiment.letter,
        tuple(change.path for change in candidate.changes) if candidate is not None else (),
        tuple(failed),
        candidate.summary if candidate is not None else "",
    )


def told(summaries: Sequence[Summary]) -> str:
    """For the task of the next round: what was tried, and what stood against it; as long as all of it is bounded."""
    room = MOST_TOLD // max(1, len(summaries))
    return "\n\n".join(_told(each)[:room] for each in summaries)


def _told(each: Summary) -> str:
    lines = [f"Attempt {each.letter} changed {listing(each.changed)}." if each.changed else f"Attempt {each.letter}."]
    lines += [f"- {what}" for what in each.failed] or ["- nothing that was run stood against it"]
    if each.words:
        lines.append(f"- in its own words: {one_line(each.words[:_MOST_WORDS])}")
    return "\n".join(lines)
