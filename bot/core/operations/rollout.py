"""How a new release takes the place of the one before.

- Nothing that runs is touched before the new release has its environment, finds nothing wrong with the settings, and
  has brought the database up to date.
- Processes are replaced one at a time, receivers first; the next one only when the one before is ready.
- At the end the deployment is looked at from outside. What is broken then takes all of it back.
- Back is the release before, unless the database is one that it does not know: then what runs goes on running, and
  people are told how to go back by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

KEPT_RELEASES = 5
APART = 10  # between the ports of two processes


class Role(StrEnum):
    WEB = "web"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Member:
    """One process of the deployment. Its operators' port answers /readyz and /metrics; `port` is 0 for workers."""

    role: Role
    number: int
    port: int
    operators: int

    @property
    def name(self) -> str:
        return f"{self.role}-{self.number}"


class WayBack(StrEnum):
    RELEASE = "the release before"
    NONE = "none: there was nothing before"
    BY_HAND = "by hand: the database is newer than the release before"


def members(webs: int, workers: int, port: int) -> tuple[Member, ...]:
    """In the order in which they are replaced. The first has the ports of the settings, the others follow."""
    receiving = [Member(Role.WEB, n + 1, port + APART * n, port + APART * n + 1) for n in range(webs)]
    working = [Member(Role.WORKER, n + 1, 0, port + APART * (webs + n) + 1) for n in range(workers)]
    return (*receiving, *working)


def way_back(before: str | None, after: str) -> WayBack:
    """By the newest schema that each release knows; None: there was no release before."""
    if before is None:
        return WayBack.NONE
    return WayBack.RELEASE if before == after else WayBack.BY_HAND


def superfluous(releases: Sequence[str], current: str) -> list[str]:
    """The oldest, whose names begin with when they were made; never the one that runs."""
    kept = sorted(releases, reverse=True)[:KEPT_RELEASES]
    return [each for each in sorted(releases) if each not in kept and each != current]
