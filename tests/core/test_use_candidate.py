"""Which candidate may take the champion's place, and what is said of it then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.choosing.use_candidate import Barred, No, candidate_for, exchanged, usable
from bot.core.model import Evidence, Gate, GateFailure, Outcome, RunFacts, SolveFacts, Status
from tests.core.facts import decided, run

A, B = run(1).id, run(2).id
SECRET, LARGE = GateFailure(Gate.SECRET, "a.py"), GateFailure(Gate.TOO_LARGE, "")


def with_b(b: RunFacts) -> SolveFacts:
    return replace(decided(), runs=(run(1), b))


def without_patch() -> RunFacts:
    candidate = run(2).candidate
    assert candidate is not None
    return run(2, candidate=replace(candidate, patch=""))


@pytest.mark.parametrize(
    ("facts", "number", "found"),
    [
        (None, 2, No.NO_PULL_REQUEST),
        (replace(decided(), pull_request=None), 2, No.NO_PULL_REQUEST),
        (decided(Outcome.NONE), 2, No.NO_PULL_REQUEST),
        (replace(decided(), status=Status.RUNNING), 2, No.UNDER_WAY),
        (replace(decided(), status=Status.RUNNING, pull_request=None), 2, No.UNDER_WAY),
        (decided(), 3, No.UNKNOWN),
        (decided(), 0, No.UNKNOWN),
        (with_b(run(2, candidate=None)), 2, No.UNKNOWN),
        (with_b(run(2, evidence=None)), 2, No.UNKNOWN),
        (with_b(without_patch()), 2, No.UNKNOWN),
        (decided(), 1, No.ALREADY),
        (decided(), 2, run(2)),
    ],
)
def test_who_may_be_used(facts: SolveFacts | None, number: int, found: No | RunFacts) -> None:
    assert candidate_for(facts, number) == found


def test_who_fails_a_gate_may_not_whoever_asks_and_the_first_gate_is_named() -> None:
    barred = run(2, evidence=Evidence(B, gate_failures=(SECRET, LARGE)))
    assert candidate_for(with_b(barred), 2) == Barred(barred, SECRET)
    assert usable(with_b(barred)) == ()


def test_who_breaks_tests_may() -> None:
    breaks = run(2, evidence=Evidence(B, regressions=("t1",), stable_passed=4, stable_total=5))
    assert candidate_for(with_b(breaks), 2) == breaks
    assert usable(with_b(breaks)) == (breaks,)


def test_what_was_said_of_the_champion_before_is_no_longer_said() -> None:
    before = decided().decision
    assert before is not None
    first, second = before.ranking
    ranking = (replace(first, confidence=0.8), replace(second, confidence=0.3))
    before = replace(before, ranking=ranking, confidence=0.8, others=("Chosen over C.",))
    after = exchanged(before, B, "ann")
    assert (after.champion, after.runner_up, after.chosen_by) == (B, A, "ann")
    assert (after.reasons, after.others, after.uncertain) == ((), (), ())
    assert after.confidence == 0.3
    assert after.ranking == ranking
    assert after.outcome is before.outcome
    assert exchanged(replace(before, ranking=()), B, "ann").confidence == 0.0
