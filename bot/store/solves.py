"""What happens to a solve, from its beginning to its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.core.choosing.approval import Approval
from bot.core.evidence.behaviour import Probed
from bot.core.evidence.pool import PooledTest
from bot.core.model import (
    Baseline,
    Compared,
    Consulted,
    Decision,
    Experiment,
    IssueTests,
    Limits,
    Minimal,
    PullRequest,
    SetUp,
    SolveId,
    Status,
    Task,
    Toolchain,
)
from bot.core.trigger.pull_watch import PullWatch
from bot.core.views import EventKind
from bot.ports import Gone
from bot.store import rows
from bot.store.database import insert
from bot.store.events import tell
from bot.store.part import SqlPart, change, tell_if, utc_now
from bot.store.tables import ACTIVE, solve_runs, solves, storable

_RUN = solve_runs.c


class SqlSolves(SqlPart):
    async def commented(self, id: SolveId, comment_id: int) -> None:
        await self._database.write(lambda db: change(db, solves, id, comment_id=comment_id, updated_at=utc_now()))

    async def shown(self, id: SolveId) -> str:
        question = sa.select(solves.c.shown).where(solves.c.id == id)
        return await self._database.read(lambda db: db.execute(question).scalar_one_or_none() or "")

    async def showing(self, id: SolveId, digest: str) -> None:
        await self._database.write(lambda db: change(db, solves, id, shown=digest))

    async def frozen(self, id: SolveId, task: Task, at: datetime) -> None:
        """The solve is running from here on."""
        await self._change_solve(
            id,
            EventKind.STARTED,
            task=task,
            base_branch=task.base_branch,
            base_sha=task.base_sha,
            status=sa.case((ACTIVE, Status.RUNNING.value), else_=solves.c.status),
            started_at=sa.func.coalesce(solves.c.started_at, sa.bindparam("at", at, type_=solves.c.started_at.type)),
        )

    async def planned(self, id: SolveId, experiments: Sequence[Experiment], limits: Limits) -> None:
        def work(db: sa.Connection) -> None:
            now = utc_now()
            change(db, solves, id, matrix=tuple(experiments), limits=limits, updated_at=now)
            runs = [rows.run_values(id, experiment, now=now) for experiment in experiments]
            db.execute(insert(db, solve_runs).values(runs).on_conflict_do_nothing())
            tell(db, id, EventKind.PLANNED, now, runs=len(runs))

        await self._database.write(work)

    async def set_up(self, id: SolveId, how: SetUp) -> None:
        change = sa.update(solves).where(solves.c.id == id).values(set_up=how)
        await self._database.write(lambda db: db.execute(change))

    async def how_set_up(self, id: SolveId) -> SetUp | None:
        question = sa.select(solves.c.set_up).where(solves.c.id == id)
        return await self._database.read(lambda db: db.execute(question).scalar_one_or_none())

    async def setup_worked(self, id: SolveId, work: Consulted) -> None:
        def do(db: sa.Connection) -> None:
            known = _setup_agent(db, id)
            if known is None or (known.steps, known.dollars) <= (work.steps, work.dollars):
                change = sa.update(solves).where(solves.c.id == id)
                db.execute(change.values(setup_agent=work, updated_at=utc_now()))

        await self._database.write(do)

    async def prepared(self, id: SolveId, toolchain: Toolchain, baseline: Baseline) -> None:
        await self._change_solve(id, EventKind.PREPARED, toolchain=toolchain, baseline=baseline)

    async def issue_tests_written(self, id: SolveId, tests: IssueTests) -> None:
        await self._change_solve(id, EventKind.OBSERVED, issue_tests=tests)

    async def pooled(self, id: SolveId, pool: Sequence[PooledTest]) -> None:
        await self._change_solve(id, EventKind.OBSERVED, pool=tuple(pool))

    async def probed(self, id: SolveId, probed: Probed) -> None:
        await self._change_solve(id, EventKind.OBSERVED, probed=probed)

    async def compared(self, id: SolveId, compared: Compared) -> None:
        await self._change_solve(id, EventKind.OBSERVED, compared=compared)

    async def trimmed(self, id: SolveId, minimal: Minimal) -> None:
        await self._change_solve(id, EventKind.OBSERVED, minimal=minimal)

    async def awaits(self, id: SolveId, approval: Approval) -> None:
        unasked = sa.update(solves).where(solves.c.id == id, solves.c.approval.is_(None))
        change = unasked.values(approval=approval, updated_at=utc_now())
        await self._database.write(lambda db: tell_if(db, change, id, EventKind.NOTED))

    async def answered(self, id: SolveId, answer: Approval) -> Approval | None:
        asked = sa.select(solves.c.approval).where(solves.c.id == id, ACTIVE).with_for_update()

        def work(db: sa.Connection) -> Approval | None:
            stands: Approval | None = db.execute(asked).scalar_one_or_none()
            if stands is None or not stands.is_waiting:
                return stands
            change(db, solves, id, approval=answer, updated_at=utc_now())
            tell(db, id, EventKind.NOTED, utc_now())
            return answer

        return await self._database.write(work)

    async def decided(self, id: SolveId, decision: Decision) -> None:
        await self._change_solve(id, EventKind.DECIDED, decision=decision, champion_run_id=decision.champion)

    async def published(self, id: SolveId, pull_request: PullRequest) -> None:
        def work(db: sa.Connection) -> None:
            now, url = utc_now(), pull_request.url
            number, head = pull_request.number, pull_request.head_sha
            published = {"pull_request": pull_request, "pr_number": number, "pr_url": url, "head_sha": head}
            change(db, solves, id, **published, updated_at=now)
            champion = sa.select(solves.c.champion_run_id).where(solves.c.id == id).scalar_subquery()
            db.execute(sa.update(solve_runs).where(_RUN.id == champion).values(pr_url=url, updated_at=now))
            tell(db, id, EventKind.PUBLISHED, now, number=number, url=url)

        await self._database.write(work)

    async def noted(self, id: SolveId, note: str) -> None:
        def work(db: sa.Connection) -> None:
            notes = db.execute(
                sa.select(solves.c.notes).where(solves.c.id == id).with_for_update()
            ).scalar_one_or_none()
            if notes is None:
                raise Gone(f"there is no solve {id}")
            if (text := storable(note)) not in notes:
                change(db, solves, id, notes=(*notes, text), updated_at=utc_now())
                tell(db, id, EventKind.NOTED, utc_now(), note=text)

        await self._database.write(work)

    async def watched(self, id: SolveId, watch: PullWatch) -> None:
        values: dict[str, Any] = {"watch": watch} if watch.head is None else {"watch": watch, "head_sha": watch.head}
        await self._change_solve(id, EventKind.NOTED, **values)

    async def published_after_all(self, id: SolveId, at: datetime, *, error: str) -> None:
        failed = sa.update(solves).where(solves.c.id == id, solves.c.status == Status.FAILED)
        change = failed.values(updated_at=at, error_message=error, incident="")
        if not error:
            change = change.values(status=Status.COMPLETED, completed_at=at)
        await self._database.write(lambda db: tell_if(db, change, id, EventKind.ENDED))

    async def ended(
        self, id: SolveId, status: Status, *, at: datetime, error: str = "", incident: str = "", by: str = ""
    ) -> Status:
        if not status.is_over:
            raise ValueError(f"a solve does not end {status}")
        by_runs = sa.select(sa.func.coalesce(sa.func.sum(_RUN.cost), 0.0)).where(_RUN.solve_id == id).scalar_subquery()
        solve = sa.update(solves).where(solves.c.id == id, ACTIVE)
        solve = solve.values(status=status, completed_at=at, updated_at=at)
        solve = solve.values(error_message=error, incident=incident, ended_by=by)
        of_runs = Status.FAILED if status is Status.FAILED else Status.CANCELLED
        runs = sa.update(solve_runs).where(_RUN.solve_id == id, ACTIVE)
        runs = runs.values(status=of_runs, completed_at=at, updated_at=at)

        def work(db: sa.Connection) -> Status:
            if db.execute(solve.values(cost=by_runs + _beside_runs(db, id))).rowcount:
                db.execute(runs)
                tell(db, id, EventKind.ENDED, at, status=status.value)
                return status
            stands: Status | None = db.execute(sa.select(solves.c.status).where(solves.c.id == id)).scalar_one_or_none()
            if stands is None:
                raise Gone(f"there is no solve {id}")
            return stands

        return await self._database.write(work)

    async def _change_solve(self, id: SolveId, kind: EventKind, **values: Any) -> None:
        def work(db: sa.Connection) -> None:
            change(db, solves, id, **values, updated_at=utc_now())
            tell(db, id, kind, utc_now())

        await self._database.write(work)


def _setup_agent(db: sa.Connection, id: SolveId) -> Consulted | None:
    question = sa.select(solves.c.setup_agent).where(solves.c.id == id).with_for_update()
    found: Consulted | None = db.execute(question).scalar_one_or_none()
    return found


def _beside_runs(db: sa.Connection, id: SolveId) -> float:
    """Dollars that no run has cost."""
    columns = (solves.c.setup_agent, solves.c.issue_tests, solves.c.compared)
    row = db.execute(sa.select(*columns).where(solves.c.id == id).with_for_update()).one_or_none()
    if row is None:
        return 0.0
    asked = [each.cost.dollars for each in (row.issue_tests, row.compared) if each is not None]
    return sum(asked, row.setup_agent.dollars if row.setup_agent is not None else 0.0)
