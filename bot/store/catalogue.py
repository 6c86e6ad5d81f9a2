"""Models that may be used."""

from __future__ import annotations

import sqlalchemy as sa

from bot.core.model import ModelSpec
from bot.store import rows
from bot.store.part import SqlPart, upsert, utc_now
from bot.store.tables import ai_models


class SqlCatalogue(SqlPart):
    async def models(self, *, active_only: bool = True) -> list[ModelSpec]:
        question = sa.select(ai_models).order_by(ai_models.c.name)
        if active_only:
            question = question.where(ai_models.c.is_active)
        return await self._database.read(lambda db: [rows.model_of(row) for row in db.execute(question)])

    async def save_model(self, spec: ModelSpec) -> None:
        values = rows.model_values(spec, now=utc_now())
        first = {name: values.pop(name) for name in ("id", "created_at")}
        key = {"name": values.pop("name")}
        await self._database.write(lambda db: upsert(db, ai_models, key, values, first=first))

    async def disable_model(self, name: str) -> bool:
        """False when there is none of that name."""
        disable = sa.update(ai_models).where(ai_models.c.name == name)
        disable = disable.values(is_active=False, updated_at=utc_now())
        return await self._database.write(lambda db: db.execute(disable).rowcount > 0)
