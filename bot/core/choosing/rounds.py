"""Is one more round of runs worth it, and what are its runs told about those before?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.core.choosing.champion import TRUST
from bot.core.choosing.experiments import LEAST_SHARE
from bot.core.choosing.phrases import OBJECTIONS, enumerated, listing, one_line
from bot.core.evidence.pool import PooledTest
from bot.core.model import Decision, Experiment, RunFacts, RunId, SolveFacts, Status

MOST_ROUNDS = 2
MOST_TOLD = 6_000  # characters, of all runs together
MOST_TESTS = 12  # of the pool
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


def next_wave(runs: Sequence[RunFacts], dollars_left: float) -> tuple[Experiment, ...]:
    """The experiments of the next round: those of the last one under the letters that come next.

    Without those that broke off, because their model or their sandbox did not answer. No more of them than the money
    is enough for, where each costs as much as the dearest so far; they share what is left.
    """
    last = max((run.experiment.round for run in runs), default=0)
    by_models = [run for run in runs if run.experiment.round == last and run.experiment.steps]
    again = [run.experiment for run in by_models if run.status is not Status.FAILED]
    cost = max([LEAST_SHARE, *(run.dollars for run in runs)])
    again = again[: max(0, int(dollars_left / cost + 1e-9))]
    highest = max((run.experiment.index for run in runs), default=0)
    share = int(dollars_left / max(1, len(again)) * 1e6) / 1e6  # rounded down: together never more than the whole
    return tuple(
        replace(experiment, index=highest + number, dollars=share, round=last + 1)
        for number, experiment in enumerate(again, start=1)
    )


def of_first_round(experiments: Sequence[Experiment]) -> tuple[Experiment, ...]:
    """Those that were planned at the beginning."""
    return tuple(experiment for experiment in experiments if experiment.round == 1)


def of_one_round(facts: SolveFacts, member: RunId) -> SolveFacts:
    """Only the runs of that run's round. Later ones were told about earlier ones: that they agree says little."""
    round = next((run.experiment.round for run in facts.runs if run.id == member), 1)
    return replace(facts, runs=tuple(run for run in facts.runs if run.experiment.round == round))


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
    if candidate is None and evidence is None:
        failed.append("it ended without a change")
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


def told_tests(runs: Sequence[RunFacts], pool: Sequence[PooledTest]) -> str:
    """The pool, for the same task: what fails without any change, and who passes it; "" where there is none."""
    letters = {run.id: run.experiment.letter for run in runs}
    lines = [
        f"- {one_line(test.name)} ({one_line(test.group)}): passed by {_named(test.passed_by, letters)}"
        + (f", failed by {_named(test.failed_by, letters)}" if test.failed_by else "")
        for test in pool[:MOST_TESTS]
    ]
    return "\n".join(["Tests of these attempts that fail without any change:", *lines]) if lines else ""


def _named(runs: Sequence[RunId], letters: Mapping[RunId, str]) -> str:
    return enumerated(sorted(letters[run] for run in runs if run in letters)) or "nobody"
