"""Deliveries at rest: bytes are acknowledged when their row is on the disk, and handed to the engine from there.

Two sides. The web process *puts*: rows that arrive while a commit is under way gather and share the next one, so the
disk's fsync bounds the latency but not the throughput. The worker *takes*: it asks what is waiting, starts it, and says
what it has handed over. In one process a put wakes the taker at once; across processes the taker polls.

A delivery that comes again under the same GUID is the same row. If it was handed over already it waits again with
`attempt` raised: GitHub repeats only what somebody wants repeated, and the taker knows whether there is anything to
resume. No SQLAlchemy here, and a whole batch is one statement: that is what makes this ten times faster than a commit
per request.
"""

from __future__ import annotations

import asyncio
import functools
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import aiosqlite
import msgspec

from bot.ports import Clock, Unavailable
from bot.store import sqlite

BATCH = 128  # rows per commit, so that one statement stays small; the rest goes with the next

Arrival = tuple[str, str, str, datetime]  # guid, event, record, received_at


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A delivery that waits. `attempt` counts how often it was handed over before."""

    guid: str
    event: str
    record: dict[str, object]
    received_at: datetime
    attempt: int


class _Shelf(Protocol):
    """What a database does for the inbox. Raises `Unavailable`."""

    async def insert(self, rows: Sequence[Arrival]) -> None:
        """One durable commit; each guid occurs once."""

    async def waiting(self, limit: int) -> list[InboxRow]: ...

    async def handed(self, guids: Sequence[str], at: datetime) -> None: ...

    async def known(self, guids: Sequence[str]) -> set[str]: ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class _Batch:
    """Rows by GUID that share a commit, and the future everybody who brought one waits for."""

    rows: dict[str, Arrival] = field(default_factory=dict)
    written: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Inbox:
    """Made by `open_inbox`. One taker at a time may `wait`."""

    def __init__(self, shelf: _Shelf, clock: Clock, written: Callable[[], None] = lambda: None) -> None:
        self._shelf = shelf
        self._clock = clock
        self._written = written
        self._gathering: deque[_Batch] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._arrived = asyncio.Event()

    async def put(self, guid: str, event: str, record: bytes) -> None:
        """Returns when the row is durable. Raises `Unavailable` when it could not be written.

        Cancelling the call does not take the row back, and does not touch the others of its batch.
        """
        if not self._gathering or len(self._gathering[-1].rows) >= BATCH:
            self._gathering.append(_Batch())
        batch = self._gathering[-1]
        batch.rows.setdefault(guid, (guid, event, record.decode(), self._clock.now()))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        await asyncio.shield(batch.written)

    async def _write(self) -> None:
        """One batch in flight; what arrives meanwhile is the next. Ends when nothing is left to write."""
        while self._gathering:
            batch = self._gathering.popleft()
            insert = asyncio.ensure_future(self._shelf.insert(list(batch.rows.values())))
            await asyncio.wait({insert})
            if error := insert.exception():
                batch.written.set_exception(error)
                batch.written.exception()  # looked at: those who waited may all be gone
            else:
                batch.written.set_result(None)
                self._arrived.set()
                self._written()
        self._writer = None

    async def waiting(self, limit: int) -> list[InboxRow]:
        """What is not handed over yet, oldest first."""
        return await self._shelf.waiting(limit)

    async def handed(self, guids: Sequence[str]) -> None:
        """The engine has them: they are not given out again unless GitHub delivers them again."""
        await self._shelf.handed(guids, self._clock.now())

    async def known(self, guids: Sequence[str]) -> set[str]:
        """Those of them that have a row, handed over or not."""
        return await self._shelf.known(guids) if guids else set()

    def arrived(self) -> None:
        """Another process has put something, and says so."""
        self._arrived.set()

    async def wait(self, timeout: float) -> None:
        """Until something was put in this process, or `arrived`, since the last call, at most `timeout` seconds."""
        try:
            async with asyncio.timeout(timeout):
                await self._arrived.wait()
        except TimeoutError:
            return
        self._arrived.clear()

    async def alive(self) -> None:
        """Raises `Unavailable` when the database does not answer."""
        await self._shelf.waiting(1)

    async def close(self) -> None:
        """Writes what has gathered, then lets go of the database."""
        if self._writer is not None:
            await self._writer
        await self._shelf.close()


async def open_inbox(url: str, clock: Clock, *, written: Callable[[], None] = lambda: None) -> Inbox:
    """`url`: `sqlite:///path` or `postgresql://...`, of a migrated database. `written` is called after each commit.

    Raises `Unavailable`.
    """
    if url.startswith("postgresql"):
        from bot.inbox_postgres import PostgresShelf  # here: its driver is 11 MB, which only those pay who use it

        shelf: PostgresShelf | _SqliteShelf = PostgresShelf(url)
    else:
        shelf = _SqliteShelf(url)
    await shelf.open()
    return Inbox(shelf, clock, written)


# --------------------------------------------------------------------------------------------------------- Statements

AGAIN = """on conflict (guid) do update set handed_at = null, attempt = deliveries.attempt + 1
 where deliveries.handed_at is not null"""
WAITING = """select guid, event, record, received_at, attempt from deliveries
 where handed_at is null order by received_at limit """
HANDED_SQLITE = "update deliveries set handed_at = ? where guid in ({})"
KNOWN_SQLITE = "select guid from deliveries where guid in ({})"


@functools.cache
def insert_sql(rows: int) -> str:
    """One statement for the batch: inserting row by row hands each over to the connection's thread."""
    values = ",".join(["(?,?,?,?,0)"] * rows)
    return f"insert into deliveries (guid, event, record, received_at, attempt) values {values} {AGAIN}"


# ----------------------------------------------------------------------------------------------------------- Databases


class _SqliteShelf:
    """One connection: SQLite writes one at a time anyway, and the loop never waits for a lock."""

    def __init__(self, url: str) -> None:
        self._path = sqlite.path_of(url)
        self._connection: aiosqlite.Connection

    async def open(self) -> None:
        with self._translated():
            self._connection = await sqlite.connect(self._path, cached_statements=2 * BATCH)

    async def insert(self, rows: Sequence[Arrival]) -> None:
        values = [value for guid, event, record, at in rows for value in (guid, event, record, sqlite.text_of(at))]
        with self._translated():
            await self._connection.execute_fetchall(insert_sql(len(rows)), values)

    async def waiting(self, limit: int) -> list[InboxRow]:
        with self._translated():
            rows = await self._connection.execute_fetchall(WAITING + "?", (limit,))
        return [
            InboxRow(guid, event, msgspec.json.decode(record), datetime.fromisoformat(at).replace(tzinfo=UTC), attempt)
            for guid, event, record, at, attempt in rows
        ]

    async def handed(self, guids: Sequence[str], at: datetime) -> None:
        sql = HANDED_SQLITE.format(",".join("?" * len(guids)))
        with self._translated():
            await self._connection.execute_fetchall(sql, (sqlite.text_of(at), *guids))

    async def known(self, guids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for some in (guids[at : at + BATCH] for at in range(0, len(guids), BATCH)):
            found |= await self._known(some)
        return found

    async def _known(self, guids: Sequence[str]) -> set[str]:
        sql = KNOWN_SQLITE.format(",".join("?" * len(guids)))
        with self._translated():
            rows = await self._connection.execute_fetchall(sql, tuple(guids))
        return {guid for (guid,) in rows}

    async def close(self) -> None:
        await self._connection.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise Unavailable(f"SQLite at {self._path}: {error}") from error
