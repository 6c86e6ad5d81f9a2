"""Turns at rest: each change is one transaction that holds the row, by the database's own clock."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa

from bot.core.resilience.turns import NOBODYS
from bot.ports import ChangeTurn
from bot.store.database import Database, insert
from bot.store.tables import turns


class SqlTurns:
    """The `Turns` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def change(self, name: str, change: ChangeTurn) -> float:
        def work(db: sa.Connection) -> float:
            row = insert(db, turns).values(name=name, turn=NOBODYS)
            held = row.on_conflict_do_update(index_elements=["name"], set_={"name": name})  # which locks it
            found = db.execute(held.returning(turns.c.turn)).scalar_one()
            changed, wait = change(found, _now(db))
            if changed != found:
                db.execute(sa.update(turns).where(turns.c.name == name).values(turn=changed))
            return wait

        return await self._database.write(work)


def _now(db: sa.Connection) -> datetime:
    """Of the server, where machines share one. It is the moment itself, not that of the transaction's begin."""
    if db.dialect.name != "postgresql":
        return datetime.now(UTC)
    now: datetime = db.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)
