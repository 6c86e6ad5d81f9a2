"""When a service that fails is left alone, and when it is tried again: a circuit breaker as pure functions.

    CLOSED     all is well, or has failed less than five times in a row
    OPEN       nobody asks
    HALF_OPEN  one asks, on behalf of all; whether it works decides

The state is shared by all workers, so it holds times and no clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

FAILURES = 5  # in a row
PROBE_AFTER = timedelta(seconds=60)


class Circuit(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Health:
    """How a provider does. `since` is when it stopped answering, `probe_at` when somebody may ask it again."""

    failures: int = 0
    since: datetime | None = None
    probe_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.probe_at is not None


WELL = Health()


@dataclass(frozen=True, slots=True)
class Wait:
    """Do not ask; look again after so many seconds."""

    seconds: float


def circuit(health: Health, now: datetime) -> Circuit:
    if health.probe_at is None:
        return Circuit.CLOSED
    return Circuit.OPEN if now < health.probe_at else Circuit.HALF_OPEN


def wait(health: Health, now: datetime) -> Wait | None:
    """None: ask. Whoever asks a half-open service takes the probe first, by `probing`."""
    if health.probe_at is None or now >= health.probe_at:
        return None
    return Wait((health.probe_at - now).total_seconds())


def probing(health: Health, now: datetime) -> Health:
    """One is about to ask, so that the others wait for what comes of it; if nothing does, for one more interval."""
    if health.probe_at is None or now < health.probe_at:
        return health
    return Health(health.failures, health.since, now + PROBE_AFTER)


def failed(health: Health, now: datetime) -> Health:
    failures = health.failures + 1
    since = health.since or now
    return Health(failures, since, now + PROBE_AFTER if failures >= FAILURES else None)


def succeeded(_health: Health, _now: datetime) -> Health:
    return WELL
