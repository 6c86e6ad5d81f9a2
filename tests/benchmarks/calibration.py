"""How true are chances that were stated?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Scored:
    """A candidate that is not broken: how likely it is, said before it is known."""

    chance: float
    right: bool


def brier(scored: Sequence[Scored]) -> float:
    return sum((each.chance - each.right) ** 2 for each in scored) / len(scored)


def constant(scored: Sequence[Scored]) -> float:
    """The Brier score of who says the mean every time."""
    share = sum(each.right for each in scored) / len(scored)
    return share * (1 - share)


@dataclass(frozen=True)
class Bin:
    low: float
    number: int
    said: float
    right: float


def calibration(scored: Sequence[Scored], width: float = 0.1) -> list[Bin]:
    bins = []
    for step in range(round(1 / width)):
        within = [each for each in scored if step == int(min(0.999, each.chance) / width + 1e-9)]
        if within:
            said, right = sum(each.chance for each in within), sum(each.right for each in within)
            bins.append(Bin(step * width, len(within), said / len(within), right / len(within)))
    return bins


def calibration_error(scored: Sequence[Scored]) -> float:
    """The mean distance of what was said from what came of it."""
    return sum(each.number * abs(each.said - each.right) for each in calibration(scored)) / len(scored)
