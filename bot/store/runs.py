"""What happens to a run, from its sandbox to what was observed of its candidate."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.core.model import Candidate, Evidence, ExitStatus, RunId, SandboxId, Status, Usage, solve_and_index
from bot.core.views import EventKind
from bot.ports import Gone
from bot.store import rows
from bot.store.events import tell
from bot.store.part import SqlPart, change, utc_now
from bot.store.tables import ACTIVE, Diagnostics, repositories, solve_runs, solves, storable

MOST_TOLD = 2_000  # characters of a command, to those who follow a run


def _highest(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """What is stored or what comes, whichever is more. Neither database's own word for it is known to the other."""
    new = sa.bindparam(f"new_{column.name}", type_=column.type)
    return sa.case((column > new, column), else_=new)


_RUN = solve_runs.c
_STEPPED = (  # built once: this is what a step of every run asks for
    sa.update(solve_runs)
    .where(_RUN.id == sa.bindparam("run"))
    .values(
        steps=_highest(_RUN.steps),
        cost=_highest(_RUN.cost),
        tokens=_highest(_RUN.tokens),
        input_tokens=_highest(_RUN.input_tokens),
        output_tokens=_highest(_RUN.output_tokens),
        cached_tokens=_highest(_RUN.cached_tokens),
        latency_ms=_highest(_RUN.latency_ms),
        diagnostics=sa.case(
            (_RUN.steps > sa.bindparam("new_steps"), _RUN.diagnostics),
            else_=sa.bindparam("new_diagnostics", type_=_RUN.diagnostics.type),
        ),
        updated_at=sa.bindparam("now", type_=_RUN.updated_at.type),
    )
)


class SqlRuns(SqlPart):
    async def runs_ahead(self, installation: int) -> int:
        theirs = sa.select(solves.c.id).join(repositories).where(ACTIVE, repositories.c.installation_id == installation)
        question = sa.select(sa.func.count()).where(_RUN.solve_id.in_(theirs), _RUN.completed_at.is_(None))
        return await self._database.read(lambda db: db.execute(question).scalar_one())

    async def run_started(self, id: RunId, sandbox: SandboxId, at: datetime) -> None:
        await self._change_run(
            id,
            EventKind.RUN_STARTED,
            sandbox_id=sandbox,
            status=sa.case((ACTIVE, Status.RUNNING.value), else_=_RUN.status),
            started_at=sa.func.coalesce(_RUN.started_at, sa.bindparam("at", at, type_=_RUN.started_at.type)),
        )

    async def run_stepped(
        self, id: RunId, *, steps: int, dollars: float, usage: Usage, seconds: float, last_command: str
    ) -> None:
        totals = {"steps": steps, "cost": dollars, "latency_ms": round(seconds * 1000), **rows.usage_values(usage)}
        new = {f"new_{name}": value for name, value in totals.items()}
        said = {"run": id, "new_diagnostics": Diagnostics(storable(last_command)), "now": utc_now()}

        def work(db: sa.Connection) -> None:
            if not db.execute(_STEPPED, {**new, **said}).rowcount:
                raise Gone(f"there is no run {id}")
            solve, index = solve_and_index(id)
            command = last_command[:MOST_TOLD]
            tell(db, solve, EventKind.RUN_STEPPED, utc_now(), run=index, steps=steps, dollars=dollars, command=command)

        await self._database.write(work)

    async def run_ended(
        self,
        id: RunId,
        status: Status,
        *,
        at: datetime,
        exit_status: ExitStatus | None,
        error: str = "",
        trajectory: bytes | None = None,
    ) -> None:
        """The first end stands; what is learnt about it later is still kept."""
        learnt: dict[str, Any] = {"exit_status": exit_status, "error_message": error, "trajectory": trajectory}
        await self._change_run(
            id,
            EventKind.RUN_ENDED,
            status=sa.case((ACTIVE, status.value), else_=_RUN.status),
            completed_at=sa.func.coalesce(_RUN.completed_at, sa.bindparam("at", at, type_=_RUN.completed_at.type)),
            **{name: value for name, value in learnt.items() if value},
        )

    async def candidate_found(self, id: RunId, candidate: Candidate) -> None:
        await self._change_run(id, EventKind.CANDIDATE, **rows.candidate_values(candidate))

    async def judged(self, id: RunId, evidence: Evidence) -> None:
        await self._change_run(id, EventKind.JUDGED, **rows.evidence_values(evidence))

    async def trajectory(self, id: RunId) -> bytes | None:
        question = sa.select(_RUN.trajectory).where(_RUN.id == id)
        return await self._database.read(lambda db: db.execute(question).scalar_one_or_none())

    async def _change_run(self, id: RunId, kind: EventKind, **values: Any) -> None:
        def work(db: sa.Connection) -> None:
            change(db, solve_runs, id, **values, updated_at=utc_now())
            solve, index = solve_and_index(id)
            tell(db, solve, kind, utc_now(), run=index)

        await self._database.write(work)
