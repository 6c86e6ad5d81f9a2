"""The E2B simulator, and the real SDK pointed at it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import e2b
from e2b import AsyncSandbox

from bot.simulators.e2b import BOUNDLESS, E2B, World
from bot.simulators.e2b import e2b as simulated
from tests.contracts.local_sandboxes import bwrap, public_directory

T = TypeVar("T")
PLENTY = World(plan=BOUNDLESS)


class Account:
    """What someone with a key can do: the SDK's own class, bound to the simulator."""

    def __init__(self, service: E2B) -> None:
        self.service = service
        self.sandboxes: type[AsyncSandbox] = self.with_key(service.key)

    def with_key(self, key: str) -> type[AsyncSandbox]:
        client = e2b.E2B(api_key=key, api_url=self.service.url, sandbox_url=self.service.url)
        bound: type[AsyncSandbox] = client.AsyncSandbox
        return bound

    async def create(self, **options: Any) -> AsyncSandbox:
        return await self.sandboxes.create(**options)

    def requests(self, operation: str) -> list[int]:
        """The statuses of all requests for it."""
        return [entry.status for entry in self.service.journal if entry.operation == operation]


@asynccontextmanager
async def account(world: World = PLENTY) -> AsyncIterator[Account]:
    """At the end no sandbox, no file and no complaint may be left."""
    with public_directory() as directory:
        async with simulated(directory, bubblewrap=bwrap(), world=world) as service:
            yield Account(service)
            assert service.errors == []
        assert list(directory.iterdir()) == []


async def until(look: Callable[[], Awaitable[T]]) -> T:
    """Ask again and again: each time is a request, so nothing spins. The test's own limit ends it."""
    while not (found := await look()):
        pass
    return found
