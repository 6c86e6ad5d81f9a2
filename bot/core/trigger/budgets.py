"""What may be spent in a day and in a month: by all, for one repository, by one person.

- A solve that is accepted sets aside the most that it may cost; once it is over, what it did cost counts instead.
- What does not fit into what is left of every budget is refused: nobody gets less than was asked for.
- Days and months are those of UTC, and a solve counts in the one it was accepted in.
- Of several budgets that are used up, the one that is free again last is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import assert_never

_ROUNDING = 1e-6  # dollars; sums of what was set aside are not exact


class Whose(StrEnum):
    INSTANCE = "instance"
    REPOSITORY = "repository"
    PERSON = "person"


class Period(StrEnum):
    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Budget:
    whose: Whose
    period: Period
    dollars: float


@dataclass(frozen=True, slots=True)
class Spent:
    """`dollars`: paid, and set aside for what is going on."""

    budget: Budget
    dollars: float

    @property
    def left(self) -> float:
        return max(self.budget.dollars - self.dollars, 0.0)


@dataclass(frozen=True, slots=True)
class OverBudget:
    """`asked` dollars do not fit. `free_at`: when the next period begins."""

    spent: Spent
    asked: float
    free_at: datetime


def began(period: Period, now: datetime) -> datetime:
    """`now` is in UTC."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    match period:
        case Period.DAY:
            return midnight
        case Period.MONTH:
            return midnight.replace(day=1)
    assert_never(period)


def ends(period: Period, now: datetime) -> datetime:
    start = began(period, now)
    return start + timedelta(days=1) if period is Period.DAY else (start + timedelta(days=32)).replace(day=1)


def over_budget(asked: float, spent: Sequence[Spent], now: datetime) -> OverBudget | None:
    """None: it fits into all of them."""
    short = [OverBudget(each, asked, ends(each.budget.period, now)) for each in spent if asked > each.left + _ROUNDING]
    return max(short, key=lambda each: (each.free_at, -each.spent.left), default=None)
