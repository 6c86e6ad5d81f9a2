"""Transactions on SQLite or PostgreSQL, written once as functions of a connection.

PostgreSQL is asked asynchronously, through a pool. SQLite writes one transaction at a time whatever we do, so it gets
one thread that writes and one that reads, and a transaction is one hand-over to a thread. Through aiosqlite, which the
inbox uses for its single statements, it is one for every statement: 2.5 ms of CPU for a transaction of three, against
0.6 this way (one after the other, two cores).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from typing import Protocol, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.ext.asyncio import create_async_engine

from bot.ports import Rejected, StoreAway
from bot.store import sqlite
from bot.store.news import News, heard, is_marked
from bot.store.schema import CONNECT_SECONDS

T = TypeVar("T")
Work = Callable[[sa.Connection], T]

POOL = 8  # connections to PostgreSQL; more only queue inside the server


class Database(Protocol):
    """Each call is one transaction. Raises `StoreAway`, or `Rejected` for what the tables forbid."""

    async def write(self, work: Work[T]) -> T: ...

    async def read(self, work: Work[T]) -> T:
        """All questions of `work` are answered as of the same moment."""

    def hearing(self) -> AbstractAsyncContextManager[News]:
        """While it lasts, what is told of events."""

    async def close(self) -> None: ...


def open_database(url: str) -> Database:
    """`url` as in the settings: `sqlite:///path` or `postgresql://...`. Connects on the first use."""
    return PostgresDatabase(url) if url.startswith("postgresql") else SqliteDatabase(url)


class SqliteDatabase:
    def __init__(self, url: str) -> None:
        path = sqlite.path_of(url)
        self._writer = _SqliteThread(path, begin="begin immediate")
        self._reader = _SqliteThread(path, begin="begin")
        self._news = News()

    async def write(self, work: Work[T]) -> T:
        result, told = await self._writer.run(lambda db: (work(db), is_marked(db)))
        if told:
            self._news.tell()
        return result

    def hearing(self) -> AbstractAsyncContextManager[News]:
        return nullcontext(self._news)

    async def read(self, work: Work[T]) -> T:
        return await self._reader.run(work)

    async def close(self) -> None:
        await self._writer.close()
        await self._reader.close()


class _SqliteThread:
    """One connection and the thread it lives in."""

    def __init__(self, path: str, *, begin: str) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._engine = sa.create_engine(
            "sqlite://", creator=lambda: sqlite.opened(path), poolclass=sa.QueuePool, pool_size=1
        )
        sa.event.listen(self._engine, "begin", lambda connection: connection.exec_driver_sql(begin))

    async def run(self, work: Work[T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    def _transact(self, work: Work[T]) -> T:
        with translated(), self._engine.begin() as connection:
            return work(connection)

    async def close(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._thread, self._engine.dispose)
        self._thread.shutdown()


class PostgresDatabase:
    def __init__(self, url: str) -> None:
        self._url = url
        self._engine = create_async_engine(
            sa.make_url(url).set(drivername="postgresql+psycopg"),
            pool_size=POOL,
            max_overflow=0,
            pool_pre_ping=True,  # so that a restart of the server costs nobody a failure
            connect_args={"connect_timeout": CONNECT_SECONDS, "options": "-c timezone=UTC"},
        )
        self._snapshots = self._engine.execution_options(isolation_level="REPEATABLE READ")

    async def write(self, work: Work[T]) -> T:
        with translated():
            async with self._engine.begin() as connection:
                return await connection.run_sync(work)

    async def read(self, work: Work[T]) -> T:
        with translated():
            async with self._snapshots.begin() as connection:
                return await connection.run_sync(work)

    def hearing(self) -> AbstractAsyncContextManager[News]:
        return heard(self._url, News())

    async def close(self) -> None:
        await self._engine.dispose()


def insert(db: sa.Connection, table: sa.Table) -> sqlite_dialect.Insert | postgresql.Insert:
    """The two databases mean the same by `on conflict`; SQLAlchemy asks which one is meant."""
    return postgresql.insert(table) if db.dialect.name == "postgresql" else sqlite_dialect.insert(table)


@contextmanager
def translated() -> Iterator[None]:
    """SQLAlchemy's errors as ours: what the tables forbid is refused for good, all else may pass."""
    try:
        yield
    except (sa.exc.IntegrityError, sa.exc.DataError, sa.exc.ProgrammingError, sa.exc.NotSupportedError) as error:
        raise Rejected(f"the database refused: {error.orig}") from error
    except (sa.exc.DBAPIError, sa.exc.TimeoutError) as error:
        raise StoreAway(f"the database: {error}") from error
