"""How often a service that lends sandboxes is asked, as a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.resilience.github_retry import GiveUp, Wait
from bot.core.resilience.sandbox_leases import Outcome
from bot.core.resilience.sandbox_retry import LONGEST_PAUSE, LONGEST_WAIT, MOST_ATTEMPTS, next_move


@pytest.mark.parametrize("outcome", [Outcome.TRANSIENT, Outcome.UNCLEAR])
@pytest.mark.parametrize(
    ("attempt", "luck", "move"),
    [
        (1, 1.0, Wait(1.0)),
        (1, 0.5, Wait(0.5)),
        (1, 0.0, Wait(0.0)),
        (2, 1.0, Wait(2.0)),
        (2, 0.25, Wait(0.5)),
        (3, 1.0, GiveUp()),
        (9, 0.0, GiveUp()),
    ],
)
def test_a_failure_is_asked_for_three_times(outcome: Outcome, attempt: int, luck: float, move: Wait | GiveUp) -> None:
    assert next_move(outcome, attempt, luck=luck) == move


@pytest.mark.parametrize(
    ("attempt", "luck", "retry_after", "move"),
    [
        pytest.param(1, 0.0, None, Wait(30.0), id="says nothing"),
        pytest.param(2, 1.0, None, Wait(33.0), id="spread"),
        pytest.param(1, 0.0, 7.0, Wait(7.0), id="says how long"),
        pytest.param(1, 0.0, 0.0, Wait(0.0), id="at once"),
        pytest.param(1, 0.0, 60.0, Wait(60.0), id="just in patience"),
        pytest.param(1, 0.0, 61.0, GiveUp(61.0), id="longer than we wait"),
        pytest.param(3, 0.0, None, GiveUp(30.0), id="too often"),
        pytest.param(3, 0.0, 7.0, GiveUp(7.0), id="too often, and it says how long"),
    ],
)
def test_limits_are_kept(attempt: int, luck: float, retry_after: float | None, move: Wait | GiveUp) -> None:
    assert next_move(Outcome.LIMITED, attempt, luck=luck, retry_after=retry_after) == move


def test_a_failure_that_says_how_long_is_believed() -> None:
    assert next_move(Outcome.TRANSIENT, 1, luck=0.0, retry_after=9.0) == Wait(9.0)
    assert next_move(Outcome.TRANSIENT, 1, luck=0.0, retry_after=900.0) == GiveUp(900.0)


@pytest.mark.parametrize("outcome", [Outcome.GONE, Outcome.REJECTED, Outcome.DENIED])
def test_an_answer_is_not_asked_for_twice(outcome: Outcome) -> None:
    assert next_move(outcome, 1, luck=1.0, retry_after=5.0) == GiveUp()


@given(
    st.sampled_from(Outcome),
    st.integers(1, 50),
    st.floats(0, 1),
    st.one_of(st.none(), st.floats(0, 1e9, allow_nan=False)),
)
def test_nobody_waits_for_ever(outcome: Outcome, attempt: int, luck: float, retry_after: float | None) -> None:
    match next_move(outcome, attempt, luck=luck, retry_after=retry_after):
        case Wait(seconds):
            assert attempt < MOST_ATTEMPTS
            assert (retry_after or 0.0) <= seconds
            assert seconds <= (LONGEST_PAUSE if retry_after is None and outcome is not Outcome.LIMITED else 66.0)
            assert retry_after is None or retry_after <= LONGEST_WAIT
        case GiveUp(seconds):
            assert seconds is None or outcome in (Outcome.TRANSIENT, Outcome.UNCLEAR, Outcome.LIMITED)
