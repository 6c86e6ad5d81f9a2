"""What happened, written in the same transaction as the fact: who follows sees neither more nor less than what is.

A step that is done again after a crash tells again: readers take it as news about the same thing.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.core.views import EventKind
from bot.store import news
from bot.store.tables import events

ONE_AT_A_TIME = 7_305_918  # a lock of PostgreSQL's that is ours by this number alone

_LOCK = sa.text(f"select pg_advisory_xact_lock({ONE_AT_A_TIME})")


def tell(
    db: sa.Connection, solve: str, kind: EventKind, at: datetime, *, run: int = 0, **data: str | int | float
) -> None:
    """The last thing that a transaction does. `run`: `Experiment.index`; 0: it is about the solve as a whole.

    Numbers have to become visible in their order, or who has read up to one misses what is behind it. So on PostgreSQL
    one transaction at a time is between this and its commit; on SQLite that is so anyway.
    """
    if db.dialect.name == "postgresql":
        db.execute(_LOCK)
    db.execute(sa.insert(events).values(solve_id=solve, kind=kind, run=run, data=data, at=at))
    news.mark(db)
