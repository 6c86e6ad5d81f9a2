"""What stories on lent sandboxes need: the service, and a clock that can be put forward."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.declared_settings import Secret
from bot.ports import Ledger
from bot.simulators.e2b.clock import Clock
from bot.simulators.e2b.simulator import E2B, World, e2b
from bot.simulators.e2b.stage import BOUNDLESS
from tests.contracts.lent_sandboxes import toolchain
from tests.contracts.local_sandboxes import bwrap


@dataclass(slots=True)
class StoryClock:
    """The bot's and the service's: the real time, which a story may put forward."""

    service: Clock = field(default_factory=Clock)
    sleepers: int = 0
    _pushed: asyncio.Event = field(default_factory=asyncio.Event)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.service.time(), UTC)

    def advance(self, seconds: float) -> None:
        self.service.advance(seconds)
        self._pushed.set()
        self._pushed = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        due = self.service.time() + seconds
        while (left := due - self.service.time()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._pushed.wait()


@asynccontextmanager
async def a_service(
    directory: Path,
    clock: Clock | None = None,
    egress: Mapping[str, tuple[str, int]] | None = None,
    *,
    away: bool = False,
) -> AsyncIterator[E2B]:
    """E2B's simulator, which allows whatever a story asks of it. `egress` is its internet. `away`: it is down."""
    place = directory / "e2b"
    place.mkdir()
    place.chmod(0o711)
    world = World(plan=BOUNDLESS, toolchain=toolchain(), clock=clock or Clock(), egress=egress or {})
    async with e2b(place, bubblewrap=bwrap(), world=world) as service:
        if away:
            await service.down()
        yield service
        assert service.errors == []


def lent_in_environment(service: E2B) -> dict[str, str]:
    """The same by the names that an operator uses."""
    return {
        "SANDBOX": "e2b",
        "E2B_API_KEY": service.key,
        "E2B_API_URL": service.url,
        "E2B_CREATIONS_PER_SECOND": "1000",
        "E2B_MAX_SANDBOXES": "1000",
    }


def lent_by(service: E2B) -> dict[str, Any]:
    """Settings."""
    return {
        "sandbox": ("e2b",),
        "e2b_key": Secret(service.key),
        "e2b_url": service.url,
        "e2b_creations": 1000.0,
        "e2b_machines": 1000,
    }


async def left_at(service: E2B, ledger: Ledger) -> dict[str, object]:
    """What must be empty when all is over: what the service has, and what we believe to have."""
    kept = {image.image for image in await ledger.images() if image.name.startswith("kept-")}
    return {
        "machines": list(service.machines),
        "images": [image for image in service.images if image not in kept],
        "leases": await ledger.leases(),
    }
