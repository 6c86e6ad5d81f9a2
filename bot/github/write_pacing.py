"""Writes take turns: one at a time per installation, with a pause between, as GitHub asks of its integrators.

("Make requests serially", "pause between mutative requests: at least one second".)
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class Turns:
    """`interval`: seconds from the end of one write to the start of the next."""

    def __init__(self, interval: float, sleep: Callable[[float], Awaitable[object]] = asyncio.sleep) -> None:
        self._interval = interval
        self._sleep = sleep
        self._lines: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._free_at: dict[int, float] = {}

    @asynccontextmanager
    async def turn(self, installation: int) -> AsyncIterator[None]:
        time = asyncio.get_running_loop().time
        async with self._lines[installation]:
            pause = self._free_at.get(installation, 0.0) - time()
            if pause > 0:
                await self._sleep(pause)
            try:
                yield
            finally:
                self._free_at[installation] = time() + self._interval
