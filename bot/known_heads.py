"""Commits that we pushed, in memory: the receiver drops checks of all others without asking the database.

They are read again every few seconds. A check may fail sooner than its commit is known here, so what was dropped in the
last minute is kept beside, and taken after all when it proves to be about one of them. It is kept in memory only: a
process that dies in between loses what GitHub would have been told to keep for three days.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.trigger.checks import KNOWN_FOR
from bot.ports import AlarmClock, StoreAway, Unavailable

EVERY = 5.0  # seconds between two looks
REMEMBERED = timedelta(seconds=60)
MOST_REMEMBERED = 2_000

Load = Callable[[datetime], Sequence[str]]
Put = Callable[[str, str, bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Dropped:
    at: datetime
    commit: str
    guid: str
    event: str
    record: bytes


class KnownHeads:
    """`load`, which may block: commits that we pushed since then. `put`: into the inbox."""

    def __init__(self, load: Load, put: Put, clock: AlarmClock) -> None:
        self._load = load
        self._put = put
        self._clock = clock
        self._known: frozenset[str] = frozenset()
        self._dropped: deque[_Dropped] = deque(maxlen=MOST_REMEMBERED)

    def is_ours(self, commit: str, guid: str, event: str, record: bytes) -> bool:
        """Where it is not, it is remembered for a while."""
        if commit in self._known:
            return True
        self._dropped.append(_Dropped(self._clock.now(), commit, guid, event, record))
        return False

    async def refresh(self) -> None:
        now = self._clock.now()
        self._known = frozenset(await asyncio.to_thread(self._load, now - KNOWN_FOR))
        waiting = [each for each in self._dropped if each.at >= now - REMEMBERED]
        late = [each for each in waiting if each.commit in self._known]
        self._dropped = deque((each for each in waiting if each.commit not in self._known), maxlen=MOST_REMEMBERED)
        for each in late:
            await self._put(each.guid, each.event, each.record)

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[asyncio.Task[None]]:
        """In a process that only receives."""
        refreshing = asyncio.create_task(self._refresh_for_ever(), name="heads")
        try:
            yield refreshing
        finally:
            refreshing.cancel()
            with suppress(asyncio.CancelledError):
                await refreshing

    async def _refresh_for_ever(self) -> None:
        while True:
            with suppress(StoreAway, Unavailable):  # without its database it takes nothing anyway
                await self.refresh()
            await self._clock.sleep(EVERY)
