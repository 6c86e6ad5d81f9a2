"""What a source of plans found, and what it left out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.core.model import Toolchain


@dataclass(frozen=True, slots=True)
class Skipped:
    """`source` is a path or a tool; `reason` one sentence for people."""

    source: str
    reason: str


@dataclass(frozen=True, slots=True)
class Plans:
    """Best first."""

    plans: tuple[Toolchain, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def __add__(self, other: Plans) -> Plans:
        return Plans((*self.plans, *other.plans), (*self.skipped, *other.skipped))

    @classmethod
    def all_of(cls, several: Iterable[Plans]) -> Plans:
        found = cls()
        for plans in several:
            found += plans
        return found


@dataclass(frozen=True, slots=True)
class Expanded:
    """A command that only starts others, taken apart: what has to be installed for it, and what it runs.

    `tests` are command lines as people would type them at the top of the repository, `checks` are linters and type
    checkers that it runs beside them.
    """

    setup: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
