"""The engine's SQLite file: the library that can read it, how it is prepared, and that it is ours alone."""

from __future__ import annotations

import fcntl
import sqlite3
import zlib
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import sqlalchemy as sa

from bot.ports import HostBroken


class EngineError(HostBroken):
    """The engine cannot start; the text says what to do."""


def open_sqlite(path: str, instance: str = "") -> tuple[sa.Engine, IO[str]]:
    """With the lock of the file, held until it is closed.

    Raises `EngineError` where another process has it, or where it belongs to another database than `instance`.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    lock = Path(path + ".lock").open("w")  # noqa: SIM115 - held until the engine is closed
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise EngineError(
            f"another Solvebot is using {path}; stop it, give this one another DATA_DIR, or use PostgreSQL"
        ) from None
    Path(path).touch(mode=0o600)  # what agents were told and saw of private repositories: nobody else's to read
    engine = sa.create_engine(
        f"sqlite:///{path}",
        module=library(),
        pool_size=2,
        max_overflow=0,
        pool_timeout=60,
        connect_args={"timeout": 30},
    )
    sa.event.listen(engine, "connect", _prepare)
    try:
        _belongs(engine, zlib.crc32(instance.encode()) & 0x7FFFFFFF, path)
    except EngineError:
        engine.dispose()
        lock.close()
        raise
    return engine, lock


def _belongs(engine: sa.Engine, number: int, path: str) -> None:
    """The header of a SQLite file has room for a number of the program's own; 0 is none yet."""
    with engine.connect() as database:
        known = database.exec_driver_sql("PRAGMA application_id").scalar_one()
        if number and known not in (0, number):
            raise EngineError(
                f"{path} belongs to another solvebot.sqlite than the one beside it; restore both from the same backup"
            )
        if number and not known:
            database.exec_driver_sql(f"PRAGMA application_id={number}")


def _prepare(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.isolation_level = "IMMEDIATE"  # this and the next as DBOS does it with its own engine
    connection.execute("PRAGMA foreign_keys=ON")


def check_sqlite() -> str:
    """The version that the engine would use. Raises `EngineError` when it is too old."""
    return str(library().sqlite_version)


def library() -> ModuleType:
    """The newer SQLite that pysqlite3-binary carries, else the interpreter's own if that is new enough."""
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        if sqlite3.sqlite_version_info < (3, 42):
            raise EngineError(
                f"SQLite {sqlite3.sqlite_version} is too old for the engine, which needs 3.42, and pysqlite3-binary "
                "has no build for this machine; use PostgreSQL (DATABASE_URL) or a newer base image"
            ) from None
        return sqlite3
    return dbapi2  # type: ignore[no-any-return]
