"""What the parts of the store have in common: the database, and how rows are changed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from bot.core.model import SolveId
from bot.core.views import EventKind
from bot.ports import Gone
from bot.store.database import Database, insert
from bot.store.events import tell


class SqlPart:
    def __init__(self, database: Database) -> None:
        self._database = database


def utc_now() -> datetime:
    """For `updated_at`, which nothing is decided by. Times that mean something are given by the caller."""
    return datetime.now(UTC)


def upsert(
    db: sa.Connection,
    table: sa.Table,
    key: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    first: Mapping[str, Any] | None = None,
    where: sa.ColumnElement[bool] | None = None,
) -> None:
    """Insert, or set `values` where `where` holds. `first` holds what only a new row gets."""
    row = insert(db, table).values(**key, **values, **(first or {}))
    db.execute(row.on_conflict_do_update(index_elements=list(key), set_=dict(values), where=where))


def change(db: sa.Connection, table: sa.Table, id: str, **values: Any) -> None:
    """Raises `Gone` when there is no such row."""
    if not db.execute(sa.update(table).where(table.c.id == id).values(**values)).rowcount:
        raise Gone(f"{table.name} has no {id}")


def tell_if(db: sa.Connection, change: sa.Update, solve: SolveId, kind: EventKind) -> None:
    """Only what has changed anything has happened."""
    if db.execute(change).rowcount:
        tell(db, solve, kind, utc_now())
