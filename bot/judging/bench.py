"""Where things are run: each execution in a fresh copy of the prepared snapshot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from bot.core.model import SandboxId, SnapshotId, SolveId, TestReport
from bot.core.reports import MAX_REPORT, documents, report
from bot.core.runners import REPORT, recipe
from bot.core.sandboxes import Use, sandbox_of
from bot.lost_sandbox import again_when_lost
from bot.ports import Finished, Sandboxes, TreeEntry

T = TypeVar("T")

# The usual reasons why the same tests give another answer: hash order, the time zone, and stale bytecode (a change of
# the same size within the same second keeps the old one).
_ENV = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "TZ": "UTC", "CI": "1"}
_OWN_COMMANDS_SECONDS = 60.0
_TIMED_OUT = 124  # what timeout(1) says


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for one execution."""

    tests: float = 600.0
    repro: float = 120.0

    def at_most(self, seconds: float) -> Timeouts:
        seconds = max(1.0, seconds)
        return Timeouts(min(self.tests, seconds), min(self.repro, seconds))


@dataclass(frozen=True, slots=True)
class Overlay:
    """What differs from the snapshot's workspace."""

    write: Mapping[str, tuple[bytes, str]] = field(default_factory=dict)
    delete: tuple[str, ...] = ()

    def __or__(self, other: Overlay) -> Overlay:
        return Overlay({**self.write, **other.write}, (*self.delete, *other.delete))


def overlay_of(entries: Iterable[TreeEntry]) -> Overlay:
    write, delete = {}, []
    for entry in entries:
        if entry.content is None:
            delete.append(entry.path)
        else:
            write[entry.path] = (entry.content, entry.mode)
    return Overlay(write, tuple(delete))


AS_IT_IS = Overlay()


@dataclass(frozen=True, slots=True)
class Canary:
    """A test file broken on purpose, and with it one of our own that fails, where there can be one: its name."""

    files: Overlay
    control: str = ""


async def side_by_side(work: Sequence[Awaitable[T]], at_once: int) -> list[T]:
    """All are over when this returns or raises: each has a sandbox of its own name, which the next try needs."""
    room = asyncio.Semaphore(at_once)

    async def in_turn(one: Awaitable[T]) -> T:
        async with room:
            return await one

    ended = await asyncio.gather(*map(in_turn, work), return_exceptions=True)
    done = []
    for result in ended:
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done


def base_sandbox(solve: SolveId) -> SandboxId:
    return sandbox_of(solve, Use.BASE)


def canary_sandbox(solve: SolveId) -> SandboxId:
    return sandbox_of(solve, Use.CANARY)


@dataclass(frozen=True, slots=True)
class Bench:
    """Where things are run: each in a fresh copy of the snapshot, one after the other, in a sandbox of one name."""

    sandboxes: Sandboxes
    sandbox: SandboxId
    snapshot: SnapshotId
    timeouts: Timeouts

    async def tests(self, command: str, files: Overlay = AS_IT_IS) -> TestReport:
        return await again_when_lost("tests", lambda _: self._tests(command, files))

    async def _tests(self, command: str, files: Overlay) -> TestReport:
        how = recipe(command)
        async with self._fresh(files):
            done = await self._run(f"{{\n{how.before}\n}} > /dev/null 2>&1\n{how.command}", self.timeouts.tests)
            await self._run(how.after, _OWN_COMMANDS_SECONDS)
            left = await self.sandboxes.read(self.sandbox, REPORT, limit=MAX_REPORT)
        return await asyncio.to_thread(  # reports have up to 16 MB, and are of whatever the code under test likes
            report,
            command,
            exit_code=done.exit_code,
            seconds=done.seconds,
            output=f"{done.output}\n[ended by the limit on {done.killed_by}]" if done.killed_by else done.output,
            timed_out=done.timed_out,
            documents=documents(left or b""),
        )

    async def repro(self, command: str, files: Overlay = AS_IT_IS) -> int:
        """Its exit code. One that does not end in time has failed."""
        done = await self.once(command, files)
        return (done.exit_code or _TIMED_OUT) if done.timed_out else done.exit_code

    async def once(self, command: str, files: Overlay = AS_IT_IS) -> Finished:
        """The command as it is, without asking anybody for reports."""
        return await again_when_lost("command", lambda _: self._once(command, files))

    async def _once(self, command: str, files: Overlay) -> Finished:
        async with self._fresh(files):
            return await self._run(command, self.timeouts.repro)

    async def _run(self, command: str, timeout: float) -> Finished:
        return await self.sandboxes.run(self.sandbox, command, timeout=timeout, env=_ENV)

    @asynccontextmanager
    async def _fresh(self, files: Overlay) -> AsyncIterator[None]:
        try:
            await self.sandboxes.create(self.sandbox, snapshot=self.snapshot)
            if files != AS_IT_IS:
                await self.sandboxes.write(self.sandbox, files.write, delete=files.delete)
            yield
        finally:
            await asyncio.shield(self.sandboxes.close(self.sandbox))
