"""What is to be told to the operator's own address: a row for each event, until it is taken or given up."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.core.notifications import TOLD
from bot.core.views import SolveEvent
from bot.ports.outbox import Untold
from bot.store.database import Database
from bot.store.tables import events, outbox, solves

AT_ONCE = 20
REMEMBERED = timedelta(days=7)
MOST_COLLECTED = 500

_ROW, _EVENT = outbox.c, events.c


class SqlOutbox:
    """The `Outbox` port. The newest row is never deleted: it says how far was read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def collect(self, now: datetime) -> None:
        def work(db: sa.Connection) -> None:
            newest = _newest(db, outbox)
            if newest is None:
                db.execute(sa.insert(outbox).values(seq=_newest(db, events) or 0, tries=0, ended_at=now, problem=""))
                return
            question = sa.select(_EVENT.seq, _EVENT.kind, _EVENT.run).where(_EVENT.seq > newest)
            fresh = db.execute(question.order_by(_EVENT.seq).limit(MOST_COLLECTED)).all()
            for row in fresh:
                if row.kind in TOLD:
                    db.execute(sa.insert(outbox).values(seq=row.seq, tries=0, due_at=now, problem=""))
            if fresh and fresh[-1].kind not in TOLD:
                db.execute(sa.insert(outbox).values(seq=fresh[-1].seq, tries=0, ended_at=now, problem=""))
            old = sa.and_(_ROW.seq < newest, _ROW.ended_at < now - REMEMBERED)
            db.execute(sa.delete(outbox).where(old)).close()

        await self._database.write(work)

    async def due(self, now: datetime) -> list[Untold]:
        question = (
            sa.select(events, solves.c.repository_id, _ROW.tries)
            .select_from(outbox)
            .join(events, _EVENT.seq == _ROW.seq)
            .join(solves, solves.c.id == _EVENT.solve_id)
            .where(_ROW.due_at <= now)
            .order_by(_ROW.due_at, _ROW.seq)
            .limit(AT_ONCE)
        )

        def work(db: sa.Connection) -> list[Untold]:
            return [
                Untold(SolveEvent(row.seq, row.solve_id, row.repository_id, row.kind, row.at, "", row.data), row.tries)
                for row in db.execute(question)
            ]

        return await self._database.read(work)

    async def told(self, seq: int, at: datetime) -> None:
        await self._end(seq, at, "")

    async def failed(self, seq: int, at: datetime, again: datetime | None, why: str) -> None:
        if again is None:
            await self._end(seq, at, why)
            return
        change = sa.update(outbox).where(_ROW.seq == seq).values(due_at=again, tries=_ROW.tries + 1, problem=why)
        await self._database.write(lambda db: db.execute(change).close())

    async def _end(self, seq: int, at: datetime, why: str) -> None:
        change = sa.update(outbox).where(_ROW.seq == seq).values(due_at=None, ended_at=at, problem=why)
        await self._database.write(lambda db: db.execute(change).close())


def _newest(db: sa.Connection, table: sa.Table) -> int | None:
    question = sa.select(table.c.seq).where(table.c.seq >= 0).order_by(table.c.seq.desc()).limit(1)
    return db.execute(question).scalar_one_or_none()
