"""What came of solves in a repository, by day and by model, and what runs cost: over an index of solves by time."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import Text

from bot.core.choosing.approval import Approval
from bot.core.estimate import MOST_KNOWN, KnownRun
from bot.core.model import Fate, SolveId, Status
from bot.core.repository_record import Cohort, ModelRecord
from bot.store.tables import solve_runs, solves

MOST_MODELS = 20

_SOLVE, _RUN = solves.c, solve_runs.c
_MERGED = _SOLVE.fate.in_((Fate.MERGED, Fate.CHANGED))


def days_of(db: sa.Connection, repository: int, since: datetime) -> list[Cohort]:
    """Those on which something began; a revision is not counted by itself, but what it cost is."""
    day = sa.func.substr(sa.cast(_SOLVE.created_at, Text), 1, 10).label("day")
    is_first = _SOLVE.revises.is_(None)
    question = sa.select(
        day,
        _number(is_first, "solves"),
        _number(sa.and_(is_first, _SOLVE.pr_url.is_not(None)), "published"),
        _number(sa.and_(is_first, _MERGED), "merged"),
        _number(sa.and_(is_first, _SOLVE.fate == Fate.REVERTED), "reverted"),
        sa.func.sum(sa.func.coalesce(_SOLVE.cost, 0.0)).label("dollars"),
    )
    question = question.where(_SOLVE.repository_id == repository, _SOLVE.created_at >= since).group_by(day)
    return [
        Cohort(
            date.fromisoformat(row.day),
            int(row.solves),
            int(row.published),
            int(row.merged),
            int(row.reverted),
            float(row.dollars),
        )
        for row in db.execute(question)
    ]


def models_of(db: sa.Connection, repository: int, since: datetime) -> tuple[ModelRecord, ...]:
    """By the number of their runs; at most 20."""
    is_champion = _SOLVE.champion_run_id == _RUN.id
    question = (
        sa.select(
            _RUN.model,
            sa.func.count().label("runs"),
            _number(_RUN.files_changed > 0, "candidates"),
            _number(is_champion, "chosen"),
            _number(sa.and_(is_champion, _MERGED), "merged"),
            sa.func.sum(_RUN.cost).label("dollars"),
        )
        .select_from(solves)
        .join(solve_runs, _RUN.solve_id == _SOLVE.id)
        .where(_SOLVE.repository_id == repository, _SOLVE.created_at >= since)
        .group_by(_RUN.model)
        .order_by(sa.text("runs desc"), _RUN.model)
        .limit(MOST_MODELS)
    )
    return tuple(
        ModelRecord(row.model, row.runs, int(row.candidates), int(row.chosen), int(row.merged), float(row.dollars or 0))
        for row in db.execute(question)
    )


def known_runs(db: sa.Connection, within: Collection[int], since: datetime) -> list[KnownRun]:
    """The newest 300 of solves that came to their own end."""
    question = (
        sa.select(_RUN.solve_id, _SOLVE.repository_id, _RUN.model, _RUN.cost)
        .add_columns(_SOLVE.created_at, _SOLVE.completed_at, _SOLVE.approval)
        .select_from(solves)
        .join(solve_runs, _RUN.solve_id == _SOLVE.id)
        .where(
            _SOLVE.repository_id.in_(sorted(within)),
            _SOLVE.created_at >= since,
            _SOLVE.status == Status.COMPLETED,
            _RUN.status == Status.COMPLETED,
        )
        .order_by(_SOLVE.created_at.desc())
        .limit(MOST_KNOWN)
    )
    return [
        KnownRun(
            SolveId(row.solve_id),
            row.repository_id,
            row.model,
            row.cost,
            _minutes(row.completed_at - row.created_at, row.approval),
        )
        for row in db.execute(question)
        if row.completed_at is not None
    ]


def _minutes(all_of_it: timedelta, approval: Approval | None) -> float:
    """Without those in which people thought about it."""
    waited = approval.waited if approval is not None else timedelta()
    return max(all_of_it - waited, timedelta()).total_seconds() / 60


def _number(condition: sa.ColumnElement[bool], name: str) -> sa.Label[Any]:
    return sa.func.sum(sa.case((condition, 1), else_=0)).label(name)
