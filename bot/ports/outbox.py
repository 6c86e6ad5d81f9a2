"""What is still to be told to others, at rest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.core.views import SolveEvent


@dataclass(frozen=True, slots=True)
class Untold:
    """`tries`: those that failed."""

    event: SolveEvent
    tries: int


class Outbox(Protocol):
    async def collect(self, now: datetime) -> None:
        """Take what has happened since the last time. The first time, nothing: what is past is not told."""

    async def due(self, now: datetime) -> list[Untold]:
        """The oldest first; at most 20."""

    async def told(self, seq: int, at: datetime) -> None: ...

    async def failed(self, seq: int, at: datetime, again: datetime | None, why: str) -> None:
        """`again`: None where it is given up."""
