"""Workers that share a PostgreSQL database give signs of life, so that somebody notices when one is dead.

Who was taken for dead while it lived (its process was stopped, its network was cut) finds its row gone, and ends
itself: others do its work by then. core/resilience/heartbeats.py says who is dead.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

import sqlalchemy as sa

from bot.core.resilience.heartbeats import Seen, living, look

_TABLE = sa.text("CREATE TABLE IF NOT EXISTS engine_worker(id text PRIMARY KEY, beat timestamptz NOT NULL)")
_FIRST = sa.text("INSERT INTO engine_worker(id, beat) VALUES (:id, now()) ON CONFLICT (id) DO UPDATE SET beat = now()")
_BEAT = sa.text("UPDATE engine_worker SET beat = clock_timestamp() WHERE id = :id")
_LAST_BEAT = sa.text("UPDATE engine_worker SET beat = 'epoch' WHERE id = :id")
_BEATS = sa.text("SELECT id, beat FROM engine_worker")
_FORGET = sa.text("DELETE FROM engine_worker WHERE id = :id AND id <> :ours")


class Buried(Exception):
    """Others have taken us for dead, and do what was ours."""


class Heartbeat:
    """Of one worker. The calls wait for the database, so they belong into a thread."""

    def __init__(
        self,
        database: sa.Engine,
        worker: str,
        *,
        dead_after: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`dead_after`: seconds without a sign of life. `clock`: one that nobody puts back."""
        self._database = database
        self._worker = worker
        self._dead_after = dead_after
        self._clock = clock
        self._seen = Seen()

    def first(self) -> None:
        """Before anything else, so that nobody takes us for dead while we are starting."""
        with self._database.begin() as db:
            db.execute(sa.text("SELECT pg_advisory_xact_lock(727002)"))
            db.execute(_TABLE)
            db.execute(_FIRST, {"id": self._worker})

    def beat(self, bury: Callable[[frozenset[str]], list[str]]) -> list[str]:
        """Give a sign of life. One worker at a time also tells `bury` who is alive; returns what that returns.

        Raises `Buried`.
        """
        with self._database.begin() as db:
            if not db.execute(_BEAT, {"id": self._worker}).rowcount:
                raise Buried
        with self._database.begin() as db:
            beats: dict[str, datetime] = {row.id: row.beat for row in db.execute(_BEATS)}
            self._seen = look(self._seen, beats, self._clock(), dead_after=self._dead_after)
            if not db.execute(sa.text("SELECT pg_try_advisory_xact_lock(727001)")).scalar():
                return []
            alive = living(self._seen, dead_after=self._dead_after)
            dead = bury(alive | {self._worker})
            for gone in beats.keys() - alive:
                db.execute(_FORGET, {"id": gone, "ours": self._worker})
            return dead

    def last(self) -> None:
        """Whatever was ours is free from now on."""
        with self._database.begin() as db:
            db.execute(_LAST_BEAT, {"id": self._worker})
