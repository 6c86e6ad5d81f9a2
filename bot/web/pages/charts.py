"""Bars over days or weeks, as boxes in a drawing: a template draws them, and a table below says the same in numbers.

A drawing is stretched to the width that there is; what is to be read stands beside it, not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.repository_record import Cohort

WIDTH, HEIGHT, GAP = 720.0, 140.0, 2.0
MOST_BARS = 60


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    value: float
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Stack:
    """A week. `boxes`: from the bottom to the top; `kind` of each is a class of the sheet."""

    week: Cohort
    boxes: tuple[tuple[str, Column], ...]


def stacks(weeks: Sequence[Cohort]) -> tuple[Stack, ...]:
    """Merged stands at the bottom, then what was published besides, then what came to nothing, and was reverted."""
    most = max((week.solves for week in weeks), default=0)
    step = WIDTH / max(len(weeks), 1)
    return tuple(Stack(week, _boxes(week, step * number, step, most)) for number, week in enumerate(weeks))


def _boxes(week: Cohort, x: float, step: float, most: int) -> tuple[tuple[str, Column], ...]:
    other = max(0, week.published - week.merged - week.reverted)
    nothing = max(0, week.solves - week.merged - week.reverted - other)
    found, below = list[tuple[str, Column]](), 0.0
    for kind, number in (("good", week.merged), ("busy", other), ("none", nothing), ("bad", week.reverted)):
        if number:
            height = number / most * HEIGHT
            y = round(HEIGHT - below - height, 1)
            found.append((kind, Column(kind, number, round(x, 1), y, round(step - 2 * GAP, 1), round(height, 1))))
            below += height
    return tuple(found)


def columns(values: Sequence[tuple[str, float]]) -> tuple[Column, ...]:
    """In their order, the last 60; the highest fills the drawing."""
    shown = values[-MOST_BARS:]
    most = max((value for _, value in shown), default=0.0)
    step = min(WIDTH / max(len(shown), 1), 24.0)
    return tuple(
        Column(
            label,
            value,
            round(step * number, 1),
            round(HEIGHT - _height(value, most), 1),
            round(step - GAP, 1),
            round(_height(value, most), 1),
        )
        for number, (label, value) in enumerate(shown)
    )


def _height(value: float, most: float) -> float:
    return max(1.0, value / most * HEIGHT) if most > 0 and value > 0 else 0.0
