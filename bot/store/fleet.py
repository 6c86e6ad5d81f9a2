"""Which workers there are, by the signs of life that they give each other (bot/heartbeat.py): on PostgreSQL alone."""

from __future__ import annotations

import sqlalchemy as sa

from bot.core.views import WorkerView
from bot.store.part import SqlPart

_IS_THERE = sa.text("select to_regclass('engine_worker') is not null")
_BEATS = sa.text("select id, beat from engine_worker where beat > 'epoch' order by beat desc limit 500")


class SqlFleet(SqlPart):
    async def workers(self) -> list[WorkerView]:
        """Those heard of last come first; none on SQLite, where one process does it all."""

        def work(db: sa.Connection) -> list[WorkerView]:
            if db.dialect.name != "postgresql" or not db.execute(_IS_THERE).scalar():
                return []
            return [WorkerView(row.id, row.beat) for row in db.execute(_BEATS)]

        return await self._database.read(work)
