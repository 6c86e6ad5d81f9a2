"""Lent sandboxes for tests: E2B's real SDK against its simulator, with a ledger in a real database."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.clock import SystemClock
from bot.sandbox.e2b.machines import E2BOptions, E2BProvider
from bot.sandbox.leases import LendingOptions
from bot.sandbox.remote import LeasedSandboxes
from bot.simulators.e2b.host import Toolchain
from bot.simulators.e2b.simulator import E2B, World, e2b
from bot.store.database import open_database
from bot.store.ledger import SqlLedger
from bot.store.migrate import migrate
from tests.contracts.local_sandboxes import SYSTEM_PATH, bwrap


@dataclass(frozen=True, slots=True)
class Lent:
    """`service` is the simulator."""

    service: E2B
    provider: E2BProvider
    provider_options: E2BOptions
    ledger: SqlLedger
    options: LendingOptions

    def sandboxes(self) -> LeasedSandboxes:
        return self._with(self.provider)

    def another_process(self) -> LeasedSandboxes:
        """Of the same bot."""
        return self._with(E2BProvider(self.provider_options))

    def as_another_instance(self) -> LeasedSandboxes:
        """Of a bot with another database, as far as the service can tell."""
        return self._with(E2BProvider(replace(self.provider_options, instance="other")))

    def with_key(self, key: str) -> LeasedSandboxes:
        return self._with(E2BProvider(replace(self.provider_options, key=key)))

    def regions(self, *names: str) -> LeasedSandboxes:
        """Several of one service, told apart by their names."""
        instances = [name.replace("e2b:", "region-") for name in names]
        return self._with(
            *(
                E2BProvider(replace(self.provider_options, name=name, instance=instance))
                for name, instance in zip(names, instances, strict=True)
            )
        )

    def _with(self, *providers: E2BProvider) -> LeasedSandboxes:
        return LeasedSandboxes(providers, self.ledger, SystemClock(), self.options)


def toolchain() -> Toolchain:
    """A python3 for what runs in there, where the system has none."""
    if shutil.which("python3", path=SYSTEM_PATH):
        return Toolchain()
    return Toolchain((Path(sys.base_prefix),), (f"{sys.base_prefix}/bin",))


@asynccontextmanager
async def lent(
    directory: Path, *, world: World | None = None, options: LendingOptions | None = None
) -> AsyncIterator[Lent]:
    url = f"sqlite:///{directory / 'ledger.sqlite'}"
    migrate(url)
    database = open_database(url)
    (directory / "e2b").mkdir()
    (directory / "e2b").chmod(0o711)
    async with e2b(directory / "e2b", bubblewrap=bwrap(), world=world or World(toolchain=toolchain())) as service:
        provider_options = E2BOptions(service.key, "test", api_url=service.url)
        provider = E2BProvider(provider_options)
        try:
            yield Lent(service, provider, provider_options, SqlLedger(database), options or LendingOptions())
            assert service.errors == []
        finally:
            await database.close()
