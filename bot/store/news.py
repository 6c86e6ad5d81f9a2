"""Who waits for events is woken when one is written: by this process as it commits, and on PostgreSQL by any other one.

There it is LISTEN, over a connection of its own while somebody follows. What wakes nobody (a connection that is away,
another process on SQLite) is found by whoever asks again after a while: nothing is lost, it only comes later.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import sqlalchemy as sa
import structlog

log = structlog.get_logger()

CHANNEL = "solvebot_events"
AGAIN = 1.0  # seconds until a connection that was lost is tried anew
TOLD = "events were told"  # on a connection, until its transaction is over


class News:
    def __init__(self) -> None:
        self._count = 0
        self._next = asyncio.Event()

    def count(self) -> int:
        """To be asked before the events are, so that none falls between the two."""
        return self._count

    def tell(self) -> None:
        self._count += 1
        happened, self._next = self._next, asyncio.Event()
        happened.set()

    async def beyond(self, count: int, seconds: float) -> None:
        """Until something was told since then, or for that long."""
        if self._count == count:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._next.wait()


def mark(db: sa.Connection) -> None:
    """The transaction tells of something; on PostgreSQL others hear of it when it is committed, once."""
    if db.dialect.name == "postgresql":
        db.execute(sa.text(f"notify {CHANNEL}"))
    else:
        db.info[TOLD] = True


def is_marked(db: sa.Connection) -> bool:
    return bool(db.info.pop(TOLD, False))


@asynccontextmanager
async def heard(url: str, news: News) -> AsyncIterator[News]:
    """What any process on that PostgreSQL tells, while it lasts."""
    listening = asyncio.create_task(_listen(url, news), name="news")
    try:
        yield news
    finally:
        listening.cancel()
        with suppress(asyncio.CancelledError):
            await listening


async def _listen(url: str, news: News) -> None:
    import psycopg  # here: 11 MB, which only those pay who use it

    while True:
        try:
            async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as connection:
                await connection.execute(f"listen {CHANNEL}")
                news.tell()  # of what happened before
                async for _ in connection.notifies():
                    news.tell()
        except psycopg.Error as error:
            log.warning("news.away", reason=str(error))
        await asyncio.sleep(AGAIN)
