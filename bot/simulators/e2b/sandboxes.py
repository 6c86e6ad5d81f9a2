"""Sandboxes as the service knows them: made, listed, paused, copied, ended when their time is over."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from bot.simulators.e2b import guest_messages
from bot.simulators.e2b.clock import Clock
from bot.simulators.e2b.commands import Commands
from bot.simulators.e2b.host import Host
from bot.simulators.e2b.machine import GuestError, Machine, MachineGone
from bot.simulators.e2b.network import Gate, Internet, Policy
from bot.simulators.e2b.root import copy_root, make_root, remove_root


class SandboxState(Enum):
    RUNNING = "running"
    PAUSED = "paused"


class Inside(Enum):
    """How what runs in a sandbox answers."""

    WELL = "as it should"
    CLOSED = "its port is not open"
    SILENT = "it takes requests, and never answers"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for when a sandbox is made."""

    template: str = "base"
    timeout: float = 300.0  # seconds
    metadata: Mapping[str, str] = field(default_factory=dict)
    envs: Mapping[str, str] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    network: Mapping[str, object] = field(default_factory=dict)  # as it was sent
    auto_pause: bool = False
    auto_resume: bool = False


@dataclass(slots=True)
class Sandbox:
    id: str
    wanted: Wanted
    root: Path
    uid: int | None
    gate: Gate
    commands: Commands
    started_at: float
    ends_at: float
    token: str = field(default_factory=lambda: f"ea_{secrets.token_hex(24)}")
    state: SandboxState = SandboxState.RUNNING
    inside: Inside = Inside.WELL
    over: asyncio.Event = field(default_factory=asyncio.Event)
    machine: Machine | None = None
    changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def metadata(self) -> Mapping[str, str]:
        return self.wanted.metadata

    def running_machine(self) -> Machine:
        """Raises `MachineGone`."""
        if self.machine is None or self.machine.gone:
            raise MachineGone
        return self.machine


@dataclass(frozen=True, slots=True)
class Image:
    """A snapshot: the files of a sandbox at one moment."""

    id: str
    sandbox: str
    names: tuple[str, ...]
    path: Path


class Sandboxes:
    """All that run and are paused, and the snapshots."""

    def __init__(self, host: Host, clock: Clock, internet: Internet) -> None:
        self.running: dict[str, Sandbox] = {}
        self.images: dict[str, Image] = {}
        self.starting = 0
        self._host = host
        self._clock = clock
        self._internet = internet
        self._alarm: asyncio.TimerHandle | None = None
        self._copied: Counter[Path] = Counter()  # how often, right now
        self._copying = asyncio.Condition()
        self._endings: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------------------------------------ begin and end

    async def create(self, wanted: Wanted, files: Path | None = None) -> Sandbox:
        """`files`: a root directory to copy. Raises `MachineGone` or `OSError` if it cannot be made."""
        self.starting += 1
        try:
            sandbox = self._prepare(wanted)
            try:
                await self._furnish(sandbox, files)
                await self._boot(sandbox)
            except BaseException:
                self._end_later(sandbox)
                raise
            sandbox.started_at = self._clock.time()
            sandbox.ends_at = sandbox.started_at + wanted.timeout
            self.running[sandbox.id] = sandbox
        finally:
            self.starting -= 1
        self.look_at_clock()
        return sandbox

    def _prepare(self, wanted: Wanted) -> Sandbox:
        id = "i" + secrets.token_hex(10)
        return Sandbox(
            id,
            wanted,
            self._host.roots / id,
            self._host.take_uid(),
            Gate(self._internet, wanted.policy),
            Commands(self._clock),
            started_at=0.0,
            ends_at=0.0,
        )

    async def _furnish(self, sandbox: Sandbox, files: Path | None) -> None:
        if files is None:
            make_root(sandbox.root, uid=sandbox.uid, hosts=self._internet.hosts)
            return
        self._copied[files] += 1
        try:
            await copy_root(files, sandbox.root, uid=sandbox.uid)
        finally:
            self._copied[files] -= 1
            async with self._copying:
                self._copying.notify_all()

    async def _boot(self, sandbox: Sandbox) -> None:
        machine = await Machine.boot(self._host, sandbox.root, sandbox.uid, sandbox.gate.accept)
        sandbox.machine = machine
        machine.ended.add_done_callback(lambda _: self._on_ended(sandbox, machine))
        await sandbox.gate.open(machine, isolated=self._host.isolated)

    def _on_ended(self, sandbox: Sandbox, machine: Machine) -> None:
        """Whoever breaks a machine from inside has no sandbox any more."""
        if sandbox.machine is machine:
            self.kill(sandbox)

    def find(self, id: str) -> Sandbox | None:
        """One whose time is over is not there any more, even if nobody looked since."""
        self.look_at_clock()
        return self.running.get(id)

    def kill(self, sandbox: Sandbox) -> None:
        """At once as far as anybody can see."""
        if self.running.pop(sandbox.id, None) is not None:
            self._end_later(sandbox)

    def kill_all(self) -> None:
        for sandbox in list(self.running.values()):
            self.kill(sandbox)

    def _end_later(self, sandbox: Sandbox) -> None:
        sandbox.over.set()
        sandbox.commands.cut()
        if sandbox.machine is not None:
            sandbox.machine.kill()
        task = asyncio.create_task(self._clear_away(sandbox))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    async def _clear_away(self, sandbox: Sandbox) -> None:
        await sandbox.gate.close()
        if sandbox.machine is not None:
            await sandbox.machine.ended
        if sandbox.root.exists():
            await remove_root(sandbox.root)
        self._host.return_uid(sandbox.uid)

    async def close(self) -> None:
        """Nothing is left, neither processes nor files."""
        if self._alarm is not None:
            self._alarm.cancel()
        self.kill_all()
        while self._endings:
            await asyncio.gather(*self._endings)
        for image in list(self.images.values()):
            await self.delete_image(image)

    # --------------------------------------------------------------------------------------------------- time

    def set_timeout(self, sandbox: Sandbox, seconds: float, *, only_longer: bool = False) -> None:
        end = self._clock.time() + seconds
        sandbox.ends_at = max(end, sandbox.ends_at) if only_longer else end
        self.look_at_clock()

    def look_at_clock(self) -> None:
        """End or pause what is over, and come back for the next."""
        now = self._clock.time()
        active = [sandbox for sandbox in self.running.values() if sandbox.state is SandboxState.RUNNING]
        for sandbox in active:
            if sandbox.ends_at <= now:
                if sandbox.wanted.auto_pause:
                    self._freeze(sandbox)
                else:
                    self.kill(sandbox)
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        waiting = [sandbox.ends_at for sandbox in active if sandbox.ends_at > now]
        if waiting:
            self._alarm = asyncio.get_running_loop().call_later(min(waiting) - now, self.look_at_clock)

    # ----------------------------------------------------------------------------------------- pause and copy

    def _freeze(self, sandbox: Sandbox) -> None:
        """Nobody is connected any more, and nothing inside runs."""
        sandbox.state = SandboxState.PAUSED
        sandbox.commands.cut()
        task = asyncio.create_task(self._signal(sandbox, guest_messages.FREEZE))
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    async def pause(self, sandbox: Sandbox) -> None:
        sandbox.state = SandboxState.PAUSED
        sandbox.commands.cut()
        await self._signal(sandbox, guest_messages.FREEZE)

    async def resume(self, sandbox: Sandbox, timeout: float, *, reboot: bool = False) -> None:
        """`reboot`: with the files only, nothing that ran runs on. Raises `MachineGone`."""
        if reboot:
            await self._reboot(sandbox)
        else:
            await self._signal(sandbox, guest_messages.THAW)
        sandbox.state = SandboxState.RUNNING
        self.set_timeout(sandbox, timeout)

    async def _reboot(self, sandbox: Sandbox) -> None:
        await sandbox.gate.close()
        machine, sandbox.machine = sandbox.running_machine(), None
        await machine.stop()
        sandbox.commands.clear()
        await self._boot(sandbox)
        if sandbox.over.is_set():  # killed meanwhile
            await sandbox.running_machine().stop()
            raise MachineGone

    async def _signal(self, sandbox: Sandbox, kind: int) -> None:
        with suppress(MachineGone, GuestError):
            await sandbox.running_machine().ask(kind)

    @asynccontextmanager
    async def _still(self, sandbox: Sandbox) -> AsyncIterator[Path]:
        """Its files, while nothing inside changes them."""
        async with sandbox.changing:
            if sandbox.state is SandboxState.RUNNING:
                await self._signal(sandbox, guest_messages.FREEZE)
            try:
                yield sandbox.root
            finally:
                if sandbox.state is SandboxState.RUNNING:  # its time may have been over meanwhile
                    await self._signal(sandbox, guest_messages.THAW)

    async def snapshot(self, sandbox: Sandbox, name: str | None) -> Image:
        """Raises `OSError`. An image of the same name loses it."""
        id = "snap_" + secrets.token_hex(10)
        path = self._host.images / id
        try:
            async with self._still(sandbox) as files:
                await copy_root(files, path, uid=None)
        except BaseException:
            await remove_root(path)
            raise
        if name is not None and (older := self.find_image(name)):
            self.images[older.id] = Image(older.id, older.sandbox, (), older.path)
        self.images[id] = Image(id, sandbox.id, (name,) if name else (), path)
        return self.images[id]

    async def fork(self, sandbox: Sandbox, timeout: float) -> Sandbox:
        """From its files as they are now; what runs in it is not copied. Raises `MachineGone` or `OSError`."""
        wanted = Wanted(
            sandbox.wanted.template,
            timeout,
            sandbox.wanted.metadata,
            sandbox.wanted.envs,
            sandbox.gate.policy,
            sandbox.wanted.network,
            sandbox.wanted.auto_pause,
            sandbox.wanted.auto_resume,
        )
        async with self._still(sandbox) as files:
            return await self.create(wanted, files)

    def find_image(self, name: str) -> Image | None:
        return self.images.get(name) or next((i for i in self.images.values() if name in i.names), None)

    async def delete_image(self, image: Image) -> None:
        """Nobody finds it any more; whoever copies it already gets it whole."""
        del self.images[image.id]
        async with self._copying:
            await self._copying.wait_for(lambda: not self._copied[image.path])
        await remove_root(image.path)
