"""Turns: one holder at a time, whatever the clocks say, and never more than GitHub allows in a minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.resilience.turns import (
    MOST_CREATIONS,
    NOBODYS,
    NOTHING,
    TURN,
    Turn,
    Wrote,
    keep,
    leave,
    take,
)

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
ONE = Wrote(1, 1, 1.0)


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("turn", "waits"),
    [
        (NOBODYS, False),
        (Turn("ann", later(5)), True),
        (Turn("ann", later(-1)), False),  # she has died
        (Turn("ann", later(3600)), False),  # by a clock that was wrong
        (Turn("bob", later(5)), False),
        (Turn(free_at=later(0.5)), True),
        (Turn(free_at=later(-0.5)), False),
        (Turn(free_at=later(7200)), False),
        (Turn(created=(NOON,) * (MOST_CREATIONS - 1)), False),
        (Turn(created=(NOON,) * MOST_CREATIONS), True),
        (Turn(created=(later(-61),) * MOST_CREATIONS), False),
        (Turn(created=(later(3600),) * MOST_CREATIONS), False),
    ],
)
def test_whose_turn_it_is(turn: Turn, *, waits: bool) -> None:
    taken, wait = take(turn, "bob", NOON)
    assert (wait > 0) == waits
    assert (taken.holder == "bob") == (not waits)


def test_who_is_in_a_pause_of_its_own_keeps_the_turn() -> None:
    mine, _ = take(NOBODYS, "bob", NOON)
    paused, wait = take(mine, "bob", NOON, ONE)
    assert (paused.holder, wait) == ("bob", 1.0)
    assert take(paused, "bob", later(1))[1] == 0


def test_who_was_overtaken_is_told_and_takes_nothing_away() -> None:
    mine, _ = take(NOBODYS, "bob", NOON)
    theirs, _ = take(mine, "ann", later(TURN))
    assert keep(theirs, "bob", later(TURN))[1] > 0
    left, _ = leave(theirs, "bob", later(TURN), ONE)
    assert left.holder == "ann"
    assert take(left, "ann", later(TURN + 0.5))[1] == 0.5, "but what was written counts"


@given(st.lists(st.tuples(st.sampled_from(["ann", "bob", "eve"]), st.floats(0, 40), st.booleans()), max_size=60))
def test_never_two_at_a_time(visits: list[tuple[str, float, bool]]) -> None:
    turn, now, has = NOBODYS, NOON, dict[str, datetime]()
    for who, pause, goes in visits:
        now += timedelta(seconds=pause)
        turn, wait = take(turn, who, now)
        if not wait:
            others = [other for other, until in has.items() if other != who and until > now]
            assert others == []
            has[who] = now + timedelta(seconds=TURN)
        if goes and who in has:
            del has[who]
            turn, _ = leave(turn, who, now, NOTHING)


@given(st.lists(st.tuples(st.integers(1, 30), st.floats(0, 30)), max_size=12))
def test_never_more_creations_in_a_minute_than_allowed(writes: list[tuple[int, float]]) -> None:
    turn, now, created = NOBODYS, NOON, list[datetime]()
    for number, pause in writes:
        now += timedelta(seconds=pause)
        for _ in range(number):
            turn, wait = take(turn, "bob", now)
            while wait:
                now += timedelta(seconds=wait)
                turn, wait = take(turn, "bob", now)
            created.append(now)
            turn, _ = leave(turn, "bob", now, Wrote(1, 1, 0.0))
    for first, beyond in zip(created, created[MOST_CREATIONS:], strict=False):
        assert beyond - first >= timedelta(minutes=1)
