"""Which solves there may be: one for an issue at a time, so many in a day, and so many dollars."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.core.model import Solve, SolveId
from bot.core.trigger.budgets import Budget, OverBudget, Spent
from bot.core.views import EventKind
from bot.ports import Busy, Full, Unavailable
from bot.store import rows, spending
from bot.store.database import Database, insert
from bot.store.events import tell
from bot.store.facts import FACTS, of_issue
from bot.store.part import SqlPart, upsert, utc_now
from bot.store.tables import ACTIVE, repositories, solves, users

_DAY = timedelta(days=1)


class SqlAcceptance(SqlPart):
    """`web_url` is where people see repositories."""

    def __init__(self, database: Database, *, web_url: str) -> None:
        super().__init__(database)
        self._web_url = web_url.rstrip("/")

    async def accept(
        self, solve: Solve, budgets: Sequence[Budget] = (), *, a_day: int | None = None
    ) -> Solve | Busy | Full | OverBudget:
        repo = solve.issue.repo

        def work(db: sa.Connection) -> Solve | Busy | Full | OverBudget:
            if known := _known(db, solve.id):
                return known
            active = sa.select(solves.c.id).where(*of_issue(repo.id, solve.issue.number), ACTIVE)
            if (over := spending.over_budget(db, solve, budgets)) and not db.execute(active).first():
                return over
            self._meet(db, solve)  # writes the repository's row, so that one solve after the other is counted
            if known := _known(db, solve.id):  # accepted by another worker, who had that row until now
                return known
            if a_day is not None and (full := _full(db, solve, a_day)):
                return full
            values = rows.solve_values(solve, web_url=self._web_url, now=utc_now())
            claim = insert(db, solves).values(values).on_conflict_do_nothing().returning(solves.c.id)
            if db.execute(claim).one_or_none():
                tell(db, solve.id, EventKind.ACCEPTED, utc_now(), issue=solve.issue.number)
                return solve
            if busy := db.execute(active).scalar_one_or_none():
                return Busy(SolveId(busy))
            raise Unavailable(f"the solve that was active for {solve.issue} has just ended")

        return await self._database.write(work)

    def _meet(self, db: sa.Connection, solve: Solve) -> None:
        """The person and the repository of a new solve, as they are called now."""
        by, repo = solve.trigger.by, solve.issue.repo
        person = {"login": by.login, "is_bot": by.is_bot, "updated_at": utc_now()}
        upsert(db, users, {"id": by.id}, person)
        place = {"installation_id": repo.installation, "name": repo.name}
        upsert(db, repositories, {"id": repo.id}, place, first={"is_archived": False, "is_deleted": False})

    async def spent(self, budgets: Sequence[Budget], now: datetime) -> list[Spent]:
        return await self._database.read(lambda db: spending.most_spent(db, budgets, now))


def _known(db: sa.Connection, id: SolveId) -> Solve | None:
    found = db.execute(FACTS.where(solves.c.id == id)).one_or_none()
    return rows.solve_of(found) if found is not None else None


def _full(db: sa.Connection, solve: Solve, most: int) -> Full | None:
    begun = (solves.c.repository_id == solve.issue.repo.id, solves.c.created_at > solve.created_at - _DAY)
    question = sa.select(solves.c.created_at).where(*begun, solves.c.revises.is_(None)).order_by(solves.c.created_at)
    times = db.execute(question).scalars().all()
    return Full(most, times[len(times) - most] + _DAY) if len(times) >= most else None
