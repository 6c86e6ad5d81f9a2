"""E2B on a loopback port: for the demo, the contract suite of the adapter, the fault matrix and the stories."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.simulators.e2b.clock import Clock
from bot.simulators.e2b.faults import Faults
from bot.simulators.e2b.host import Host, Toolchain
from bot.simulators.e2b.network import Internet
from bot.simulators.e2b.sandboxes import Image, Sandbox, Sandboxes
from bot.simulators.e2b.server import OPERATIONS, Server
from bot.simulators.e2b.stage import PRO, Logged, Plan, Stage
from bot.simulators.serving import Door

_KEEP_ALIVE = 400  # seconds; the SDK keeps idle connections for 300


@dataclass(frozen=True, slots=True)
class World:
    """What the service is like.

    `templates` are the names that can be started besides snapshots. `egress` is the internet: a name, and the address
    and port of the server here that stands for it. `isolated=False`: see `Host`.
    """

    plan: Plan = PRO
    templates: Collection[str] = ("base",)
    egress: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    toolchain: Toolchain = field(default_factory=Toolchain)
    clock: Clock | None = None  # None: the real time
    isolated: bool = True
    file_bytes: int = 2 * 1024**3  # the largest file that a sandbox may have


class E2B:
    """The service while it runs."""

    def __init__(self, stage: Stage, door: Door) -> None:
        self._stage = stage
        self._door = door

    @property
    def url(self) -> str:
        """Of the control plane, and of what runs in every sandbox."""
        return self._door.url

    @property
    def key(self) -> str:
        return self._stage.key

    @property
    def faults(self) -> Faults:
        return self._stage.faults

    @property
    def clock(self) -> Clock:
        return self._stage.clock

    @property
    def errors(self) -> list[str]:
        """Requests that the service does not know, and defects of the simulator: a test expects none."""
        return self._stage.errors

    @property
    def journal(self) -> deque[Logged]:
        """The latest requests, oldest first."""
        return self._stage.journal

    @property
    def machines(self) -> Mapping[str, Sandbox]:
        """All sandboxes that run or are paused, by id."""
        self._stage.sandboxes.find("")  # whose time is over is not there
        return self._stage.sandboxes.running

    @property
    def starting(self) -> int:
        """Sandboxes that are being made."""
        return self._stage.sandboxes.starting

    @property
    def images(self) -> Mapping[str, Image]:
        """All snapshots, by id."""
        return self._stage.sandboxes.images

    def vanish(self, id: str) -> None:
        """The sandbox is gone, and nobody asked for it."""
        self._stage.sandboxes.kill(self._stage.sandboxes.running[id])

    async def down(self, *, refuse: bool = False) -> None:
        """Until `up` everything answers 503, or, with `refuse`, nobody can connect. Sandboxes live on."""
        if refuse:
            await self._door.shut()
        else:
            self._stage.unavailable = True

    async def up(self) -> None:
        self._stage.unavailable = False
        if not self._door.is_open:
            await self._door.open()


@asynccontextmanager
async def e2b(directory: Path, *, bubblewrap: Path, world: World | None = None) -> AsyncIterator[E2B]:
    """Files of sandboxes are below `directory`, which belongs to the simulator; at the end nothing is left in it.

    To be entered on the loop's main thread, where machines are started from.
    """
    world = world or World()
    clock = world.clock or Clock()
    host = Host(
        directory,
        bubblewrap,
        isolated=world.isolated,
        toolchain=world.toolchain,
        file_bytes=world.file_bytes,
        low_ports=bool(world.egress),
    )
    await host.prepare()
    sandboxes = Sandboxes(host, clock, Internet(world.egress))
    key = "e2b_" + secrets.token_hex(20)
    stage = Stage(key, world.plan, frozenset(world.templates), host, clock, sandboxes, Faults(OPERATIONS))
    door = Door(Server(stage).app, keep_alive=_KEEP_ALIVE)
    await door.open()
    try:
        with clock.telling(sandboxes.look_at_clock):
            yield E2B(stage, door)
    finally:
        stage.faults.clear()
        sandboxes.kill_all()  # so that no stream waits for its command
        await door.close()
        await sandboxes.close()
        host.remove()
