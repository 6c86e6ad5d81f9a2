"""What was asked through the API and what came of it: kept, because the answer comes after the acknowledgement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.core.model import SolveId


@dataclass(frozen=True, slots=True)
class Request:
    """`answer`: for people, "" while there is none. `solve`: what it is about, or has started."""

    id: str
    digest: str
    user: int
    repository: int
    asked_at: datetime
    answered_at: datetime | None = None
    solve: SolveId | None = None
    refused: bool = False
    answer: str = ""


class Requests(Protocol):
    async def ask(self, request: Request) -> Request:
        """Keep it. One that is known under this id comes back as it stands."""

    async def answered(self, id: str, at: datetime, *, solve: SolveId | None, refused: bool, answer: str) -> None:
        """The first answer stands. One that nobody asked for is not kept."""

    async def request(self, id: str) -> Request | None: ...
