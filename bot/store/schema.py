"""Which tables a database has, asked without the libraries that make them: a process that only receives is small.

The names of the files in migrations/versions begin with their revisions; migrate.py knows the same from Alembic.
"""

from __future__ import annotations

import asyncio
import functools
import multiprocessing
import sqlite3
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from bot.ports import StoreAway
from bot.store import sqlite

CONNECT_SECONDS = 5
_QUESTION = "select version_num from alembic_version"


class WrongSchema(Exception):
    """The database is newer than this code. The message says what to do."""


@functools.cache
def revisions() -> tuple[str, ...]:
    """All that this code knows, newest first."""
    files = Path(__file__).with_name("migrations").joinpath("versions").glob("[0-9]*_*.py")
    return tuple(sorted((file.name.partition("_")[0] for file in files), reverse=True))


def newest_revision() -> str:
    """The one that a database is brought to."""
    return revisions()[0]


def refuse_newer(found: str | None) -> None:
    """Raises `WrongSchema` for a revision that this code does not know."""
    if found is not None and found not in revisions():
        raise WrongSchema(
            f"the database is at revision {found}, which this version does not know: it was migrated by a newer "
            f"version of Solvebot. Install that version, or restore the backup made before"
        )


async def bring_up_to_date(url: str) -> None:
    """One question when there is nothing to do; otherwise a process of its own migrates, and takes its libraries along.

    Raises `WrongSchema`, and what `migrate` raises.
    """
    found = await asyncio.to_thread(found_revision, url)
    refuse_newer(found)
    if found != newest_revision():
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as another:
            await asyncio.get_running_loop().run_in_executor(another, _migrate, url)


def _migrate(url: str) -> None:
    from bot.store.migrate import migrate  # here, so that only the other process loads it

    migrate(url)


def found_revision(url: str) -> str | None:
    """None where nothing was migrated yet. Raises `StoreAway`."""
    return _on_postgres(url) if url.startswith("postgresql") else _on_sqlite(sqlite.path_of(url))


def _on_sqlite(path: str) -> str | None:
    if not Path(path).exists():
        return None
    try:
        with closing(sqlite3.connect(f"file:{quote(path)}?mode=rw", timeout=sqlite.BUSY_SECONDS, uri=True)) as database:
            row = database.execute(_QUESTION).fetchone()
    except sqlite3.Error as error:
        if "no such table" in str(error):
            return None
        raise StoreAway(f"SQLite at {path}: {error}") from error
    return str(row[0]) if row else None


def _on_postgres(url: str) -> str | None:
    import psycopg  # here: 11 MB, which only those pay who use it

    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS) as database:
            row = database.execute(_QUESTION).fetchone()
    except psycopg.errors.UndefinedTable:
        return None
    except psycopg.OperationalError as error:
        raise StoreAway(f"PostgreSQL: {error}") from error
    return str(row[0]) if row else None
