"""Who is alive: told by beats that change while somebody looks, and never by how old they are.

An old beat may come from an outage of the database, in which nobody could give a sign of life, or from a clock that was
put back. So whoever looks counts only the time in which it could look itself: between two looks at most a quarter of
what makes a worker dead, however long the pause was. Who is dead has been silent at five looks in a row, at least.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

LAID_DOWN = datetime(1970, 1, 1, tzinfo=UTC)
"""The beat of a worker that has ended in peace: what it had is free at once."""
_PAUSES = 4


@dataclass(frozen=True, slots=True)
class Silence:
    """`seconds` since the beat was first seen, as far as they count."""

    beat: datetime
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """`looked`: by a clock that nobody puts back."""

    looked: float = 0.0
    silent: Mapping[str, Silence] = field(default_factory=dict)


def look(seen: Seen, beats: Mapping[str, datetime], now: float, *, dead_after: float) -> Seen:
    """`dead_after`: seconds without a new beat."""
    passed = min(max(now - seen.looked, 0.0), dead_after / _PAUSES)
    silent = {}
    for worker, beat in beats.items():
        before = seen.silent.get(worker)
        so_far = before.seconds + passed if before is not None and before.beat == beat else 0.0
        silent[worker] = Silence(beat, so_far)
    return Seen(now, silent)


def living(seen: Seen, *, dead_after: float) -> frozenset[str]:
    return frozenset(
        worker for worker, silence in seen.silent.items() if silence.beat != LAID_DOWN and silence.seconds < dead_after
    )
