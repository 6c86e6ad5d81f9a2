"""The circuit breaker: tables for each step, and many workers at random for what holds always."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.resilience.circuit_breaker import (
    FAILURES,
    LOOK_AGAIN,
    PROBE_AFTER,
    WELL,
    Circuit,
    Health,
    Outage,
    after,
    circuit,
    outage,
    probing,
    wait,
)
from bot.core.resilience.sandbox_leases import Outcome

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
COUNT = (Outcome.TRANSIENT, Outcome.UNCLEAR)
ANSWERS = (Outcome.LIMITED, Outcome.GONE, Outcome.REJECTED, Outcome.DENIED)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


OPEN = Health(5, NOON, at(64))  # since noon, opened four seconds later
PROBING = Health(5, NOON, at(124), probing=True)


@pytest.mark.parametrize(
    ("health", "seconds", "state", "waits"),
    [
        pytest.param(WELL, 0, Circuit.CLOSED, None, id="well"),
        pytest.param(Health(4, NOON), 9, Circuit.CLOSED, None, id="some failures"),
        pytest.param(OPEN, 4, Circuit.OPEN, 60.0, id="just opened"),
        pytest.param(OPEN, 63.5, Circuit.OPEN, 0.5, id="almost over"),
        pytest.param(OPEN, 64, Circuit.HALF_OPEN, None, id="somebody may ask"),
        pytest.param(OPEN, 9999, Circuit.HALF_OPEN, None, id="nobody came"),
        pytest.param(PROBING, 64, Circuit.HALF_OPEN, 5.0, id="somebody asks"),
        pytest.param(PROBING, 122, Circuit.HALF_OPEN, 2.0, id="somebody asks for long"),
        pytest.param(PROBING, 124, Circuit.HALF_OPEN, None, id="nothing came of it"),
    ],
)
def test_who_may_ask(health: Health, seconds: float, state: Circuit, waits: float | None) -> None:
    assert circuit(health, at(seconds)) is state
    assert wait(health, at(seconds)) == waits


def test_five_failures_in_a_row_open_it() -> None:
    health = WELL
    for second in range(FAILURES):
        assert circuit(health, at(second)) is Circuit.CLOSED
        health = after(health, COUNT[second % 2], at(second))
    assert health == OPEN


@pytest.mark.parametrize("health", [WELL, Health(4, NOON), OPEN, PROBING])
def test_success_closes_it(health: Health) -> None:
    assert after(health, Outcome.DONE, at(70)) == WELL


@pytest.mark.parametrize("outcome", ANSWERS)
@pytest.mark.parametrize(
    ("health", "then"),
    [
        (WELL, WELL),
        (Health(4, NOON), Health(4, NOON)),
        (OPEN, OPEN),
        (PROBING, Health(5, NOON, at(70))),
    ],
)
def test_an_answer_counts_for_nothing_and_gives_the_probe_back(outcome: Outcome, health: Health, then: Health) -> None:
    assert after(health, outcome, at(70)) == then


@pytest.mark.parametrize("outcome", COUNT)
def test_a_probe_that_fails_leaves_it_open(outcome: Outcome) -> None:
    failed = after(PROBING, outcome, at(90))
    assert failed == Health(6, NOON, at(124))
    assert wait(failed, at(90)) == 34.0


def test_late_failures_do_not_put_the_probe_off() -> None:
    assert after(OPEN, Outcome.UNCLEAR, at(50)) == Health(6, NOON, at(64))


@pytest.mark.parametrize("health", [WELL, Health(4, NOON), OPEN])
def test_there_is_no_probe_to_take_from_a_circuit_that_is_not_half_open(health: Health) -> None:
    assert probing(health, at(5)) == health


def test_the_probe_is_taken_once() -> None:
    taken = probing(OPEN, at(64))
    assert taken == PROBING
    assert probing(taken, at(64)) == taken


@pytest.mark.parametrize(
    ("healths", "expected"),
    [
        ({}, None),
        ({"e2b": WELL}, None),
        ({"e2b": Health(4, NOON)}, None),
        ({"e2b": OPEN}, Outage("e2b", NOON)),
        ({"e2b": PROBING}, Outage("e2b", NOON)),
        ({"e2b": OPEN, "other": WELL}, None),
        ({"e2b": OPEN, "other": Health(5, at(30), at(90))}, Outage("other", at(30))),
    ],
)
def test_an_outage_is_when_nobody_can_be_asked(healths: dict[str, Health], expected: Outage | None) -> None:
    assert outage(healths) == expected


@given(
    st.lists(
        st.tuples(st.floats(0, 40), st.sampled_from(Outcome), st.floats(0, 90)), max_size=200, min_size=1
    )  # seconds until the next worker asks, what it comes to, and after how long
)
def test_many_workers(asked: list[tuple[float, Outcome, float]]) -> None:
    """Requests overlap. Those that are let through an open circuit are probes, and not more than one in 60 s.

    Unless one was answered, but said nothing: then the next one follows.
    """
    health, now = WELL, NOON
    under_way: list[tuple[datetime, Outcome]] = []
    in_a_row = 0
    last_probe: datetime | None = None
    for pause, outcome, seconds in asked:
        now += timedelta(seconds=pause)
        for ended, came_to in sorted(ending for ending in under_way if ending[0] <= now):
            under_way.remove((ended, came_to))
            health = after(health, came_to, ended)
            in_a_row = 0 if came_to is Outcome.DONE else in_a_row + (came_to in COUNT)
            assert health.failures == in_a_row
            assert health.is_open is (in_a_row >= FAILURES)
            if came_to in ANSWERS or not health.is_open:
                last_probe = None
        if (seconds_left := wait(health, now)) is not None:
            assert 0 < seconds_left <= PROBE_AFTER.total_seconds()
            assert not health.probing or seconds_left <= LOOK_AGAIN.total_seconds()
            assert probing(health, now) == health
            continue
        if health.is_open:
            assert last_probe is None or now - last_probe >= PROBE_AFTER
            last_probe = now
            health = probing(health, now)
            assert wait(health, now) is not None
        under_way.append((now + timedelta(seconds=seconds), outcome))
