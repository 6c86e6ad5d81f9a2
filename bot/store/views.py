"""What is shown in lists, and what happens as it happens. Questions only, each with an index, none of them per row.

Whoever asks says which repositories may be seen: nothing here knows who is asking.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, time
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import Text

from bot.core.estimate import KnownRun
from bot.core.listing import Page, Position, SolveFilter, State, UsageBy, page_of
from bot.core.model import Fate, Repo, SolveId, Status, letter
from bot.core.repository_record import RepositoryRecord, by_week, first_day
from bot.core.views import AuditEntry, DeliveryView, RepositoryView, SolveEvent, SolveSummary, UsageRow
from bot.store.database import Database
from bot.store.news import News
from bot.store.repository_record import days_of, known_runs, models_of
from bot.store.rows import Row
from bot.store.tables import ACTIVE, audit_log, deliveries, events, repositories, solve_runs, solves

MOST_EVENTS = 500
MOST_USAGE = 1_000
MOST_SOLVES = 20_000

_SOLVE, _RUN = solves.c, solve_runs.c
_HERE = (repositories.c.installation_id, repositories.c.name, repositories.c.is_archived, repositories.c.is_deleted)
_champion = solve_runs.alias("champion")
_ROW = (
    sa.select(
        *(
            _SOLVE[name]
            for name in (
                "id",
                "repository_id",
                "issue_number",
                "issue_title",
                "status",
                "trigger",
                "requested_by",
                "created_at",
                "started_at",
                "completed_at",
                "cost",
                "pr_number",
                "pr_url",
                "fate",
                "error_message",
                "revises",
            )
        ),
        repositories.c.installation_id,
        repositories.c.name,
        _champion.c.position.label("champion_position"),
    )
    .join(repositories)
    .outerjoin(_champion, _champion.c.id == _SOLVE.champion_run_id)
)


class SqlViews:
    """The `Views` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # ------------------------------------------------------------------------------------------------------ solves

    async def solves(self, wanted: SolveFilter, after: Position, size: int) -> list[SolveSummary]:
        """The newest first, from the position on; at most `size`."""
        question = _ROW.where(_before(_SOLVE.created_at, _SOLVE.id, after), *_conditions(wanted))
        question = question.order_by(_SOLVE.created_at.desc(), _SOLVE.id.desc()).limit(size)

        def work(db: sa.Connection) -> list[SolveSummary]:
            found = db.execute(question).all()
            runs = _runs_of(db, [row.id for row in found])
            return [_summary(row, runs.get(row.id)) for row in found]

        return await self._database.read(work)

    async def fate(self, id: SolveId) -> Fate | None:
        question = sa.select(_SOLVE.fate).where(_SOLVE.id == id)
        return await self._database.read(lambda db: db.execute(question).scalar_one_or_none())

    async def repository_of(self, id: SolveId) -> Repo | None:
        """Whose permission counts for this solve."""
        question = sa.select(repositories.c.id, *_HERE).join(solves).where(_SOLVE.id == id)
        row = await self._database.read(lambda db: db.execute(question).one_or_none())
        return _repo(row) if row else None

    # ------------------------------------------------------------------------------------------------ repositories

    async def repository(self, name: str) -> Repo | None:
        """By its name now, as GitHub spells it."""
        question = sa.select(repositories.c.id, *_HERE).where(repositories.c.name == name)
        question = question.order_by(repositories.c.is_deleted, repositories.c.id.desc()).limit(1)
        row = await self._database.read(lambda db: db.execute(question).one_or_none())
        return _repo(row) if row else None

    async def named(self, names: Collection[str]) -> list[Repo]:
        """Those of these names; of one name there may be several, of which one is left."""
        question = sa.select(repositories.c.id, *_HERE).where(repositories.c.name.in_(sorted(names)))
        return await self._database.read(lambda db: [_repo(row) for row in db.execute(question)])

    async def repositories(self, after: int, size: int) -> list[RepositoryView]:
        """By name, those that are not deleted, from behind the one with the id `after` on; 0: from the first on."""
        named = sa.select(repositories.c.name).where(repositories.c.id == after).scalar_subquery()
        question = sa.select(repositories.c.id, *_HERE).where(
            repositories.c.name > sa.func.coalesce(named, ""), repositories.c.is_deleted.is_(sa.false())
        )
        question = question.order_by(repositories.c.name).limit(size)

        def work(db: sa.Connection) -> list[RepositoryView]:
            found = db.execute(question).all()
            tallies = _tallies(db, [row.id for row in found])
            return [_repository(row, tallies.get(row.id)) for row in found]

        return await self._database.read(work)

    async def known_repository(self, id: int) -> RepositoryView | None:
        """By its id; None: it is not known, or deleted."""
        question = sa.select(repositories.c.id, *_HERE).where(
            repositories.c.id == id, repositories.c.is_deleted.is_(sa.false())
        )

        def work(db: sa.Connection) -> RepositoryView | None:
            row = db.execute(question).one_or_none()
            return _repository(row, _tallies(db, [row.id]).get(row.id)) if row else None

        return await self._database.read(work)

    async def repository_record(self, id: int, now: datetime) -> RepositoryRecord:
        since = datetime.combine(first_day(now), time(), UTC)

        def work(db: sa.Connection) -> RepositoryRecord:
            return RepositoryRecord(by_week(days_of(db, id, since), now), models_of(db, id, since))

        return await self._database.read(work)

    async def known_runs(self, within: Collection[int], since: datetime) -> list[KnownRun]:
        """The newest 300 of solves in these repositories that came to their own end."""
        return await self._database.read(lambda db: known_runs(db, within, since))

    async def active_repositories(self, since: datetime) -> list[Repo]:
        """Those with solves since then, of the newest 20,000."""
        newest = sa.select(_SOLVE.repository_id).where(_SOLVE.created_at >= since)
        newest = newest.order_by(_SOLVE.created_at.desc()).limit(MOST_SOLVES)
        question = sa.select(repositories.c.id, *_HERE).where(repositories.c.id.in_(newest)).limit(MOST_USAGE)
        return await self._database.read(lambda db: [_repo(row) for row in db.execute(question)])

    async def usage(self, by: UsageBy, since: datetime, within: Collection[int]) -> list[UsageRow]:
        """Of solves that began since then in repositories `within`; what cost most comes first, but days by date."""
        question = _usage_by_model(since, within) if by is UsageBy.MODEL else _usage_of_solves(by, since, within)

        def work(db: sa.Connection) -> list[UsageRow]:
            return [
                UsageRow(row.key, row.solves, int(row.runs or 0), float(row.dollars or 0), _hours(row), _tokens(row))
                for row in db.execute(question)
            ]

        return await self._database.read(work)

    # ------------------------------------------------------------------------------------------------------ events

    async def events(self, after: int, *, solve: SolveId | None = None) -> list[SolveEvent]:
        """What became visible behind that number, in its order; at most 500."""
        question = sa.select(events, _SOLVE.repository_id).join(solves).where(events.c.seq > after)
        if solve is not None:
            question = question.where(events.c.solve_id == solve)
        question = question.order_by(events.c.seq).limit(MOST_EVENTS)
        return await self._database.read(lambda db: [_event(row) for row in db.execute(question)])

    def news(self) -> AbstractAsyncContextManager[News]:
        return self._database.hearing()

    async def newest_event(self) -> int:
        """Its number; 0 where there is none."""
        question = sa.select(events.c.seq).where(events.c.seq > 0).order_by(events.c.seq.desc()).limit(1)
        return await self._database.read(lambda db: db.execute(question).scalar_one_or_none()) or 0

    # -------------------------------------------------------------------------------------------------- operations

    async def deliveries(self, after: Position, size: int) -> Page[DeliveryView]:
        """Without what is in them: they are about repositories that the operator may not see."""
        names = ("guid", "event", "received_at", "handed_at", "attempt")
        question = sa.select(*(deliveries.c[name] for name in names))
        question = question.where(_before(deliveries.c.received_at, deliveries.c.guid, after))
        question = question.order_by(deliveries.c.received_at.desc(), deliveries.c.guid.desc()).limit(size + 1)
        found = await self._database.read(lambda db: db.execute(question).all())
        items = [DeliveryView(row.guid, row.event, row.received_at, row.handed_at, row.attempt) for row in found]
        return page_of(items, [Position(item.received_at, item.guid) for item in items], size)

    async def record_of(self, guid: str) -> tuple[str, bytes] | None:
        """The event and the record of a delivery, for who gives it to the engine once more."""
        question = sa.select(deliveries.c.event, deliveries.c.record).where(deliveries.c.guid == guid)
        row = await self._database.read(lambda db: db.execute(question).one_or_none())
        return (row.event, row.record.encode()) if row else None

    async def audit(self, after: Position, size: int) -> Page[AuditEntry]:
        question = sa.select(audit_log).where(_before(audit_log.c.at, audit_log.c.id, after))
        question = question.order_by(audit_log.c.at.desc(), audit_log.c.id.desc()).limit(size + 1)
        found = await self._database.read(lambda db: db.execute(question).all())
        items = [AuditEntry(row.id, row.at, row.actor, row.action, row.subject, row.detail) for row in found]
        return page_of(items, [Position(item.at, item.id) for item in items], size)


# ------------------------------------------------------------------------------------------------------- conditions


def _before(at: sa.Column[Any], id: sa.Column[Any], after: Position) -> sa.ColumnElement[bool]:
    """Older than that row: compared as a pair, which an index over both answers."""
    given = (sa.literal(after.at, at.type), sa.literal(after.id, id.type))
    return sa.tuple_(at, id) < sa.tuple_(*given)


def _conditions(wanted: SolveFilter) -> Iterator[sa.ColumnElement[bool]]:
    if wanted.repository:
        named = sa.select(repositories.c.id).where(repositories.c.name == wanted.repository)
        yield _SOLVE.repository_id.in_(named)
    if wanted.person:
        yield _SOLVE.requested_by == wanted.person
    if wanted.state is not None:
        yield _STATES[wanted.state]
    if wanted.search:
        yield _SOLVE.issue_title.icontains(wanted.search, autoescape=True)
    if wanted.since is not None:
        yield _SOLVE.created_at >= wanted.since
    if wanted.until is not None:
        yield _SOLVE.created_at < wanted.until


_IS_COMPLETE = _SOLVE.status == Status.COMPLETED
_STATES: Mapping[State, sa.ColumnElement[bool]] = {
    State.ACTIVE: _SOLVE.status.in_((Status.PENDING, Status.RUNNING)),
    State.PUBLISHED: sa.and_(_IS_COMPLETE, _SOLVE.pr_url.is_not(None)),
    State.NO_CHAMPION: sa.and_(_IS_COMPLETE, _SOLVE.pr_url.is_(None)),
    State.FAILED: _SOLVE.status == Status.FAILED,
    State.CANCELLED: _SOLVE.status == Status.CANCELLED,
    State.MERGED: _SOLVE.fate.in_((Fate.MERGED, Fate.CHANGED)),
    State.CLOSED: _SOLVE.fate == Fate.CLOSED,
    State.REVERTED: _SOLVE.fate == Fate.REVERTED,
}


def _usage_by_model(since: datetime, within: Collection[int]) -> sa.Select[Any]:
    return (
        sa.select(
            _RUN.model.label("key"),
            sa.func.count(_RUN.solve_id.distinct()).label("solves"),
            sa.func.count().label("runs"),
            sa.func.sum(_RUN.cost).label("dollars"),
            sa.func.sum(_RUN.latency_ms).label("ms"),
            sa.func.sum(_RUN.tokens).label("tokens"),
        )
        .select_from(solves)
        .join(solve_runs, _RUN.solve_id == _SOLVE.id)
        .where(_SOLVE.created_at >= since, _SOLVE.repository_id.in_(sorted(within)))
        .group_by(_RUN.model)
        .order_by(sa.text("dollars desc"), _RUN.model)
        .limit(MOST_USAGE)
    )


def _usage_of_solves(by: UsageBy, since: datetime, within: Collection[int]) -> sa.Select[Any]:
    """What a solve cost beside its runs is in its own column once it is over."""
    keys = {
        UsageBy.DAY: sa.func.substr(sa.cast(_SOLVE.created_at, Text), 1, 10),
        UsageBy.REPOSITORY: repositories.c.name,
        UsageBy.PERSON: _SOLVE.requested_by,
    }
    each = (
        sa.select(
            keys[by].label("key"),
            _SOLVE.cost,
            sa.func.count(_RUN.id).label("runs"),
            sa.func.sum(_RUN.cost).label("by_runs"),
            sa.func.sum(_RUN.latency_ms).label("ms"),
            sa.func.sum(_RUN.tokens).label("tokens"),
        )
        .select_from(solves)
        .join(repositories)
        .outerjoin(solve_runs, _RUN.solve_id == _SOLVE.id)
        .where(_SOLVE.created_at >= since, _SOLVE.repository_id.in_(sorted(within)))
        .group_by(_SOLVE.id, repositories.c.name)
        .subquery()
    )
    dollars = sa.func.sum(sa.func.coalesce(each.c.cost, each.c.by_runs, 0.0)).label("dollars")
    order = each.c.key.desc() if by is UsageBy.DAY else dollars.desc()
    return (
        sa.select(
            each.c.key,
            sa.func.count().label("solves"),
            sa.func.sum(each.c.runs).label("runs"),
            dollars,
            sa.func.sum(each.c.ms).label("ms"),
            sa.func.sum(each.c.tokens).label("tokens"),
        )
        .group_by(each.c.key)
        .order_by(order, each.c.key)
        .limit(MOST_USAGE)
    )


# -------------------------------------------------------------------------------------------------- several at once


def _runs_of(db: sa.Connection, ids: Sequence[str]) -> Mapping[str, Row]:
    if not ids:
        return {}
    over = sa.func.sum(sa.case((ACTIVE, 0), else_=1)).label("over")
    question = sa.select(_RUN.solve_id, sa.func.count().label("runs"), over, sa.func.sum(_RUN.cost).label("dollars"))
    question = question.where(_RUN.solve_id.in_(ids)).group_by(_RUN.solve_id)
    return {row.solve_id: row for row in db.execute(question)}


def _tallies(db: sa.Connection, ids: Sequence[int]) -> Mapping[int, Row]:
    def number(condition: sa.ColumnElement[bool], name: str) -> sa.Label[int]:
        return sa.func.sum(sa.case((condition, 1), else_=0)).label(name)

    if not ids:
        return {}
    question = sa.select(
        _SOLVE.repository_id,
        sa.func.count().label("solves"),
        number(_STATES[State.ACTIVE], "active"),
        number(_SOLVE.pr_url.is_not(None), "published"),
        number(_STATES[State.MERGED], "merged"),
        number(_STATES[State.REVERTED], "reverted"),
        sa.func.sum(_SOLVE.cost).label("dollars"),
    )
    question = question.where(_SOLVE.repository_id.in_(ids)).group_by(_SOLVE.repository_id)
    return {row.repository_id: row for row in db.execute(question)}


# ----------------------------------------------------------------------------------------------------------- shapes


def _summary(row: Row, runs: Row | None) -> SolveSummary:
    return SolveSummary(
        id=SolveId(row.id),
        repo=Repo(row.installation_id, row.repository_id, row.name),
        issue=row.issue_number,
        title=row.issue_title,
        status=row.status,
        trigger=row.trigger.kind,
        requested_by=row.requested_by,
        created_at=row.created_at,
        started_at=row.started_at,
        completed_at=row.completed_at,
        dollars=row.cost if row.cost is not None else float(runs.dollars if runs else 0),
        runs=runs.runs if runs else 0,
        runs_over=int(runs.over) if runs else 0,
        champion=letter(row.champion_position) if row.champion_position else "",
        pull_number=row.pr_number,
        pull_url=row.pr_url or "",
        fate=row.fate,
        error=row.error_message,
        revises=SolveId(row.revises) if row.revises else None,
    )


def _repo(row: Row) -> Repo:
    return Repo(row.installation_id, row.id, row.name)


def _repository(row: Row, tally: Row | None) -> RepositoryView:
    if tally is None:
        return RepositoryView(_repo(row), row.is_archived, 0, 0, 0, 0, 0, 0.0)
    return RepositoryView(
        _repo(row),
        row.is_archived,
        solves=tally.solves,
        active=int(tally.active),
        published=int(tally.published),
        merged=int(tally.merged),
        reverted=int(tally.reverted),
        dollars=float(tally.dollars or 0),
    )


def _event(row: Row) -> SolveEvent:
    called = letter(row.run) if row.run else ""
    return SolveEvent(row.seq, SolveId(row.solve_id), row.repository_id, row.kind, row.at, called, row.data)


def _hours(row: Row) -> float:
    return round(float(row.ms or 0) / 3_600_000, 4)


def _tokens(row: Row) -> int:
    return int(row.tokens or 0)
