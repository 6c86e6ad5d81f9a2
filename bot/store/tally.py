"""How many there are in each state, as one question in plain SQL: it is asked with SQLAlchemy and without.

What is literal in an index's condition is literal here: a database proves nothing about parameters.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from bot.core.model import Status
from bot.ports import StoreAway, Tally
from bot.store import sqlite
from bot.store.schema import CONNECT_SECONDS

STATEMENT_MS = 4000
_ACTIVE = "status in ('pending', 'running')"
_QUESTION = f"""
select 'waiting', '', count(*), min(received_at) from deliveries where handed_at is null
union all
select 'solves', status, count(*), null from solves where {_ACTIVE} group by status
union all
select 'runs', status, count(*), null from solve_runs
 where solve_id in (select id from solves where {_ACTIVE}) group by status
union all
select 'ended', status, count(*), null from solves where completed_at >= %s group by status
"""
Ask = Callable[[str, tuple[object, ...]], Iterable[Sequence[Any]]]


def on_sqlite(ask: Ask, since: datetime) -> Tally:
    return _tally(ask(_QUESTION.replace("%s", "?"), (sqlite.text_of(since),)))


def on_postgres(ask: Ask, since: datetime) -> Tally:
    return _tally(ask(_QUESTION, (since,)))


def look(url: str, since: datetime) -> Tally:
    """On a connection for this question alone. Raises `StoreAway`."""
    return _look_on_postgres(url, since) if url.startswith("postgresql") else _look_on_sqlite(url, since)


def _look_on_sqlite(url: str, since: datetime) -> Tally:
    try:
        with closing(sqlite.opened(sqlite.path_of(url))) as database:
            return on_sqlite(database.execute, since)
    except sqlite3.Error as error:
        raise StoreAway(f"SQLite at {sqlite.path_of(url)}: {error}") from error


def _look_on_postgres(url: str, since: datetime) -> Tally:
    import psycopg  # here: 11 MB, which only those pay who use it

    options = f"-c statement_timeout={STATEMENT_MS} -c timezone=UTC"
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS, options=options) as database:
            return on_postgres(lambda sql, values: database.execute(sql, values), since)
    except psycopg.Error as error:
        raise StoreAway(f"PostgreSQL: {error}") from error


def _tally(rows: Iterable[Sequence[Any]]) -> Tally:
    counted: dict[str, dict[Status, int]] = {"solves": {}, "runs": {}, "ended": {}}
    waiting, oldest = 0, None
    for what, status, number, since in rows:
        if what == "waiting":
            waiting, oldest = number, _moment(since)
        else:
            counted[what][Status(status)] = number
    return Tally(counted["solves"], counted["runs"], counted["ended"], waiting, oldest)


def _moment(value: datetime | str | None) -> datetime | None:
    """SQLite has texts."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value
