"""Who is alive: told by beats that change while somebody looks, and never by how old they are.

An old beat may come from an outage of the database, in which nobody could give a sign of life, or from a clock that was
put back. So whoever looks counts only the time in which it could look itself: a worker whose beat has stayed the same
for that long is dead. After a pause in the looks it starts to count again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

LAID_DOWN = datetime(1970, 1, 1, tzinfo=UTC)
"""The beat of a worker that has ended in peace: what it had is free at once."""


@dataclass(frozen=True, slots=True)
class Seen:
    """`since`: worker -> its beat, and when that was first seen. Seconds are of a clock that nobody puts back."""

    looked: float = 0.0
    since: Mapping[str, tuple[datetime, float]] = field(default_factory=dict)


def look(seen: Seen, beats: Mapping[str, datetime], now: float, *, longest_pause: float) -> Seen:
    """`longest_pause`: seconds between two looks that still belong together."""
    may_count = 0 <= now - seen.looked <= longest_pause
    since = {
        worker: seen.since[worker]
        if may_count and worker in seen.since and seen.since[worker][0] == beat
        else (beat, now)
        for worker, beat in beats.items()
    }
    return Seen(now, since)


def living(seen: Seen, *, dead_after: float) -> frozenset[str]:
    """`dead_after`: seconds without a new beat."""
    return frozenset(
        worker for worker, (beat, since) in seen.since.items() if beat != LAID_DOWN and seen.looked - since < dead_after
    )
