"""What was spent and is set aside, added up where it is decided: inside the transaction that accepts a solve."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from bot.core.model import Solve
from bot.core.trigger import budgets as policy
from bot.core.trigger.budgets import Budget, OverBudget, Spent, Whose
from bot.store.tables import ACTIVE, solves

_ONE_AT_A_TIME = 0x50E17  # an advisory lock of PostgreSQL; whoever writes to SQLite is alone anyway
_DOLLARS = sa.case((ACTIVE, sa.func.coalesce(solves.c.reserved, 0.0)), else_=sa.func.coalesce(solves.c.cost, 0.0))
_SUM = sa.func.coalesce(sa.func.sum(_DOLLARS), 0.0)
_SPENDER: dict[Whose, sa.Column[Any]] = {Whose.REPOSITORY: solves.c.repository_id, Whose.PERSON: solves.c.user_id}


def over_budget(db: sa.Connection, solve: Solve, budgets: Sequence[Budget]) -> OverBudget | None:
    """Nobody else accepts a solve until this transaction is over."""
    if not budgets:
        return None
    if db.dialect.name == "postgresql":
        db.execute(sa.select(sa.func.pg_advisory_xact_lock(_ONE_AT_A_TIME)))
    spent = [Spent(budget, _spent(db, budget, solve)) for budget in budgets]
    return policy.over_budget(solve.reserved, spent, solve.created_at)


def most_spent(db: sa.Connection, budgets: Sequence[Budget], now: datetime) -> list[Spent]:
    return [Spent(budget, _most(db, budget, now)) for budget in budgets]


def _spent(db: sa.Connection, budget: Budget, solve: Solve) -> float:
    """By those whose budget it is."""
    question = sa.select(_SUM).where(_accepted_in(budget, solve.created_at))
    if budget.whose is Whose.REPOSITORY:
        question = question.where(solves.c.repository_id == solve.issue.repo.id)
    if budget.whose is Whose.PERSON:
        question = question.where(solves.c.user_id == solve.trigger.by.id)
    return float(db.execute(question).scalar_one())


def _most(db: sa.Connection, budget: Budget, now: datetime) -> float:
    question = sa.select(_SUM).where(_accepted_in(budget, now))
    if (spender := _SPENDER.get(budget.whose)) is not None:
        question = question.group_by(spender + 0)  # so that SQLite looks at the period, not at an index of spenders
        question = question.order_by(_SUM.desc()).limit(1)
    return float(db.execute(question).scalar_one_or_none() or 0.0)


def _accepted_in(budget: Budget, now: datetime) -> sa.ColumnElement[bool]:
    return solves.c.created_at >= policy.began(budget.period, now)
