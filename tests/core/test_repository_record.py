"""Days to weeks, and what a merged pull request costs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.repository_record import WEEKS, Cohort, ModelRecord, RepositoryRecord, by_week, first_day

SATURDAY = datetime(2026, 11, 28, 12, tzinfo=UTC)
MONDAY = date(2026, 11, 23)


def test_weeks_begin_on_mondays_and_none_is_left_out() -> None:
    days = [
        Cohort(date(2026, 11, 22), 1, 1, 0, 0, 0.5),  # the Sunday before
        Cohort(MONDAY, 2, 1, 1, 0, 1.0),
        Cohort(date(2026, 11, 28), 1, 1, 0, 1, 0.25),
        Cohort(date(2020, 1, 1), 9, 9, 9, 9, 9.0),
    ]
    weeks = by_week(days, SATURDAY)
    assert len(weeks) == WEEKS
    assert weeks[0].day == first_day(SATURDAY) == date(2026, 6, 1)
    assert weeks[-1] == Cohort(MONDAY, 3, 2, 1, 1, 1.25)
    assert weeks[-2] == Cohort(date(2026, 11, 16), 1, 1, 0, 0, 0.5)
    assert all(week.solves == 0 for week in weeks[:-2])


@pytest.mark.parametrize(
    ("weeks", "per_merge"),
    [
        ((), None),
        ((Cohort(MONDAY, 2, 1, 0, 0, 3.0),), None),
        ((Cohort(MONDAY, 2, 1, 1, 0, 3.0), Cohort(MONDAY, 1, 1, 1, 0, 1.0)), 2.0),
        ((Cohort(MONDAY, 2, 1, 1, 0, 3.0), Cohort(MONDAY, 5, 0, 0, 0, 2.0)), 5.0),
    ],
)
def test_what_came_to_nothing_is_paid_by_what_was_merged(weeks: tuple[Cohort, ...], per_merge: float | None) -> None:
    assert RepositoryRecord(weeks, ()).dollars_per_merge == per_merge


def test_shares_of_a_model_without_runs_are_none() -> None:
    nothing, some = ModelRecord("m", 0, 0, 0, 0, 0.0), ModelRecord("m", 4, 3, 2, 1, 1.0)
    assert (nothing.chosen_share, nothing.merged_share) == (0.0, 0.0)
    assert (some.chosen_share, some.merged_share) == (0.5, 0.25)


@given(st.lists(st.dates(date(1, 1, 8), date(9999, 12, 1)), max_size=30), st.datetimes(datetime(2000, 1, 1)))
def test_any_days(days: list[date], now: datetime) -> None:
    weeks = by_week([Cohort(day, 1) for day in days], now)
    first = first_day(now)
    assert sum(week.solves for week in weeks) == sum(first <= day < first + timedelta(weeks=WEEKS) for day in days)
