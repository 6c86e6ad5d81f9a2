"""What is known about solves, runs, models and places, at rest.

Each method is one transaction named for what happened, and may be called again after a crash: writes find their row by
an id made from ids, and never take back what a later write has said. Texts are stored as given: callers redact.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from bot.core.choosing.approval import Approval
from bot.core.choosing.overlap import Neighbour, Overlap, with_overlap
from bot.core.evidence.behaviour import Probed
from bot.core.evidence.pool import PooledTest
from bot.core.model import (
    Baseline,
    Candidate,
    Compared,
    Consulted,
    Decision,
    Evidence,
    ExitStatus,
    Experiment,
    Fared,
    Fate,
    IssueTests,
    KnownEnvironment,
    Limits,
    Minimal,
    ModelSpec,
    PullRequest,
    Repo,
    RunId,
    SandboxId,
    SetUp,
    Sha,
    Solve,
    SolveFacts,
    SolveId,
    Status,
    Strategy,
    Task,
    Toolchain,
    Usage,
    Workspace,
    solve_and_index,
)
from bot.core.trigger.batches import Batch
from bot.core.trigger.budgets import Budget, OverBudget, Spent
from bot.core.trigger.pull_watch import PullWatch
from bot.core.views import EventKind
from bot.ports import Busy, Full, Gone, Tally, Unavailable
from bot.store import rows, spending, tally
from bot.store.database import Database, insert, open_database
from bot.store.events import tell
from bot.store.ledger import SqlLedger
from bot.store.outbox import SqlOutbox
from bot.store.requests import SqlRequests
from bot.store.tables import (
    ACTIVE,
    Diagnostics,
    ai_models,
    api_requests,
    audit_log,
    batches,
    deliveries,
    installations,
    known_environments,
    prepared_workspaces,
    repositories,
    sandbox_operations,
    solve_runs,
    solves,
    storable,
    users,
    vain_searches,
)
from bot.store.tokens import SqlTokens
from bot.store.turns import SqlTurns
from bot.store.views import SqlViews
from bot.store.web_sessions import SqlWebSessions

_DAY = timedelta(days=1)
MOST_FATES = 2_000
MOST_ABANDONED = 100
MOST_NEIGHBOURS = 100
MOST_LOOKED_AT = 100
MOST_TOLD = 2_000  # characters of a command, to those who follow a run


def _highest(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """What is stored or what comes, whichever is more. Neither database's own word for it is known to the other."""
    new = sa.bindparam(f"new_{column.name}", type_=column.type)
    return sa.case((column > new, column), else_=new)


_RUN = solve_runs.c
_WORKSPACE = prepared_workspaces.c
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
_FACTS = sa.select(solves, repositories.c.installation_id, repositories.c.name).join(repositories)


@asynccontextmanager
async def opened(url: str, *, web_url: str = "https://github.com") -> AsyncIterator[SqlStore]:
    """`url` of a migrated database as in the settings: `sqlite:///path` or `postgresql://...`."""
    database = open_database(url)
    try:
        yield SqlStore(database, web_url=web_url)
    finally:
        await database.close()


class SqlStore:
    """The `Store` port. `web_url` is where people see repositories."""

    def __init__(self, database: Database, *, web_url: str) -> None:
        self._database = database
        self._web_url = web_url.rstrip("/")
        self.ledger = SqlLedger(database)  # of lent sandboxes, in the same database
        self.views = SqlViews(database)  # what is shown, out of the same tables
        self.web_sessions = SqlWebSessions(database)  # of those who look at pages
        self.tokens = SqlTokens(database)
        self.requests = SqlRequests(database)
        self.turns = SqlTurns(database)  # of workers
        self.outbox = SqlOutbox(database)

    async def alive(self) -> None:
        """Raises `Unavailable` when the database does not answer."""
        await self._database.read(lambda db: db.execute(sa.select(sa.literal(1))).scalar())

    # ------------------------------------------------------------------------------------------------------ solves

    async def accept(
        self, solve: Solve, budgets: Sequence[Budget] = (), *, a_day: int | None = None
    ) -> Solve | Busy | Full | OverBudget:
        repo = solve.issue.repo

        def work(db: sa.Connection) -> Solve | Busy | Full | OverBudget:
            if known := db.execute(_FACTS.where(solves.c.id == solve.id)).one_or_none():
                return rows.solve_of(known)
            active = sa.select(solves.c.id).where(*_issue(repo.id, solve.issue.number), ACTIVE)
            if (over := spending.over_budget(db, solve, budgets)) and not db.execute(active).first():
                return over
            self._meet(db, solve)  # writes the repository's row, so that one solve after the other is counted
            if a_day is not None and (full := _full(db, solve, a_day)):
                return full
            values = rows.solve_values(solve, web_url=self._web_url, now=_now())
            claim = insert(db, solves).values(values).on_conflict_do_nothing().returning(solves.c.id)
            if db.execute(claim).one_or_none():
                tell(db, solve.id, EventKind.ACCEPTED, _now(), issue=solve.issue.number)
                return solve
            if busy := db.execute(active).scalar_one_or_none():
                return Busy(SolveId(busy))
            raise Unavailable(f"the solve that was active for {solve.issue} has just ended")

        return await self._database.write(work)

    def _meet(self, db: sa.Connection, solve: Solve) -> None:
        """The person and the repository of a new solve, as they are called now."""
        by, repo = solve.trigger.by, solve.issue.repo
        person = {"login": by.login, "is_bot": by.is_bot, "updated_at": _now()}
        _upsert(db, users, {"id": by.id}, person)
        place = {"installation_id": repo.installation, "name": repo.name}
        _upsert(db, repositories, {"id": repo.id}, place, first={"is_archived": False, "is_deleted": False})

    async def spent(self, budgets: Sequence[Budget], now: datetime) -> list[Spent]:
        return await self._database.read(lambda db: spending.most_spent(db, budgets, now))

    async def facts(self, id: SolveId) -> SolveFacts | None:
        return await self._facts(_FACTS.where(solves.c.id == id))

    async def latest(self, repo_id: int, number: int) -> SolveFacts | None:
        about = sa.or_(solves.c.issue_number == number, solves.c.pr_number == number)
        here = solves.c.repository_id == repo_id
        newest = _FACTS.where(here, about).order_by(solves.c.created_at.desc()).limit(1)
        return await self._facts(newest)

    async def of_pull(self, repo_id: int, number: int) -> SolveFacts | None:
        own = (solves.c.repository_id == repo_id, solves.c.pr_number == number, solves.c.revises.is_(None))
        return await self._facts(_FACTS.where(*own).order_by(solves.c.created_at.desc()).limit(1))

    async def revisions(self, id: SolveId) -> list[SolveFacts]:
        question = sa.select(solves.c.id).where(solves.c.revises == id).order_by(solves.c.created_at)
        found = await self._database.read(lambda db: db.execute(question).scalars().all())
        revisions = [await self.facts(SolveId(revision)) for revision in found]
        return [facts for facts in revisions if facts is not None]

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

    async def with_head(self, repo_id: int, head: Sha) -> SolveFacts | None:
        pushed = _FACTS.where(solves.c.repository_id == repo_id, solves.c.head_sha == head)
        return await self._facts(pushed.order_by(solves.c.created_at.desc()).limit(1))

    async def watched(self, id: SolveId, watch: PullWatch) -> None:
        values: dict[str, Any] = {"watch": watch} if watch.head is None else {"watch": watch, "head_sha": watch.head}
        await self._change_solve(id, EventKind.NOTED, **values)

    async def active(self, repo_id: int, issue: int) -> SolveFacts | None:
        return await self._facts(_FACTS.where(*_issue(repo_id, issue), ACTIVE))

    async def _facts(self, question: sa.Select[Any]) -> SolveFacts | None:
        def work(db: sa.Connection) -> SolveFacts | None:
            solve = db.execute(question).one_or_none()
            if solve is None:
                return None
            of_it = sa.select(*rows.RUN_COLUMNS).where(_RUN.solve_id == solve.id).order_by(_RUN.position)
            return rows.facts_of(solve, db.execute(of_it).all())

        return await self._database.read(work)

    async def active_solves(self, *, repo_id: int | None = None, installation: int | None = None) -> list[SolveId]:
        question = sa.select(solves.c.id).where(ACTIVE)
        if repo_id is not None:
            question = question.where(solves.c.repository_id == repo_id)
        if installation is not None:
            question = question.join(repositories).where(repositories.c.installation_id == installation)
        found = await self._database.read(lambda db: db.execute(question).scalars().all())
        return [SolveId(id) for id in sorted(found)]

    async def commented(self, id: SolveId, comment_id: int) -> None:
        await self._database.write(lambda db: _change(db, solves, id, comment_id=comment_id, updated_at=_now()))

    async def shown(self, id: SolveId) -> str:
        question = sa.select(solves.c.shown).where(solves.c.id == id)
        return await self._database.read(lambda db: db.execute(question).scalar_one_or_none() or "")

    async def showing(self, id: SolveId, digest: str) -> None:
        await self._database.write(lambda db: _change(db, solves, id, shown=digest))

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
            now = _now()
            _change(db, solves, id, matrix=tuple(experiments), limits=limits, updated_at=now)
            runs = [rows.run_values(id, experiment, now=now) for experiment in experiments]
            db.execute(insert(db, solve_runs).values(runs).on_conflict_do_nothing())
            tell(db, id, EventKind.PLANNED, now, runs=len(runs))

        await self._database.write(work)

    async def setup_worked(self, id: SolveId, work: Consulted) -> None:
        def do(db: sa.Connection) -> None:
            known = _setup_agent(db, id)
            if known is None or (known.steps, known.dollars) <= (work.steps, work.dollars):
                change = sa.update(solves).where(solves.c.id == id)
                db.execute(change.values(setup_agent=work, updated_at=_now()))

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
        change = unasked.values(approval=approval, updated_at=_now())
        await self._database.write(lambda db: _tell_if(db, change, id, EventKind.NOTED))

    async def answered(self, id: SolveId, answer: Approval) -> Approval | None:
        asked = sa.select(solves.c.approval).where(solves.c.id == id, ACTIVE).with_for_update()

        def work(db: sa.Connection) -> Approval | None:
            stands: Approval | None = db.execute(asked).scalar_one_or_none()
            if stands is None or not stands.is_waiting:
                return stands
            _change(db, solves, id, approval=answer, updated_at=_now())
            tell(db, id, EventKind.NOTED, _now())
            return answer

        return await self._database.write(work)

    async def decided(self, id: SolveId, decision: Decision) -> None:
        await self._change_solve(id, EventKind.DECIDED, decision=decision, champion_run_id=decision.champion)

    async def published(self, id: SolveId, pull_request: PullRequest) -> None:
        def work(db: sa.Connection) -> None:
            now, url = _now(), pull_request.url
            number, head = pull_request.number, pull_request.head_sha
            published = {"pull_request": pull_request, "pr_number": number, "pr_url": url, "head_sha": head}
            _change(db, solves, id, **published, updated_at=now)
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
                _change(db, solves, id, notes=(*notes, text), updated_at=_now())
                tell(db, id, EventKind.NOTED, _now(), note=text)

        await self._database.write(work)

    async def published_after_all(self, id: SolveId, at: datetime, *, error: str) -> None:
        failed = sa.update(solves).where(solves.c.id == id, solves.c.status == Status.FAILED)
        change = failed.values(updated_at=at, error_message=error, incident="")
        if not error:
            change = change.values(status=Status.COMPLETED, completed_at=at)
        await self._database.write(lambda db: _tell_if(db, change, id, EventKind.ENDED))

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
            _change(db, solves, id, **values, updated_at=_now())
            tell(db, id, kind, _now())

        await self._database.write(work)

    async def runs_ahead(self, installation: int) -> int:
        theirs = sa.select(solves.c.id).join(repositories).where(ACTIVE, repositories.c.installation_id == installation)
        question = sa.select(sa.func.count()).where(_RUN.solve_id.in_(theirs), _RUN.completed_at.is_(None))
        return await self._database.read(lambda db: db.execute(question).scalar_one())

    # -------------------------------------------------------------------------------------------------------- runs

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
        said = {"run": id, "new_diagnostics": Diagnostics(storable(last_command)), "now": _now()}

        def work(db: sa.Connection) -> None:
            if not db.execute(_STEPPED, {**new, **said}).rowcount:
                raise Gone(f"there is no run {id}")
            solve, index = solve_and_index(id)
            command = last_command[:MOST_TOLD]
            tell(db, solve, EventKind.RUN_STEPPED, _now(), run=index, steps=steps, dollars=dollars, command=command)

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
            _change(db, solve_runs, id, **values, updated_at=_now())
            solve, index = solve_and_index(id)
            tell(db, solve, kind, _now(), run=index)

        await self._database.write(work)

    # --------------------------------------------------------------------------------------------------- catalogue

    async def became(self, id: SolveId, fate: Fate, at: datetime) -> None:
        """What people did with the pull request. What was reverted stays so, in whatever order events come."""
        stands = sa.or_(solves.c.fate.is_(None), solves.c.fate != Fate.REVERTED)
        change = sa.update(solves).where(solves.c.id == id, stands).values(fate=fate, fate_at=at, updated_at=_now())
        await self._database.write(lambda db: _tell_if(db, change, id, EventKind.FATE))

    async def reopened(self, id: SolveId) -> None:
        closed = sa.update(solves).where(solves.c.id == id, solves.c.fate == Fate.CLOSED)
        change = closed.values(fate=None, fate_at=None, fate_why=None, updated_at=_now())
        await self._database.write(lambda db: _tell_if(db, change, id, EventKind.FATE))

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

    async def _all_facts(self, question: sa.Select[Any]) -> list[SolveFacts]:
        found = await self._database.read(lambda db: db.execute(question).scalars().all())
        known = [await self.facts(SolveId(id)) for id in found]
        return [facts for facts in known if facts is not None]

    async def unwanted(self, id: SolveId, why: str) -> bool:
        """Whether it was: one that is open, or merged, has no such reason."""
        closed = sa.update(solves).where(solves.c.id == id, solves.c.fate == Fate.CLOSED)
        change = closed.values(fate_why=why, updated_at=_now())

        def work(db: sa.Connection) -> bool:
            found = db.execute(change).rowcount > 0
            if found:
                tell(db, id, EventKind.FATE, _now())
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
            _change(db, solves, id, overlaps=with_overlap(known or (), overlap), updated_at=_now())
            tell(db, id, EventKind.NOTED, _now())

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

    async def models(self, *, active_only: bool = True) -> list[ModelSpec]:
        question = sa.select(ai_models).order_by(ai_models.c.name)
        if active_only:
            question = question.where(ai_models.c.is_active)
        return await self._database.read(lambda db: [rows.model_of(row) for row in db.execute(question)])

    async def save_model(self, spec: ModelSpec) -> None:
        values = rows.model_values(spec, now=_now())
        first = {name: values.pop(name) for name in ("id", "created_at")}
        key = {"name": values.pop("name")}
        await self._database.write(lambda db: _upsert(db, ai_models, key, values, first=first))

    async def disable_model(self, name: str) -> bool:
        """False when there is none of that name."""
        disable = sa.update(ai_models).where(ai_models.c.name == name)
        disable = disable.values(is_active=False, updated_at=_now())
        return await self._database.write(lambda db: db.execute(disable).rowcount > 0)

    # ------------------------------------------------------------------------------------------- people and places

    async def installed(self, installation: int, account: str, *, suspended: bool, at: datetime) -> None:
        """Events come in any order: an older one changes nothing."""
        values = {"account": account, "is_suspended": suspended, "removed_at": None, "updated_at": at}
        older = installations.c.updated_at <= at
        await self._database.write(lambda db: _upsert(db, installations, {"id": installation}, values, where=older))

    async def uninstalled(self, installation: int, at: datetime) -> None:
        known = sa.update(installations).where(installations.c.id == installation, installations.c.updated_at <= at)
        await self._database.write(lambda db: db.execute(known.values(removed_at=at, updated_at=at)))

    async def repository_seen(self, repo: Repo, *, archived: bool = False, deleted: bool = False) -> None:
        values = {
            "installation_id": repo.installation,
            "name": repo.name,
            "is_archived": archived,
            "is_deleted": deleted,
        }
        await self._database.write(lambda db: _upsert(db, repositories, {"id": repo.id}, values))

    async def workspace(self, repo_id: int) -> Workspace | None:
        question = sa.select(prepared_workspaces).where(_WORKSPACE.repository_id == repo_id)
        row = await self._database.read(lambda db: db.execute(question).one_or_none())
        return rows.workspace_of(row) if row else None

    async def keep_workspace(self, workspace: Workspace) -> None:
        values = {"key": workspace.key, "left_behind": workspace.left_behind, "used_at": workspace.used_at}
        key = {"repository_id": workspace.repo_id}
        await self._database.write(lambda db: _upsert(db, prepared_workspaces, key, values))

    async def set_up(self, id: SolveId, how: SetUp) -> None:
        change = sa.update(solves).where(solves.c.id == id).values(set_up=how)
        await self._database.write(lambda db: db.execute(change))

    async def how_set_up(self, id: SolveId) -> SetUp | None:
        question = sa.select(solves.c.set_up).where(solves.c.id == id)
        return await self._database.read(lambda db: db.execute(question).scalar_one_or_none())

    async def environment(self, repo_id: int) -> KnownEnvironment | None:
        question = sa.select(known_environments).where(known_environments.c.repository_id == repo_id)
        row = await self._database.read(lambda db: db.execute(question).one_or_none())
        return rows.known_environment_of(row) if row else None

    async def keep_environment(self, environment: KnownEnvironment) -> None:
        values = {"key": environment.key, "toolchain": environment.toolchain, "found_at": environment.found_at}
        key = {"repository_id": environment.repo_id}
        await self._database.write(lambda db: _upsert(db, known_environments, key, values))

    async def nothing_found(self, repo_id: int, key: str, at: datetime) -> None:
        values = {"key": key, "at": at}
        await self._database.write(lambda db: _upsert(db, vain_searches, {"repository_id": repo_id}, values))

    async def looked_in_vain(self, repo_id: int, key: str, *, since: datetime) -> bool:
        question = sa.select(vain_searches.c.key).where(
            vain_searches.c.repository_id == repo_id, vain_searches.c.at >= since
        )
        return await self._database.read(lambda db: db.execute(question).scalar_one_or_none() == key)

    async def workspaces(self, *, used_since: datetime) -> list[Workspace]:
        question = sa.select(prepared_workspaces).where(_WORKSPACE.used_at >= used_since)
        return await self._database.read(lambda db: [rows.workspace_of(row) for row in db.execute(question)])

    async def audit(self, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> None:
        entry = {"at": at, "actor": actor, "action": action, "subject": subject, "detail": dict(detail)}
        digest = hashlib.sha256(msgspec.json.encode(entry, order="deterministic")).hexdigest()
        await self._database.write(
            lambda db: db.execute(insert(db, audit_log).values(id=digest, **entry).on_conflict_do_nothing())
        )

    async def tally(self, since: datetime) -> Tally:
        def work(db: sa.Connection) -> Tally:
            ask = tally.on_postgres if db.dialect.name == "postgresql" else tally.on_sqlite
            return ask(db.exec_driver_sql, since)

        return await self._database.read(work)

    async def purge(self, before: datetime) -> int:
        old = (
            sa.delete(solves).where(solves.c.completed_at < before),
            sa.delete(batches).where(batches.c.created_at < before),
            sa.delete(deliveries).where(deliveries.c.handed_at < before),
            sa.delete(audit_log).where(audit_log.c.at < before),
            sa.delete(sandbox_operations).where(sandbox_operations.c.at < before),
            sa.delete(prepared_workspaces).where(_WORKSPACE.used_at < before),
            sa.delete(vain_searches).where(vain_searches.c.at < before),
            sa.delete(api_requests).where(api_requests.c.asked_at < before),
            sa.delete(known_environments).where(known_environments.c.found_at < before),
        )
        return await self._database.write(lambda db: sum(db.execute(statement).rowcount for statement in old))


def _now() -> datetime:
    """For `updated_at`, which nothing is decided by. Times that mean something are given by the caller."""
    return datetime.now(UTC)


def _full(db: sa.Connection, solve: Solve, most: int) -> Full | None:
    begun = (solves.c.repository_id == solve.issue.repo.id, solves.c.created_at > solve.created_at - _DAY)
    question = sa.select(solves.c.created_at).where(*begun, solves.c.revises.is_(None)).order_by(solves.c.created_at)
    times = db.execute(question).scalars().all()
    return Full(most, times[len(times) - most] + _DAY) if len(times) >= most else None


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


def _issue(repo_id: int, number: int) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return solves.c.repository_id == repo_id, solves.c.issue_number == number


def _upsert(
    db: sa.Connection,
    table: sa.Table,
    key: Mapping[str, Any],
    values: Mapping[str, Any],
    *,
    first: Mapping[str, Any] | None = None,
    where: sa.ColumnElement[bool] | None = None,
) -> None:
    """Insert, or set `values` where `where` holds. `first` holds what only a new row gets."""
    row = insert(db, table).values(**key, **values, **(first or {}))
    db.execute(row.on_conflict_do_update(index_elements=list(key), set_=dict(values), where=where))


def _tell_if(db: sa.Connection, change: sa.Update, solve: SolveId, kind: EventKind) -> None:
    """Only what has changed anything has happened."""
    if db.execute(change).rowcount:
        tell(db, solve, kind, _now())


def _change(db: sa.Connection, table: sa.Table, id: str, **values: Any) -> None:
    """Raises `Gone` when there is no such row."""
    if not db.execute(sa.update(table).where(table.c.id == id).values(**values)).rowcount:
        raise Gone(f"{table.name} has no {id}")
