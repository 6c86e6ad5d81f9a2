"""Bars over days or names, as boxes in a drawing: a template draws them, and a table below says the same in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

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
