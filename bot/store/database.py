"""Transactions on SQLite or PostgreSQL, written once as functions of a connection, through SQLAlchemy's `AsyncEngine`.

SQLite writes one transaction at a time whatever we do, so it gets one connection that writes and one that reads.
aiosqlite hands every statement to a thread of its connection: that is some eight hand-overs a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bot.ports import Rejected, StoreAway
from bot.store import sqlite

T = TypeVar("T")
Work = Callable[[sa.Connection], T]

POOL = 8  # connections to PostgreSQL; more only queue inside the server
CONNECT_SECONDS = 5


class Database:
    """Each call is one transaction. Raises `StoreAway`, or `Rejected` for what the tables forbid."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self._writer = writer
        self._reader = reader

    async def write(self, work: Work[T]) -> T:
        with translated():
            async with self._writer.begin() as connection:
                return await connection.run_sync(work)

    async def read(self, work: Work[T]) -> T:
        """All questions of `work` are answered as of the same moment."""
        with translated():
            async with self._reader.begin() as connection:
                return await connection.run_sync(work)

    async def close(self) -> None:
        await self._writer.dispose()
        await self._reader.dispose()


def open_database(url: str) -> Database:
    """`url` as in the settings: `sqlite:///path` or `postgresql://...`. Connects on the first use."""
    if url.startswith("postgresql"):
        engine = _postgres(url)
        return Database(engine, engine.execution_options(isolation_level="REPEATABLE READ"))
    path = sqlite.path_of(url)
    return Database(_sqlite(path, begin="begin immediate"), _sqlite(path, begin="begin"))


def _sqlite(path: str, *, begin: str) -> AsyncEngine:
    engine = create_async_engine(
        "sqlite+aiosqlite://",
        async_creator=lambda: sqlite.connect(path),
        poolclass=sa.AsyncAdaptedQueuePool,
        pool_size=1,
        max_overflow=0,
        pool_timeout=None,  # SQLite's own time-out is the one that counts, and tells why
    )
    sa.event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _postgres(url: str) -> AsyncEngine:
    return create_async_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        pool_size=POOL,
        max_overflow=0,
        pool_pre_ping=True,  # so that a restart of the server costs nobody a failure
        connect_args={"connect_timeout": CONNECT_SECONDS, "options": "-c timezone=UTC"},
    )


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
