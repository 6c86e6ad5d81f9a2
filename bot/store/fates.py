"""What people did with pull requests, and which of them are in each other's way."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.core.choosing.overlap import Neighbour, Overlap, with_overlap
from bot.core.model import Fared, Fate, SolveFacts, SolveId, Strategy
from bot.core.views import EventKind
from bot.store import rows
from bot.store.events import tell
from bot.store.facts import SqlFacts
from bot.store.part import change, tell_if, utc_now
from bot.store.tables import repositories, solve_runs, solves

MOST_FATES = 2_000
MOST_ABANDONED = 100
MOST_NEIGHBOURS = 100
MOST_LOOKED_AT = 100

_RUN = solve_runs.c


class SqlFates(SqlFacts):
    async def became(self, id: SolveId, fate: Fate, at: datetime) -> None:
        """What people did with the pull request. What was reverted stays so, in whatever order events come."""
        stands = sa.or_(solves.c.fate.is_(None), solves.c.fate != Fate.REVERTED)
        change = sa.update(solves).where(solves.c.id == id, stands).values(fate=fate, fate_at=at, updated_at=utc_now())
        await self._database.write(lambda db: tell_if(db, change, id, EventKind.FATE))

    async def reopened(self, id: SolveId) -> None:
        closed = sa.update(solves).where(solves.c.id == id, solves.c.fate == Fate.CLOSED)
        change = closed.values(fate=None, fate_at=None, fate_why=None, updated_at=utc_now())
        await self._database.write(lambda db: tell_if(db, change, id, EventKind.FATE))

    async def abandoned(self, *, since: datetime, before: datetime) -> list[SolveFacts]:
        left = (solves.c.fate_at >= since, solves.c.fate_at < before, solves.c.fate == Fate.CLOSED)
        question = sa.select(solves.c.id).where(*left).order_by(solves.c.fate_at).limit(MOST_ABANDONED)
        return await self._all_facts(question)

    async def undecided(self, *, since: datetime) -> list[SolveFacts]:
        open = (solves.c.completed_at >= since, solves.c.pr_number.is_not(None), solves.c.fate.is_(None))
        original = solves.c.revises.is_(None)
        question = sa.select(solves.c.id).where(*open, original).order_by(solves.c.completed_at).limit(MOST_LOOKED_AT)
        return [facts for facts in await self._all_facts(question) if facts.pull_request is not None]

    async def lately_ended(self, *, since: datetime) -> list[SolveFacts]:
        ended = sa.select(solves.c.id).where(solves.c.completed_at >= since)
        return await self._all_facts(ended.order_by(solves.c.completed_at.desc()).limit(MOST_LOOKED_AT))

    async def unwanted(self, id: SolveId, why: str) -> bool:
        """Whether it was: one that is open, or merged, has no such reason."""
        closed = sa.update(solves).where(solves.c.id == id, solves.c.fate == Fate.CLOSED)
        change = closed.values(fate_why=why, updated_at=utc_now())

        def work(db: sa.Connection) -> bool:
            found = db.execute(change).rowcount > 0
            if found:
                tell(db, id, EventKind.FATE, utc_now())
            return found

        return await self._database.write(work)

    async def neighbours(self, repo_id: int, *, since: datetime) -> list[Neighbour]:
        here = (solves.c.repository_id == repo_id, solves.c.pr_number > 0, solves.c.created_at >= since)
        open_ones = (solves.c.fate.is_(None), solves.c.revises.is_(None))
        question = (
            sa.select(solves.c.id, solves.c.pr_number, _RUN.candidate)
            .join(solve_runs, _RUN.id == solves.c.champion_run_id)
            .where(*here, *open_ones)
            .order_by(solves.c.pr_number.desc())
            .limit(MOST_NEIGHBOURS)
        )
        return await self._database.read(lambda db: [rows.neighbour_of(row) for row in db.execute(question)])

    async def overlaps(self, id: SolveId, overlap: Overlap) -> None:
        def work(db: sa.Connection) -> None:
            known = db.execute(sa.select(solves.c.overlaps).where(solves.c.id == id).with_for_update()).scalar_one()
            change(db, solves, id, overlaps=with_overlap(known or (), overlap), updated_at=utc_now())
            tell(db, id, EventKind.NOTED, utc_now())

        await self._database.write(work)

    async def fate_at(self, id: SolveId) -> datetime | None:
        question = sa.select(solves.c.fate_at).where(solves.c.id == id)
        return await self._database.read(lambda db: db.execute(question).scalar_one_or_none())

    async def record(self) -> list[Fared]:
        """Of the newest 2,000 champions whose fate is known."""
        newest = (
            sa.select(solves.c.champion_run_id, solves.c.repository_id, solves.c.fate)
            .where(solves.c.fate_at.is_not(None))
            .order_by(solves.c.fate_at.desc())
            .limit(MOST_FATES)
            .subquery()
        )
        kind = (_RUN.model, _RUN.evolution, repositories.c.name, newest.c.fate)
        question = (
            sa.select(*kind, sa.func.count().label("number"))
            .select_from(newest)
            .join(solve_runs, _RUN.id == newest.c.champion_run_id)
            .join(repositories, repositories.c.id == newest.c.repository_id)
            .group_by(*kind)
            .order_by(*kind)
        )

        def work(db: sa.Connection) -> list[Fared]:
            return [
                Fared(row.model, Strategy(row.evolution), row.name, row.fate, row.number)
                for row in db.execute(question)
            ]

        return await self._database.read(work)
