"""Solves with their runs, as the story and its decisions read them."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from bot.core.model import Sha, SolveFacts, SolveId
from bot.store import rows
from bot.store.part import SqlPart
from bot.store.tables import ACTIVE, repositories, solve_runs, solves

_RUN = solve_runs.c
FACTS = sa.select(solves, repositories.c.installation_id, repositories.c.name).join(repositories)


class SqlFacts(SqlPart):
    async def facts(self, id: SolveId) -> SolveFacts | None:
        return await self._facts(FACTS.where(solves.c.id == id))

    async def latest(self, repo_id: int, number: int) -> SolveFacts | None:
        about = sa.or_(solves.c.issue_number == number, solves.c.pr_number == number)
        here = solves.c.repository_id == repo_id
        newest = FACTS.where(here, about).order_by(solves.c.created_at.desc()).limit(1)
        return await self._facts(newest)

    async def of_pull(self, repo_id: int, number: int) -> SolveFacts | None:
        own = (solves.c.repository_id == repo_id, solves.c.pr_number == number, solves.c.revises.is_(None))
        return await self._facts(FACTS.where(*own).order_by(solves.c.created_at.desc()).limit(1))

    async def revisions(self, id: SolveId) -> list[SolveFacts]:
        question = sa.select(solves.c.id).where(solves.c.revises == id).order_by(solves.c.created_at)
        found = await self._database.read(lambda db: db.execute(question).scalars().all())
        revisions = [await self.facts(SolveId(revision)) for revision in found]
        return [facts for facts in revisions if facts is not None]

    async def with_head(self, repo_id: int, head: Sha) -> SolveFacts | None:
        pushed = FACTS.where(solves.c.repository_id == repo_id, solves.c.head_sha == head)
        return await self._facts(pushed.order_by(solves.c.created_at.desc()).limit(1))

    async def active(self, repo_id: int, issue: int) -> SolveFacts | None:
        return await self._facts(FACTS.where(*of_issue(repo_id, issue), ACTIVE))

    async def active_solves(self, *, repo_id: int | None = None, installation: int | None = None) -> list[SolveId]:
        question = sa.select(solves.c.id).where(ACTIVE)
        if repo_id is not None:
            question = question.where(solves.c.repository_id == repo_id)
        if installation is not None:
            question = question.join(repositories).where(repositories.c.installation_id == installation)
        found = await self._database.read(lambda db: db.execute(question).scalars().all())
        return [SolveId(id) for id in sorted(found)]

    async def _facts(self, question: sa.Select[Any]) -> SolveFacts | None:
        def work(db: sa.Connection) -> SolveFacts | None:
            solve = db.execute(question).one_or_none()
            if solve is None:
                return None
            of_it = sa.select(*rows.RUN_COLUMNS).where(_RUN.solve_id == solve.id).order_by(_RUN.position)
            return rows.facts_of(solve, db.execute(of_it).all())

        return await self._database.read(work)

    async def _all_facts(self, question: sa.Select[Any]) -> list[SolveFacts]:
        found = await self._database.read(lambda db: db.execute(question).scalars().all())
        known = [await self.facts(SolveId(id)) for id in found]
        return [facts for facts in known if facts is not None]


def of_issue(repo_id: int, number: int) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return solves.c.repository_id == repo_id, solves.c.issue_number == number
