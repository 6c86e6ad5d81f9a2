"""Workers that share a PostgreSQL database give signs of life, so that somebody notices when one is dead."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa

_TABLE = sa.text("CREATE TABLE IF NOT EXISTS engine_worker(id text PRIMARY KEY, beat timestamptz NOT NULL)")
_BEAT = sa.text("INSERT INTO engine_worker(id, beat) VALUES (:id, now()) ON CONFLICT (id) DO UPDATE SET beat = now()")
_LAST_BEAT = sa.text("UPDATE engine_worker SET beat = 'epoch' WHERE id = :id")
_LIVING = sa.text("SELECT id FROM engine_worker WHERE beat > now() - make_interval(secs => :seconds)")
_FORGET = sa.text("DELETE FROM engine_worker WHERE beat < now() - interval '1 day'")


class Heartbeat:
    """Of one worker. The calls wait for the database, so they belong into a thread."""

    def __init__(self, database: sa.Engine, worker: str, *, dead_after: float) -> None:
        """`dead_after`: seconds without a sign of life."""
        self._database = database
        self._worker = worker
        self._dead_after = dead_after

    def first(self) -> None:
        """Before anything else, so that nobody takes us for dead while we are starting."""
        with self._database.begin() as db:
            db.execute(sa.text("SELECT pg_advisory_xact_lock(727002)"))
            db.execute(_TABLE)
            db.execute(_BEAT, {"id": self._worker})

    def beat(self, bury: Callable[[set[str]], list[str]]) -> list[str]:
        """Give a sign of life. One worker at a time also tells `bury` who is alive; returns what that returns."""
        with self._database.begin() as db:
            db.execute(_BEAT, {"id": self._worker})
        with self._database.begin() as db:
            if not db.execute(sa.text("SELECT pg_try_advisory_xact_lock(727001)")).scalar():
                return []
            dead = bury(set(db.execute(_LIVING, {"seconds": self._dead_after}).scalars()))
            db.execute(_FORGET)
            return dead

    def last(self) -> None:
        """Whatever was ours is free from now on."""
        with self._database.begin() as db:
            db.execute(_LAST_BEAT, {"id": self._worker})
