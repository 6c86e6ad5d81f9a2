"""When enough runs have been made: those that have not begun are not begun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from bot.core.evidence.observations import Case, is_complete
from bot.core.evidence.pool import PooledTest
from bot.core.model import Evidence, RunFacts, RunId

STRONG = 0.7  # of a model: the share of issues that it solves alone
AUTHORS = 2  # whose tests both pass, where their texts differ


def enough(case: Case, pool: Sequence[PooledTest]) -> frozenset[RunId]:
    """Two candidates that make more runs a waste of money; nobody when there are none.

    Both are unbroken and completely observed, ask for no value of the issue's example, behave alike, and no test of the
    pool is red on either. Alike are those with nearly the same change, or that pass the tests of two authors. They are
    of one strong model; or of two models, and each brings a test that fails without its change and passes with it.

    Measured with nearly the same change alone: five runs of one strong model, 38 to 40 % of the runs saved at no loss;
    line-ups of several models, 2 to 29 % saved and up to 1.4 points of accuracy lost, because models share mistakes.
    So there each has to show that it solves something; what that saves has not been measured yet.
    """
    whole = [
        item for item in case.unbroken if is_complete(item, case.baseline) and not (item.inert or item.special_cases)
    ]
    pairs = (frozenset({one.run, other.run}) for one, other in combinations(whole, 2) if _agree(one, other, case, pool))
    return next(pairs, frozenset())


def _agree(one: Evidence, other: Evidence, case: Case, pool: Sequence[PooledTest]) -> bool:
    pair = {one.run, other.run}
    if any(pair & {*test.failed_by} for test in pool) or not _may_vouch(one, other, case):
        return False
    authors = {test.author for test in pool if pair <= {*test.passed_by}}
    return other.run in one.agrees_with or len(authors) >= AUTHORS


def _may_vouch(one: Evidence, other: Evidence, case: Case) -> bool:
    if case.other_model(one.run, other.run):
        return one.own_tests_flip and other.own_tests_flip
    return case.runs[one.run].experiment.model.prior >= STRONG


@dataclass(frozen=True, slots=True)
class Saved:
    """`why`: the sentence with which the runs ended that were not begun."""

    runs: int
    dollars: float
    why: str


def saved(runs: Sequence[RunFacts]) -> Saved | None:
    """What was not spent because enough runs had been made; None where all were begun, or somebody stopped them.

    A run that was not begun would have cost what those cost on average that were over by then.
    """
    spared = [run for run in runs if not run.was_begun and run.error]
    then = min((run.completed_at for run in spared if run.completed_at), default=None)
    if then is None:
        return None
    over = [run.dollars for run in runs if run.started_at and run.completed_at and run.completed_at <= then]
    return Saved(len(spared), len(spared) * sum(over) / max(1, len(over)), spared[0].error)
