"""Pull requests of ours that are open at the same time and change the same files."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bot.core.ids import SolveId

MOST = 10  # pull requests that one is told of


@dataclass(frozen=True, slots=True)
class Overlap:
    """Another pull request, and what both change."""

    pull: int
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A solve whose pull request is open, and the files that its champion changes."""

    solve: SolveId
    pull: int
    paths: tuple[str, ...]


def overlapping(pull: int, paths: Collection[str], others: Sequence[Neighbour]) -> list[tuple[Neighbour, Overlap]]:
    """Those that change a file of these, too."""
    common = [(other, tuple(path for path in other.paths if path in paths)) for other in others if other.pull != pull]
    return [(other, Overlap(other.pull, both)) for other, both in common if both][:MOST]


def with_overlap(known: Sequence[Overlap], new: Overlap) -> tuple[Overlap, ...]:
    """Said once of each pull request."""
    return (*(each for each in known if each.pull != new.pull), new)[-MOST:]
