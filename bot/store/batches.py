"""Solves that one comment asked for."""

from __future__ import annotations

import sqlalchemy as sa

from bot.core.model import SolveId
from bot.core.trigger.batches import Batch
from bot.store.database import insert
from bot.store.part import SqlPart
from bot.store.tables import batches, solves


class SqlBatches(SqlPart):
    async def batch_begun(self, batch: Batch) -> None:
        values = {"batch": batch, "created_at": batch.created_at}
        await self._database.write(
            lambda db: db.execute(insert(db, batches).values(id=batch.id, **values).on_conflict_do_nothing())
        )

    async def batch_of(self, id: SolveId) -> str:
        question = sa.select(solves.c.batch).where(solves.c.id == id)
        return await self._database.read(lambda db: db.execute(question).scalar_one_or_none()) or ""

    async def batch(self, id: str) -> Batch | None:
        question = sa.select(batches.c.batch).where(batches.c.id == id)
        return await self._database.read(lambda db: db.execute(question).scalar_one_or_none())
