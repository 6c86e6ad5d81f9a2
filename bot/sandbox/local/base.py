"""What both sandboxes on this machine share: everything but the walls.

A sandbox is a directory on the disk (`directories.py`) and, for as long as a command runs, processes that see it.
Whatever happens to its files happens in such a process, the bot's own errands included.
`_start` says how a process is walled in.
"""

from __future__ import annotations

import asyncio
import codecs
import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.core.model import SandboxId, SnapshotId
from bot.core.operations.isolation import remedy_for
from bot.ports import Finished, Rejected, SandboxLost, SandboxUnusable
from bot.sandbox.files import (
    COMMAND_ENVIRONMENT,
    FROM,
    HOME,
    TO,
    UNPACK,
    WORKSPACE,
    as_archive,
    copy_script,
    read_script,
    take_script,
    write_script,
)
from bot.sandbox.local.directories import Room, Rooms
from bot.sandbox.local.execution_record import Executions
from bot.sandbox.local.limits import Limits, Watch, bounds
from bot.sandbox.local.shared_packages import share
from bot.sandbox.local.spawn import Exit, Process, memory_file

_ERRAND_SECONDS = 600.0
_READ_SECONDS = 20.0
_ERRAND_OUTPUT = 16_384
_LARGEST_FILE = 2 * 1024**3
_TOO_LARGE = 128 + 25  # SIGXFSZ: the limit on the size of a file
_OUR_PATH = {"PATH": "/usr/bin:/bin"}  # nothing that a command may have put into the home


@dataclass(frozen=True, slots=True)
class Errand:
    """A shell script to be run within walls. `mounts`: path inside -> directory of the host, writable."""

    script: bytes
    room: Room  # whose user does it
    mounts: Mapping[str, Path]
    env: Mapping[str, str] = field(default_factory=lambda: _OUR_PATH)
    network: Sequence[str] = ()
    stdin: int | None = None
    stdout: int | None = None  # None: captured, together with stderr
    file_bytes: int = _LARGEST_FILE
    output_limit: int = _ERRAND_OUTPUT
    hear: Callable[[bytes], None] | None = None  # told of the captured output as it comes


class LocalSandboxes(ABC):
    """Implements the `Sandboxes` port but for `check`. Belongs to one event loop."""

    def __init__(self, rooms: Rooms, limits: Limits, *, output_limit: int, at_once: int) -> None:
        """`at_once`: commands and errands that run; more wait for their turn, which counts against no timeout."""
        self._rooms = rooms
        self._limits = limits
        self._output_limit = output_limit
        self._places = asyncio.Semaphore(at_once)
        self._watch = Watch(limits)
        self._running: dict[SandboxId, set[Process]] = {}
        self.restore: Callable[[SnapshotId], Awaitable[None]] | None = None
        """Makes a snapshot anew that is not here. Raises `SandboxLost`."""

    @abstractmethod
    async def check(self) -> None: ...

    @abstractmethod
    def _start(self, errand: Errand) -> AbstractAsyncContextManager[Process]:
        """Start `bash` on the script, in /workspace. Within the context, the caller awaits `finish`.

        Raises `SandboxUnusable` when the walls cannot be had.
        """

    @abstractmethod
    async def _evict(self, room: Room) -> None:
        """End what a crash of ours may have left running in the room."""

    async def _packages(self, _snapshot: Room) -> tuple[str, ...]:
        """Directories of it that are shared with its sandboxes instead of copied, see `shared_packages.py`."""
        return ()

    # ------------------------------------------------------------------------------------------------ life and death

    async def create(self, id: SandboxId, *, snapshot: SnapshotId | None = None, ecosystem: str = "") -> None:
        """Whatever the ecosystem, all see the toolchains of this machine."""
        self._rooms.prepare()
        await self.close(id)
        if snapshot is not None and self.restore is not None and self._rooms.find_snapshot(snapshot) is None:
            await self.restore(snapshot)
        async with self._rooms.building() as room:
            if snapshot is not None:
                source = self._rooms.find_snapshot(snapshot)
                if source is None:
                    raise SandboxLost(f"snapshot {snapshot} is not there")
                packages = await self._packages(source)
                await self._copy(source, room, without=packages)
                await share(source, room, packages)
            await self._rooms.settle(room, id)

    async def exists(self, id: SandboxId) -> bool:
        return self._rooms.has(id)

    async def close(self, id: SandboxId) -> None:
        for process in list(self._running.get(id, ())):
            process.kill()
            await process.gone()
        if self._rooms.has(id):
            room = self._rooms.find(id)
            await self._evict(room)
            self._watch.forget(room)
            await self._rooms.remove_sandbox(id)

    async def living(self) -> list[SandboxId]:
        return self._rooms.living()

    async def snapshot(self, id: SandboxId, name: SnapshotId) -> None:
        """Taken again, it is replaced; but when the sandbox is gone by then, the first one stands."""
        if not self._rooms.has(id) and self._rooms.find_snapshot(name):
            return
        source = self._rooms.find(id)
        async with self._rooms.building() as room:
            await self._copy(source, room)
            await self._rooms.settle_snapshot(room, name)

    async def name_snapshot(self, name: SnapshotId, another: SnapshotId) -> bool:
        source = self._rooms.find_snapshot(name)
        if source is None:
            return False
        async with self._rooms.building() as room:
            await self._copy(source, room)
            await self._rooms.settle_snapshot(room, another)
        return True

    async def drop_snapshot(self, name: SnapshotId) -> None:
        await self._rooms.remove_snapshot(name)

    async def snapshots(self) -> list[SnapshotId]:
        return self._rooms.snapshots()

    async def tend(self) -> None:
        """Whatever has a name lives on by itself. What was being made or deleted when somebody was cancelled goes."""
        await self._rooms.sweep()

    async def _copy(self, source: Room, target: Room, *, without: Sequence[str] = ()) -> None:
        """Done by the user that may read the source, and handed over before anybody can reach the copy.

        `without`: directories below both that are left empty.
        """
        self._rooms.lend(target, source.uid)
        mounts = {
            f"{FROM}/workspace": source.workspace,
            f"{FROM}/home": source.home,
            f"{TO}/workspace": target.workspace,
            f"{TO}/home": target.home,
        }
        mounts |= {f"{FROM}/{path}": self._rooms.nothing for path in without}
        done = await self._errand(Errand(as_script(copy_script()), source, mounts))
        if done.code != 0:
            raise Rejected(f"the files of {source.path.name} cannot be copied: {done.output}")
        await self._rooms.give(target, target.uid)

    # ------------------------------------------------------------------------------------------------------- commands

    async def run(
        self,
        id: SandboxId,
        command: str,
        *,
        timeout: float,
        network: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        once: str | None = None,
        hear: Callable[[str], None] | None = None,
    ) -> Finished:
        room = self._rooms.find(id)
        errand = Errand(
            script=as_script(command),
            room=room,
            mounts=_own(room),
            env=COMMAND_ENVIRONMENT | {name: os.fsdecode(as_script(value)) for name, value in (env or {}).items()},
            network=network,
            file_bytes=0 if self._watch.is_full(room) else min(_LARGEST_FILE, self._limits.disk),
            output_limit=self._output_limit,
            hear=_as_text(hear),
        )
        if once is None:
            return await self._command(id, errand, timeout)
        executions = Executions(room.execs)
        if earlier := await asyncio.to_thread(executions.begin, once):
            return earlier
        finished = await self._command(id, errand, timeout)
        await asyncio.to_thread(executions.end, once, finished)
        return finished

    async def _command(self, id: SandboxId, errand: Errand, timeout: float) -> Finished:
        async with self._places, self._start(errand) as process:
            with self._known(id, process), self._watch.over(process, errand.room):
                done = await process.finish(timeout)
        self._must_have_begun(done, errand.room)
        killed_by = done.killed_by
        if await self._watch.fills_up(errand.room) and done.code != 0:
            killed_by = killed_by or "disk"
        return Finished(done.code, done.output, done.seconds, done.timed_out, killed_by=killed_by)

    @contextmanager
    def _known(self, id: SandboxId, process: Process) -> Iterator[None]:
        """So that `close` finds what is running."""
        processes = self._running.setdefault(id, set())
        processes.add(process)
        try:
            yield
        finally:
            processes.discard(process)
            if not processes:
                self._running.pop(id, None)

    def _must_have_begun(self, done: Exit, room: Room) -> None:
        if not room.path.exists():
            raise SandboxLost(f"sandbox {room.path.name} went away while a command ran")
        if not done.began and not done.timed_out and not done.killed_by:
            raise SandboxUnusable(f"the sandbox did not start: {done.output}", remedy=remedy_for(done.output))

    # ---------------------------------------------------------------------------------------------------------- files

    async def put(self, id: SandboxId, archive: Path) -> None:
        with archive.open("rb") as file:
            await self._unpack(id, UNPACK, file.fileno())

    async def write(self, id: SandboxId, files: Mapping[str, tuple[bytes, str]], *, delete: Sequence[str] = ()) -> None:
        archive = memory_file(as_archive(files))
        try:
            await self._unpack(id, write_script(delete), archive)
        finally:
            os.close(archive)

    async def _unpack(self, id: SandboxId, script: str, archive: int) -> None:
        room = self._rooms.find(id)
        done = await self._errand(Errand(as_script(script), room, _own(room), stdin=archive))
        if done.code != 0:
            raise Rejected(f"the archive cannot be unpacked: {done.output}")

    async def read(self, id: SandboxId, path: str, *, limit: int) -> bytes | None:
        room = self._rooms.find(id)
        content = memory_file()
        try:
            errand = Errand(as_script(read_script(path, limit)), room, _own(room), stdout=content)
            done = await self._errand(errand, timeout=_READ_SECONDS)
            return os.pread(content, limit, 0) if done.code == 0 else None
        finally:
            os.close(content)

    async def take(self, id: SandboxId, into: Path, *, exclude: Sequence[str] = (), limit: int) -> None:
        room = self._rooms.find(id)
        with into.open("wb") as file:
            script = as_script(take_script(exclude))
            errand = Errand(script, room, _own(room), stdout=file.fileno(), file_bytes=limit)
            done = await self._errand(errand)
        if done.code != 0:
            into.unlink()
            why = f"more than {limit} bytes" if done.code == _TOO_LARGE else done.output
            raise Rejected(f"the workspace cannot be archived: {why}")

    async def _errand(self, errand: Errand, *, timeout: float = _ERRAND_SECONDS) -> Exit:
        async with self._places, self._start(errand) as process:
            done = await process.finish(timeout)
        self._must_have_begun(done, errand.room)
        return done


def _as_text(hear: Callable[[str], None] | None) -> Callable[[bytes], None] | None:
    """Characters that come in pieces are put together."""
    if hear is None:
        return None
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return lambda data: hear(decoder.decode(data))


def as_script(command: str) -> bytes:
    """Any text at all: NUL bytes are left out, as bash does, and lone surrogates become the bytes they stand for."""
    return command.replace("\0", "").encode("utf-8", "surrogatepass")


def prelude(
    script: int, began: int, *, file_bytes: int, processes: int | None, entrance: int | None = None
) -> list[str]:
    """`bash -c` of a script that comes by descriptor, where neither `ps` nor the length of an argument limits it.

    `entrance`: of the control group that it runs in.
    """
    enter = "" if entrance is None else f"echo 0 >&{entrance} && exec {entrance}>&- || exit; "
    bounded = bounds(file_bytes=file_bytes, processes=processes)
    text = f'{enter}printf . >&{began}; {bounded}; eval "exec {script}<&- {began}>&-; $(</dev/fd/{script})"'
    return ["/bin/bash", "--noprofile", "--norc", "-c", text, "bash"]


def _own(room: Room) -> dict[str, Path]:
    return {WORKSPACE: room.workspace, HOME: room.home}
