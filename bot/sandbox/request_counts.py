"""What we ask of services that lend sandboxes, on its way to the ledger: what a second brings, or a hundred at a time.

Nothing is lost silently. What cannot be written waits for the database, as long as there is room for it here.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from bot.core.resilience.sandbox_leases import Operation
from bot.ports import Ledger, WorldError

log = structlog.get_logger()

EVERY = 1.0  # seconds
AGAIN = 10.0  # seconds after the database did not take it
AT_ONCE = 100
ROOM = 10_000  # operations that wait here


class Account:
    """One for all providers of a process; `close` it at the end."""

    def __init__(self, ledger: Ledger, *, every: float = EVERY) -> None:
        self._ledger = ledger
        self._every = every
        self._flushing = asyncio.Lock()
        self._waiting: list[Operation] = []
        self._lost = 0
        self._writing: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._closed = False

    def note(self, operation: Operation) -> None:
        self._waiting.append(operation)
        if len(self._waiting) > ROOM:
            del self._waiting[0]
            self._lost += 1
        if len(self._waiting) == AT_ONCE:
            self._hurry.set()
        self._see_to_it()

    def _see_to_it(self) -> asyncio.Task[None]:
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="account")
        return self._writing

    async def close(self) -> None:
        """Write down the rest."""
        self._closed = True
        self._hurry.set()
        await self._see_to_it()

    async def _write(self) -> None:
        pause = self._every
        while self._waiting:
            if not self._closed:
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._hurry.wait()
            self._hurry.clear()
            written = await self.flush()
            pause = self._every if written else AGAIN
            if self._closed and not written:
                log.error("sandbox.operations.lost", number=len(self._waiting) + self._lost)
                return

    async def flush(self) -> bool:
        """False when the database did not take it."""
        async with self._flushing:
            batch, self._waiting = self._waiting, []
            try:
                await self._ledger.count(batch)
            except WorldError as error:
                log.warning("sandbox.operations.waiting", number=len(batch), lost=self._lost, reason=str(error))
                self._waiting = batch + self._waiting
                self._see_to_it()
                return False
        return True
