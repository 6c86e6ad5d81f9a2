"""What fits into a day and a month, and when there is room again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.render.replies import budget_that_fits
from bot.core.render.replies import over_budget as told
from bot.core.trigger.budgets import Budget, OverBudget, Period, Spent, Whose, began, ends, over_budget

NOON = datetime(2026, 12, 31, 12, 30, 15, 5, tzinfo=UTC)
DAY, MONTH = Budget(Whose.INSTANCE, Period.DAY, 10.0), Budget(Whose.REPOSITORY, Period.MONTH, 50.0)
LEAP = datetime(2028, 2, 29, tzinfo=UTC)
MIDNIGHT = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "now", "first", "next_"),
    [
        (Period.DAY, NOON, datetime(2026, 12, 31, tzinfo=UTC), MIDNIGHT),
        (Period.MONTH, NOON, datetime(2026, 12, 1, tzinfo=UTC), MIDNIGHT),
        (Period.MONTH, LEAP, datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
        (Period.DAY, LEAP, LEAP, datetime(2028, 3, 1, tzinfo=UTC)),
    ],
)
def test_a_period_is_one_of_utc(period: Period, now: datetime, first: datetime, next_: datetime) -> None:
    assert (began(period, now), ends(period, now)) == (first, next_)


@pytest.mark.parametrize(
    ("asked", "spent", "short"),
    [
        (2.0, [], None),
        (2.0, [Spent(DAY, 8.0)], None),
        (0.3, [Spent(DAY, 9.7)], None),  # of which the difference is not exactly 0.3
        (2.0, [Spent(DAY, 8.01)], DAY),
        (2.0, [Spent(DAY, 30.0)], DAY),
        (2.0, [Spent(DAY, 8.0), Spent(MONTH, 49.0)], MONTH),
    ],
)
def test_what_does_not_fit_is_refused(asked: float, spent: list[Spent], short: Budget | None) -> None:
    found = over_budget(asked, spent, NOON)
    assert (found.spent.budget if found else None) == short


def test_the_budget_that_is_free_last_is_named() -> None:
    now = datetime(2026, 12, 3, 12, tzinfo=UTC)
    found = over_budget(2.0, [Spent(MONTH, 50.0), Spent(DAY, 10.0)], now)
    assert found == OverBudget(Spent(MONTH, 50.0), 2.0, MIDNIGHT)


@given(
    st.floats(0, 1e9),
    st.lists(st.builds(Spent, st.sampled_from([DAY, MONTH]), st.floats(0, 1e9))),
    st.datetimes(max_value=datetime(9998, 1, 1)),
)
def test_it_is_free_again_in_the_future(asked: float, spent: list[Spent], when: datetime) -> None:
    now = when.replace(tzinfo=UTC)
    found = over_budget(asked, spent, now)
    assert (found is None) == all(asked <= each.left + 1e-6 for each in spent)
    assert found is None or found.free_at > now


@pytest.mark.parametrize(
    ("over", "text"),
    [
        (
            OverBudget(Spent(DAY, 9.5), 2.0, MIDNIGHT),
            "That may cost $2.00, and of the $10.00 that this server may spend in a day, $0.50 is left; the rest is "
            "spent, or set aside for solves that are going on. There is room again on 1 January 2027, 00:00 UTC, "
            "or earlier, when those cost less.",
        ),
        (
            OverBudget(Spent(MONTH, 50.0), 2.0, MIDNIGHT),
            "That may cost $2.00, and of the $50.00 that this repository may spend in a month, nothing is left; it is "
            "spent, or set aside for solves that are going on. There is room again on 1 January 2027, 00:00 UTC, "
            "or earlier, when those cost less.",
        ),
        (
            OverBudget(Spent(Budget(Whose.PERSON, Period.DAY, 1.0), 0.0), 2.0, MIDNIGHT),
            "That may cost $2.00, and the whole that one person may spend in a day is $1.00, so waiting does not help.",
        ),
    ],
)
def test_the_answer_says_when_there_is_room_again(over: OverBudget, text: str) -> None:
    assert told(over) == text


@pytest.mark.parametrize(
    ("spent", "text"),
    [
        (9.5, " `/solve budget=0.50` fits in now."),
        (9.001, " `/solve budget=0.99` fits in now."),
        (9.95, ""),
        (11.0, ""),
    ],
)
def test_the_answer_says_what_fits_in_now(spent: float, text: str) -> None:
    assert budget_that_fits(OverBudget(Spent(DAY, spent), 2.0, MIDNIGHT)) == text
