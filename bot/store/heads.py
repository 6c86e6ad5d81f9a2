"""Commits that we pushed and whose checks are ours to look at, in plain SQL: who receives has no SQLAlchemy."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime

from bot.ports import StoreAway
from bot.store import sqlite
from bot.store.schema import CONNECT_SECONDS

STATEMENT_MS = 4000
MOST_HEADS = 100_000
QUESTION = f"""
select head_sha from solves where completed_at >= %s and head_sha is not null
union all
select head_sha from solves where status in ('pending', 'running') and head_sha is not null
limit {MOST_HEADS}
"""


def pushed(url: str, since: datetime) -> list[str]:
    """In solves and revisions that go on, or have ended since then. Raises `StoreAway`."""
    return _on_postgres(url, since) if url.startswith("postgresql") else _on_sqlite(url, since)


def _on_sqlite(url: str, since: datetime) -> list[str]:
    try:
        with closing(sqlite.opened(sqlite.path_of(url))) as database:
            found = database.execute(QUESTION.replace("%s", "?"), (sqlite.text_of(since),))
            return [head for (head,) in found]
    except sqlite3.Error as error:
        raise StoreAway(f"SQLite at {sqlite.path_of(url)}: {error}") from error


def _on_postgres(url: str, since: datetime) -> list[str]:
    import psycopg  # here: 11 MB, which only those pay who use it

    options = f"-c statement_timeout={STATEMENT_MS} -c timezone=UTC"
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS, options=options) as database:
            return [head for (head,) in database.execute(QUESTION, (since,))]
    except psycopg.Error as error:
        raise StoreAway(f"PostgreSQL: {error}") from error
