"""What was asked through the API, and what came of it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.core.model import SolveId
from bot.ports import Request
from bot.store.database import Database, insert
from bot.store.rows import Row
from bot.store.tables import api_requests

_REQUEST = api_requests.c


class SqlRequests:
    """The `Requests` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ask(self, request: Request) -> Request:
        values = {
            "id": request.id,
            "digest": request.digest,
            "user_id": request.user,
            "repository_id": request.repository,
            "asked_at": request.asked_at,
            "solve_id": request.solve,
        }
        question = sa.select(api_requests).where(_REQUEST.id == request.id)

        def work(db: sa.Connection) -> Request:
            db.execute(insert(db, api_requests).values(values).on_conflict_do_nothing())
            return _request(db.execute(question).one())

        return await self._database.write(work)

    async def answered(self, id: str, at: datetime, *, solve: SolveId | None, refused: bool, answer: str) -> None:
        first = sa.update(api_requests).where(_REQUEST.id == id, _REQUEST.answered_at.is_(None))
        change = first.values(
            answered_at=at, refused=refused, answer=answer, solve_id=sa.func.coalesce(_REQUEST.solve_id, solve)
        )
        await self._database.write(lambda db: db.execute(change).close())

    async def request(self, id: str) -> Request | None:
        question = sa.select(api_requests).where(_REQUEST.id == id)
        row = await self._database.read(lambda db: db.execute(question).one_or_none())
        return _request(row) if row else None


def _request(row: Row) -> Request:
    return Request(
        row.id,
        row.digest,
        row.user_id,
        row.repository_id,
        row.asked_at,
        row.answered_at,
        SolveId(row.solve_id) if row.solve_id else None,
        bool(row.refused),
        row.answer or "",
    )
