"""Writes take turns, whichever worker they come from: one at a time per installation, with a pause between.

Libraries of rate limits (aiolimiter, limits) count what is begun; GitHub wants the next write after the one before has
ended, and workers share a database and nothing else.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from uuid import uuid4

from bot.core.resilience.turns import NOBODYS, PROLONGED_EVERY, Turn, Wrote, keep, leave, take
from bot.ports import ChangeTurn, Clock, Turns, Unavailable

Sleep = Callable[[float], Awaitable[object]]

_FRESH = 1.0  # seconds for which a turn that was just confirmed is not asked for again


class TurnsHere:
    """The `Turns` port for one process alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._turns: defaultdict[str, Turn] = defaultdict(lambda: NOBODYS)

    async def change(self, name: str, change: ChangeTurn) -> float:
        self._turns[name], wait = change(self._turns[name], self._clock.now())
        return wait


class Held:
    """A turn that is ours. `interval`: seconds from the end of one write to the start of the next."""

    def __init__(self, turns: Turns, name: str, interval: float, sleep: Sleep) -> None:
        self._turns = turns
        self._name = name
        self._interval = interval
        self._sleep = sleep
        self._holder = uuid4().hex
        self._wrote = Wrote()
        self._confirmed = 0.0  # by the loop's clock, which goes on while a process is stopped
        self._taken = False

    async def ready(self) -> None:
        """Right before a write. Raises `Unavailable` when somebody else got the turn: what was looked at is old."""
        while not self._is_fresh():
            asked = asyncio.get_running_loop().time()
            if self._taken and await self._turns.change(self._name, lambda turn, now: keep(turn, self._holder, now)):
                raise Unavailable(f"the turn for {self._name} was lost", retry_after=1.0)
            wrote, self._wrote = self._wrote, Wrote()
            wait = await self._turns.change(self._name, lambda turn, now: take(turn, self._holder, now, wrote))  # noqa: B023
            if not wait:
                self._confirmed, self._taken = asked, True
            else:
                await self._sleep(wait)

    def wrote(self, *, creates: bool) -> None:
        before = self._wrote
        self._wrote = Wrote(before.times + 1, before.creations + creates, self._interval)

    def _is_fresh(self) -> bool:
        passed = asyncio.get_running_loop().time() - self._confirmed
        return self._taken and not self._wrote.times and passed < _FRESH

    async def prolong(self) -> None:
        while True:
            await asyncio.sleep(PROLONGED_EVERY)
            with suppress(Unavailable):
                await self._turns.change(self._name, lambda turn, now: keep(turn, self._holder, now))

    async def leave(self) -> None:
        """When the database is away, it ends by itself."""
        with suppress(Unavailable):
            await self._turns.change(self._name, lambda turn, now: leave(turn, self._holder, now, self._wrote))


_HELD: ContextVar[Mapping[int, Held]] = ContextVar("held", default={})  # noqa: B039 - never changed in place


class WritePacing:
    def __init__(self, interval: float, turns: Turns, sleep: Sleep) -> None:
        self._interval = interval
        self._turns = turns
        self._sleep = sleep
        self._lines: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def turn(self, installation: int) -> AsyncIterator[Held]:
        """Ours until the end. Within one that the caller has, it is that one."""
        if (held := _HELD.get().get(installation)) is not None:
            yield held
            return
        async with self._lines[installation]:
            held = Held(self._turns, f"github {installation}", self._interval, self._sleep)
            await held.ready()
            token = _HELD.set({**_HELD.get(), installation: held})
            prolonging = asyncio.create_task(held.prolong(), name="turn")
            try:
                yield held
            finally:
                _HELD.reset(token)
                prolonging.cancel()
                await asyncio.shield(held.leave())
