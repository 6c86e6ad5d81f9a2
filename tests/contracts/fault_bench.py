"""Where lent sandboxes meet E2B's faults: the real SDK against the simulator, our layer around it, and its own time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from bot.core.model import SandboxId, SnapshotId
from bot.core.resilience.circuit_breaker import WELL
from bot.ports import Clock, Sandboxes
from bot.sandbox.e2b.machines import E2BOptions, E2BProvider
from bot.sandbox.leases import LendingOptions
from bot.sandbox.remote import LeasedSandboxes
from bot.sandbox.request_counts import Account
from bot.sandbox.resilience import ResilienceOptions, Resilient
from bot.simulators.e2b import BOUNDLESS, E2B, World
from bot.simulators.e2b.faults import Fault
from tests.contracts.lent_sandboxes import Lent, lent, toolchain
from tests.contracts.local_sandboxes import public_directory

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
PREPARED = SnapshotId("bench.prepared")
KNOWN = "/workspace/known"


class Passing(Clock, Protocol):
    async def sleep(self, seconds: float) -> None: ...


@dataclass(slots=True)
class Time:
    """Goes on when somebody sleeps. `when_asleep` is called each time, before the sleeper wakes up."""

    at: datetime = NOON
    slept: list[float] = field(default_factory=list)
    when_asleep: Callable[[], Awaitable[None]] | None = None

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)
        if self.when_asleep is not None:
            await self.when_asleep()


@dataclass(slots=True)
class Bench:
    """`calm` is another process of the bot, whom nothing hurries: it looks at what became of something."""

    lent: Lent
    directory: Path
    account: Account
    calm: Sandboxes
    _sandbox: SandboxId
    _number: int = 0

    @property
    def service(self) -> E2B:
        return self.lent.service

    def name(self) -> str:
        """Another one each time."""
        self._number += 1
        return f"bench.{self._number}"

    def worker(self, time: Passing, *, patience: float = 30.0, luck: Callable[[], float] = lambda: 1.0) -> Sandboxes:
        """A process of the bot that has begun just now. `patience`: seconds until a request is given up."""
        options = E2BOptions(
            self.service.key,
            "test",
            api_url=self.service.url,
            request_timeout=patience,
            transfer_timeout=patience,
            health_interval=patience,
        )
        resilient = Resilient(
            E2BProvider(options),
            self.lent.ledger,
            self.account,
            time,
            ResilienceOptions(create_every=0.0),
            random=luck,
        )
        return LeasedSandboxes([resilient], self.lent.ledger, time, self.lent.options)

    async def sandbox(self) -> SandboxId:
        """One that lives and holds the file `KNOWN`; the same one as long as nothing happens to it."""
        lease = await self.lent.ledger.lease(self._sandbox)
        if lease is None or lease.machine not in self.service.machines:
            await self.calm.close(self._sandbox)
            self._sandbox = await self.another_sandbox()
        return self._sandbox

    async def another_sandbox(self) -> SandboxId:
        id = SandboxId(self.name())
        await self.calm.create(id)
        await self.calm.write(id, {"known": (b"known", "100644")})
        return id

    async def heal(self, fault: Fault | None) -> None:
        """The service is well again, and what still waited in it has come to its end."""
        await self.service.up()
        waiting = fault.hits if fault is not None and (fault.failure.hang or fault.failure.delay) else 0
        over = self._over(fault) + waiting
        self.service.faults.clear()
        while self._over(fault) < over:
            await self.lent.provider.machines()
        await self.lent.ledger.change_health(self.lent.provider.name, lambda _health: WELL)

    def _over(self, fault: Fault | None) -> int:
        """How many requests of its kind have come to their end."""
        return sum(fault is not None and entry.operation == fault.operation for entry in self.service.journal)

    async def left_over(self) -> set[str]:
        """Machines and snapshots that are there though nobody holds them, after two rounds of tending at most."""
        for _ in range(2):
            if await self.unheld():
                await self.calm.tend()
        return await self.unheld()

    async def unheld(self) -> set[str]:
        """Machines and snapshots."""
        held = {str(lease.machine) for lease in await self.lent.ledger.leases()}
        known = {str(image.image) for image in await self.lent.ledger.images()}
        return set(self.service.machines) - held | set(self.service.images) - known


@asynccontextmanager
async def fault_bench() -> AsyncIterator[Bench]:
    with public_directory() as directory:
        world = World(plan=replace(BOUNDLESS, requests=10**6, sandbox_requests=10**6), toolchain=toolchain())
        async with lent(directory, world=world, options=LendingOptions(at_most=1000)) as service:
            account = Account(service.ledger, every=3600.0)
            calm = LeasedSandboxes([service.provider], service.ledger, Time(), service.options)
            bench = Bench(service, directory, account, calm, SandboxId("bench.0"))
            await calm.snapshot(await bench.sandbox(), PREPARED)
            try:
                yield bench
            finally:
                await account.close()
