"""Events as they happen, for whoever follows a solve. One question to the database for all who follow, however many.

Each of them has a queue with an end: who does not read is told to load everything anew, and nobody waits for them.
Where nobody follows, nothing is asked. It is asked when something was told (bot/store/news.py), else once a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from math import floor

import msgspec
import structlog

from bot.core.model import SolveId
from bot.core.text.outgoing import Redactor
from bot.core.views import SolveEvent
from bot.ports import Unavailable, Views

log = structlog.get_logger()

POLL = 1.0  # seconds between two questions where nothing is heard of
PAUSE = 0.05  # seconds between two of them in any case: what happens meanwhile comes with the next answer
QUEUE = 256  # events that one follower may be behind
QUIET = 25.0  # seconds until a line says that there is still somebody here
RECHECK = timedelta(seconds=30)  # between two looks at whether the follower still may
MOST_FOLLOWERS = 2_000

LOOKS = 10  # loads of a page in a second, by all together who have it open
SHORTEST_PACE, LONGEST_PACE = 0.7, 60.0  # seconds between two of one

StillAllowed = Callable[[], Awaitable[bool]]


class TooManyFollow(Exception):
    pass


@dataclass(eq=False, slots=True)
class Follower:
    """`solve`: None for all solves, whose events are shown to those only who may see them."""

    solve: SolveId | None
    queue: asyncio.Queue[SolveEvent] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    is_behind: bool = False

    def hear(self, event: SolveEvent) -> None:
        if self.solve not in (None, event.solve) or self.is_behind:
            return
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.is_behind = True


class Feed:
    """Of one process."""

    def __init__(self, views: Views, redact: Redactor, *, poll: float = POLL) -> None:
        self._views = views
        self._redact = redact
        self._poll = poll
        self._followers: set[Follower] = set()
        self._asking: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def following(self, solve: SolveId | None) -> AsyncIterator[Follower]:
        """Hears all that becomes visible from here on. Raises `TooManyFollow`."""
        if self.is_full:
            raise TooManyFollow
        follower = Follower(solve)
        self._followers.add(follower)
        try:
            if self._asking is None:
                seen = await self._views.newest_event()
                self._asking = self._asking or asyncio.create_task(self._ask(seen), name="events")
            yield follower
        finally:
            self._followers.discard(follower)
            if not self._followers and self._asking is not None:
                self._asking.cancel()
                self._asking = None

    @property
    def pace(self) -> float:
        """Seconds for which a page that follows waits before it is loaded anew: the longer, the more of them there are.

        They would ask for everything at the same moment otherwise, each time that something happens.
        """
        return round(min(max(SHORTEST_PACE, len(self._followers) / LOOKS), LONGEST_PACE), 1)

    @property
    def is_full(self) -> bool:
        return len(self._followers) >= MOST_FOLLOWERS

    async def past(self, solve: SolveId, after: int) -> list[SolveEvent]:
        """Up to 500 of those that happened before."""
        return self._clean(await self._views.events(after, solve=solve))

    async def newest(self) -> int:
        return await self._views.newest_event()

    def _clean(self, events: list[SolveEvent]) -> list[SolveEvent]:
        found: list[SolveEvent] = self._redact.within(events)
        return found

    async def _ask(self, seen: int) -> None:
        async with self._views.news() as news:
            while True:
                count = news.count()
                found = await self._behind(seen)
                for event in found:
                    for follower in self._followers:
                        follower.hear(event)
                seen = found[-1].seq if found else seen
                await asyncio.sleep(PAUSE)
                await news.beyond(count, self._poll)

    async def _behind(self, seen: int) -> list[SolveEvent]:
        try:
            return self._clean(await self._views.events(seen))
        except Unavailable as error:
            log.warning("events.unavailable", problem=str(error))
            return []


async def stream(
    feed: Feed, solve: SolveId, after: int | None, still_allowed: StillAllowed, *, recheck: timedelta = RECHECK
) -> AsyncGenerator[bytes, None]:
    """Server-sent events, from behind number `after` on; None: from now on. Ends where the follower may no longer."""
    async with feed.following(solve) as follower:
        sent = await feed.newest() if after is None else after
        yield _line("retry: 2000")
        while found := await feed.past(solve, sent) if after is not None else []:
            for event in found:
                yield _told(event)
            sent = found[-1].seq
        async for text in _from_now_on(follower, sent, still_allowed, recheck.total_seconds()):
            yield text


async def _from_now_on(
    follower: Follower, sent: int, still_allowed: StillAllowed, recheck: float
) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    check_at, quiet_at = _next_check(loop.time(), recheck), loop.time() + QUIET
    while not (follower.is_behind and follower.queue.empty()):
        event = await _next(follower, max(0.0, min(check_at, quiet_at) - loop.time()))
        now = loop.time()
        if now >= check_at:
            if not await still_allowed():
                yield _line("event: end\ndata: {}")
                return
            check_at = _next_check(now, recheck)
        if event is not None and event.seq > sent:
            yield _told(event)
        elif now >= quiet_at:
            yield _line(":")
        quiet_at = now + QUIET if event is not None or now >= quiet_at else quiet_at
    yield _line("event: reload\ndata: {}")


def _next_check(now: float, recheck: float) -> float:
    """At one of thirty moments, so that many look together, and never all at once."""
    grid = recheck / 30
    return floor((now + recheck) / grid) * grid if grid else now


async def _next(follower: Follower, seconds: float) -> SolveEvent | None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await follower.queue.get()
    return None


def _told(event: SolveEvent) -> bytes:
    """JSON has no line ends, so nothing in it can begin a field."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.seq, event.kind.value.encode(), msgspec.json.encode(event))


def _line(text: str) -> bytes:
    return f"{text}\n\n".encode()
