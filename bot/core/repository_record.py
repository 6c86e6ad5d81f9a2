"""What came of solves in one repository: week by week, and model by model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

WEEKS = 26  # that are looked back on


@dataclass(frozen=True, slots=True)
class Cohort:
    """Of solves that began on or from that day on: how many were published, merged, and reverted after that."""

    day: date
    solves: int = 0
    published: int = 0
    merged: int = 0
    reverted: int = 0
    dollars: float = 0.0


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """`chosen`: runs whose candidate was the champion; `merged`: those of them that people merged, and kept."""

    model: str
    runs: int
    candidates: int
    chosen: int
    merged: int
    dollars: float

    @property
    def chosen_share(self) -> float:
        return self.chosen / self.runs if self.runs else 0.0

    @property
    def merged_share(self) -> float:
        return self.merged / self.runs if self.runs else 0.0


@dataclass(frozen=True, slots=True)
class RepositoryRecord:
    """Of solves that began within `weeks`: the oldest week first, every one there; the model with most runs first.

    `dollars_per_merge`: what all of them cost, for each that was merged; None: none was.
    """

    weeks: tuple[Cohort, ...]
    models: tuple[ModelRecord, ...]

    @property
    def solves(self) -> int:
        return sum(week.solves for week in self.weeks)

    @property
    def merged(self) -> int:
        return sum(week.merged for week in self.weeks)

    @property
    def most_in_a_week(self) -> int:
        return max((week.solves for week in self.weeks), default=0)

    @property
    def dollars(self) -> float:
        return sum(week.dollars for week in self.weeks)

    @property
    def dollars_per_merge(self) -> float | None:
        return self.dollars / self.merged if self.merged else None


def first_day(now: datetime) -> date:
    """The Monday with which the oldest week begins."""
    return _monday(now.date()) - timedelta(weeks=WEEKS - 1)


def by_week(days: Sequence[Cohort], now: datetime) -> tuple[Cohort, ...]:
    """Weeks begin on Mondays. Those in which nothing began are there, too; days before the oldest are left out."""
    first = first_day(now)
    weeks = {first + timedelta(weeks=number): list[Cohort]() for number in range(WEEKS)}
    for each in days:
        if (monday := _monday(each.day)) in weeks:
            weeks[monday].append(each)
    return tuple(_added(monday, found) for monday, found in weeks.items())


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _added(day: date, cohorts: Sequence[Cohort]) -> Cohort:
    return Cohort(
        day,
        sum(each.solves for each in cohorts),
        sum(each.published for each in cohorts),
        sum(each.merged for each in cohorts),
        sum(each.reverted for each in cohorts),
        round(sum(each.dollars for each in cohorts), 6),
    )
