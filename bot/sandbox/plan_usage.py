"""How much of the plans is used: a warning before it is all, and a memory of one hour."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import structlog

from bot.core.resilience.plan_usage import HOUR, Plan, Quota, crossings, quotas
from bot.ports import Clock, Ledger

log = structlog.get_logger()


class PlanWatch:
    def __init__(self, ledger: Ledger, clock: Clock, plans: Sequence[Plan]) -> None:
        self._ledger = ledger
        self._clock = clock
        self.plans = tuple(plans)
        self._warned: frozenset[tuple[str, str]] = frozenset()

    async def quotas(self) -> list[Quota]:
        used = await self._ledger.usage(self._clock.now() - HOUR)
        machines = Counter(lease.provider for lease in await self._ledger.leases())
        return [quota for plan in self.plans for quota in quotas(plan, machines=machines[plan.provider], used=used)]

    async def tidy(self) -> None:
        """Warn, once per crossing, and forget what is older than an hour. About once a minute."""
        now = await self.quotas()
        for quota in crossings(now, self._warned):
            log.warning(
                "sandbox.quota",
                provider=quota.provider,
                quota=quota.what,
                used=quota.used,
                most=quota.most,
                remaining=quota.remaining,
            )
        self._warned = frozenset((quota.provider, quota.what) for quota in now if quota.is_nearly_used_up)
        await self._ledger.forget_operations(self._clock.now() - HOUR)
