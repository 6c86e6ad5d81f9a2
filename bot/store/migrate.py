"""Bringing a database to the tables this code knows, and refusing to work on any other.

A migration is one transaction on both databases, and holds a lock: processes that start together migrate once.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext

from bot.store import sqlite
from bot.store.database import translated
from bot.store.schema import CONNECT_SECONDS, refuse_newer

_LOCK = 0x50_1BE  # any number, as long as it is ours alone in this database


def migrate(url: str) -> None:
    """`url` as in the settings. Raises `WrongSchema`, `Unavailable`, and `Rejected` for what stands in the way."""
    with _connected(url) as connection:
        refuse_newer(MigrationContext.configure(connection).get_current_revision())
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    location = Path(__file__).with_name("migrations")
    config.set_main_option("script_location", str(location).replace("%", "%%"))
    return config


@contextmanager
def _connected(url: str) -> Iterator[sa.Connection]:
    """A connection in a transaction that holds the lock and is committed at the end."""
    engine = _postgres_engine(url) if url.startswith("postgresql") else _sqlite_engine(url)
    try:
        with translated(), engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            yield connection
    finally:
        engine.dispose()


def _postgres_engine(url: str) -> sa.Engine:
    return sa.create_engine(
        sa.make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=sa.NullPool,
        connect_args={"connect_timeout": CONNECT_SECONDS},
    )


def _sqlite_engine(url: str) -> sa.Engine:
    engine = sa.create_engine("sqlite://", creator=lambda: _sqlite_connection(url), poolclass=sa.NullPool)
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("begin immediate"))
    return engine


def _sqlite_connection(url: str) -> Any:
    """Without foreign keys: rebuilding a table, SQLite's way to alter one, would delete what points at it."""
    path = sqlite.path_of(url)
    with suppress(OSError):  # connecting says it better
        Path(path).touch(mode=0o600)  # issues and patches of private repositories: nobody else's to read
    connection = sqlite3.connect(path)
    sqlite.prepare(connection)
    connection.execute("pragma foreign_keys = off")
    return connection
