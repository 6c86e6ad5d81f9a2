"""Several issues at once: one solve each, asked for by one comment and told of in one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.ids import SolveId
from bot.core.model import IssueRef, SolveOptions

MOST_ISSUES = 20  # at once


@dataclass(frozen=True, slots=True)
class Entry:
    """`refusal`: why nothing was started for that issue, as people read it; "" where something was."""

    number: int
    solve: SolveId | None = None
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Batch:
    """`issue`: where it was asked for and is told of. `dollars`: for all together; None: each has its own limit.

    `left_out`: the next ones, where there are more issues than are taken at once.
    """

    id: str
    issue: IssueRef
    by: str
    entries: tuple[Entry, ...]
    created_at: datetime
    dollars: float | None = None
    left_out: tuple[int, ...] = ()


def batch_id(issue: IssueRef, key: str) -> str:
    return f"b-{issue.repo.id}-{issue.number}-{key}"


def shared(options: SolveOptions, number: int) -> SolveOptions:
    """`budget=` is for all of them together, and each gets the same part; none goes on from one to another."""
    return options if options.dollars is None else replace(options, dollars=options.dollars / max(1, number))


def first_of(numbers: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Those that are taken at once, and those that one more command may name."""
    return tuple(numbers[:MOST_ISSUES]), tuple(numbers[MOST_ISSUES : 2 * MOST_ISSUES])
