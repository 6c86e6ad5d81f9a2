"""When a service that fails is left alone, and when it is tried again: a circuit breaker as pure functions.

    CLOSED     all is well, or has failed less than five times in a row
    OPEN       nobody asks
    HALF_OPEN  one may ask, or asks, on behalf of all; whether it works decides

The state is shared by all workers, so it holds times and no clock. Libraries for it (pybreaker, aiobreaker) keep it in
one process or in Redis; ours is a row of the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.resilience.sandbox_leases import Outcome

FAILURES = 5  # in a row
PROBE_AFTER = timedelta(seconds=60)
LOOK_AGAIN = timedelta(seconds=5)  # what the probe came to

_COUNTS = frozenset({Outcome.TRANSIENT, Outcome.UNCLEAR})


class Circuit(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


@dataclass(frozen=True, slots=True)
class Health:
    """How a provider does. `since` is when it stopped answering, `probe_at` when somebody may ask it again.

    `probing`: somebody asks right now. Should nothing come of it, at `probe_at` it is somebody else's turn.
    """

    failures: int = 0
    since: datetime | None = None
    probe_at: datetime | None = None
    probing: bool = False

    @property
    def is_open(self) -> bool:
        return self.probe_at is not None


WELL = Health()


@dataclass(frozen=True, slots=True)
class Outage:
    """Nobody is asked for sandboxes at the moment: what is to come waits."""

    provider: str
    since: datetime


def circuit(health: Health, now: datetime) -> Circuit:
    if health.probe_at is None:
        return Circuit.CLOSED
    return Circuit.HALF_OPEN if health.probing or now >= health.probe_at else Circuit.OPEN


def wait(health: Health, now: datetime) -> float | None:
    """Do not ask, but look again after so many seconds. None: ask; of a half-open circuit, by `probing` first."""
    if health.probe_at is None or now >= health.probe_at:
        return None
    left = health.probe_at - now
    return (min(left, LOOK_AGAIN) if health.probing else left).total_seconds()


def probing(health: Health, now: datetime) -> Health:
    """Take the probe, where there is one to take: the others wait for what comes of it."""
    if health.probe_at is None or now < health.probe_at:
        return health
    return replace(health, probe_at=now + PROBE_AFTER, probing=True)


def after(health: Health, outcome: Outcome, now: datetime) -> Health:
    """What one request came to, as the health of its provider.

    - It was done: all is well.
    - It failed, or nobody knows: one failure more. The fifth in a row opens the circuit. Failures of what had been
      asked before do not put the next probe off, so it is never more than `PROBE_AFTER` after the last one.
    - Anything else (a limit, a machine that is gone, a refusal) is an answer, but says little about the rest: it
      counts for nothing, and where it was the probe, somebody else may probe at once.
    """
    if outcome is Outcome.DONE:
        return WELL
    if outcome not in _COUNTS:
        return replace(health, probe_at=now, probing=False) if health.probing else health
    failures = health.failures + 1
    opens = health.probe_at is None and failures >= FAILURES
    probe_at = now + PROBE_AFTER if opens else health.probe_at
    return Health(failures, health.since or now, probe_at)


def outage(healths: Mapping[str, Health]) -> Outage | None:
    """By the providers' names. As long as one of them may be asked there is none."""
    since = {name: health.since for name, health in healths.items() if health.is_open and health.since}
    if not since or len(since) < len(healths):
        return None
    last = max(since, key=lambda name: since[name])
    return Outage(last, since[last])
