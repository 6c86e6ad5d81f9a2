"""How every connection to our SQLite file is set up, whichever library opens it.

WAL, so that reading and writing do not wait for each other. `synchronous=FULL`, because with NORMAL a power cut loses
what was already acknowledged. SQLite lets one connection write at a time, so others wait for `BUSY_SECONDS`: shorter
than GitHub's ten seconds for an answer. Transactions are begun by us (`begin immediate`), because one that reads
first and then wants to write fails at once, without waiting, when another has written in between.
"""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime
from typing import Any

import aiosqlite

BUSY_SECONDS = 5.0
_ROWS_AT_A_TIME = 64


def path_of(url: str) -> str:
    """The file of `sqlite:///relative` or `sqlite:////absolute`."""
    return url.partition(":///")[2]


def text_of(at: datetime) -> str:
    """The text that SQLAlchemy writes for a time, so that both can be compared."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


def prepare(connection: Any) -> None:
    """`connection`: anything with the DB-API's cursors; what it opens must live on a local disk."""
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("pragma journal_mode = wal")
    cursor.execute("pragma synchronous = full")
    cursor.execute("pragma foreign_keys = on")
    cursor.execute(f"pragma busy_timeout = {int(BUSY_SECONDS * 1000)}")
    cursor.close()


def opened(path: str, cached_statements: int = 128) -> sqlite3.Connection:
    connection = sqlite3.connect(path, cached_statements=cached_statements)
    try:
        prepare(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


async def connect(path: str, *, cached_statements: int) -> aiosqlite.Connection:
    """Opened by the thread that may use it."""
    connection = aiosqlite.Connection(lambda: opened(path, cached_statements), iter_chunk_size=_ROWS_AT_A_TIME)
    connection._thread.daemon = True  # as SQLAlchemy does: who breaks off without closing does not hang for it
    try:
        return await connection
    except sqlite3.Error:
        await asyncio.to_thread(connection._thread.join)  # it has a last word for this loop
        raise
