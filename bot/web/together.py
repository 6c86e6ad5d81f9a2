"""One question for all who want to know the same kind of thing at the same time, and not one for each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

Look = Callable[[frozenset[str]], Awaitable[frozenset[str]]]

MOMENT = 0.02  # seconds that the first one waits for others


class Together:
    """`look`: for which of these it holds. What it raises, all raise who have asked."""

    def __init__(self, look: Look, *, moment: float = MOMENT) -> None:
        self._look = look
        self._moment = moment
        self._wanted: set[str] = set()
        self._asking: asyncio.Task[frozenset[str]] | None = None

    async def holds(self, key: str) -> bool:
        self._wanted.add(key)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask(), name="together")
        return key in await asyncio.shield(self._asking)

    async def _ask(self) -> frozenset[str]:
        await asyncio.sleep(self._moment)
        wanted, self._wanted, self._asking = frozenset(self._wanted), set(), None
        return await self._look(wanted)
