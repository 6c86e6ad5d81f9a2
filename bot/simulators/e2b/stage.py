"""Where everything happens: the sandboxes, what the account may do, and what was noticed."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from bot.simulators.e2b.clock import Clock
from bot.simulators.e2b.faults import Faults
from bot.simulators.e2b.host import Host
from bot.simulators.e2b.sandboxes import Sandbox, Sandboxes

HOUR = 3600
_KEPT = 20_000  # requests


@dataclass(frozen=True, slots=True)
class Plan:
    """What an account has paid for."""

    longest: int = 24 * HOUR  # seconds that a sandbox may live
    concurrent: int = 100  # running sandboxes
    creations: int = 5  # per second
    requests: int = 20_000  # of the control plane, in 30 seconds
    sandbox_requests: int = 40_000  # of all sandboxes, in 60 seconds


PRO = Plan()
HOBBY = Plan(longest=HOUR, concurrent=20, creations=1)
BOUNDLESS = Plan(concurrent=10_000, creations=10_000)


@dataclass(frozen=True, slots=True)
class Logged:
    """One request. `status` 0: it got no answer. `at`: when it was decided, in the service's time."""

    operation: str
    sandbox: str
    status: int
    at: float


@dataclass(slots=True)
class Window:
    """At most `limit` in any `seconds`."""

    limit: int
    seconds: float
    clock: Clock
    _taken: deque[float] = field(default_factory=deque)

    def take(self) -> bool:
        now = self.clock.time()
        while self._taken and self._taken[0] <= now - self.seconds:
            self._taken.popleft()
        if len(self._taken) >= self.limit:
            return False
        self._taken.append(now)
        return True


@dataclass(slots=True)
class Stage:
    key: str
    plan: Plan
    templates: frozenset[str]
    host: Host
    clock: Clock
    sandboxes: Sandboxes
    faults: Faults
    errors: list[str] = field(default_factory=list)  # defects of the simulator, and requests that no SDK makes
    journal: deque[Logged] = field(default_factory=lambda: deque(maxlen=_KEPT))
    promised: dict[str, asyncio.Future[Sandbox]] = field(default_factory=dict)  # by idempotency key
    unavailable: bool = False  # everything answers 503
    _creations: Window | None = None

    @property
    def creations(self) -> Window:
        if self._creations is None:
            self._creations = self.window(self.plan.creations, 1.0)
        return self._creations

    def window(self, limit: int, seconds: float) -> Window:
        return Window(limit, seconds, self.clock)
