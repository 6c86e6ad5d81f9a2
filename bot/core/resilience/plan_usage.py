"""What a plan at a service allows, how much of it is used, and whether what is queued will fit."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.core.render.text import count, duration
from bot.core.resilience.sandbox_leases import Outcome, Used

HOUR = timedelta(hours=1)  # over which requests are looked at, and how long they are remembered
NEARLY_ALL = 0.8
CREATIONS_PER_RUN = 3.0  # where it works, and two in which its candidate is judged
_NOT_DONE = frozenset({Outcome.LIMITED, Outcome.DENIED, Outcome.REJECTED})


@dataclass(frozen=True, slots=True)
class Plan:
    """What one provider lends us. A rate of 0: it has no such limit."""

    provider: str
    creations_per_second: float
    machines: int  # at a time


@dataclass(frozen=True, slots=True)
class Quota:
    """One limit of a plan. `what`: "machines" at a time, "creations" in an hour."""

    provider: str
    what: str
    used: int
    most: int

    @property
    def remaining(self) -> int:
        return max(0, self.most - self.used)

    @property
    def share(self) -> float:
        return self.used / self.most

    @property
    def is_nearly_used_up(self) -> bool:
        return self.share >= NEARLY_ALL


def quotas(plan: Plan, *, machines: int, used: Sequence[Used]) -> tuple[Quota, ...]:
    """`machines` that we have now, `used` in the last hour by whatever provider.

    Creations that were refused count for nothing; those that nobody knows about count.
    """
    held = Quota(plan.provider, "machines", machines, plan.machines)
    if plan.creations_per_second <= 0:
        return (held,)
    created = sum(
        one.times
        for one in used
        if one.provider == plan.provider and one.name == "create" and one.outcome not in _NOT_DONE
    )
    in_an_hour = math.floor(plan.creations_per_second * HOUR.total_seconds())
    return (held, Quota(plan.provider, "creations", created, max(1, in_an_hour)))


def crossings(now: Sequence[Quota], before: Collection[tuple[str, str]]) -> list[Quota]:
    """Those nearly used up that were not `before`; (provider, what) of those that were."""
    return [quota for quota in now if quota.is_nearly_used_up and (quota.provider, quota.what) not in before]


def forecast(plan: Plan, *, machines: int, queued: int, per_run: float = CREATIONS_PER_RUN) -> str:
    """Whether so many queued runs fit into the plan, of which `machines` are in use: a sentence for people."""
    if not queued:
        return "No runs are queued."
    free = max(0, plan.machines - machines)
    some = "all" if queued <= free else free
    room = f"Room for {some} of {count(queued, 'queued run')}: {machines} of {plan.machines} machines are in use."
    if plan.creations_per_second <= 0:
        return room
    seconds = queued * per_run / plan.creations_per_second
    return f"{room} Creating what they need takes {duration(seconds)} at {plan.creations_per_second:g} a second."
