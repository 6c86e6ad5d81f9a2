"""Processes: started without a shell or a thread, followed by the event loop, ended with everything below them.

`subprocess.Popen` starts them (with vfork, so that a large bot does not pay for its size) and a pidfd tells when they
end. asyncio's own subprocesses are not used: on Python 3.11 each costs a thread, and their pipes keep a caller waiting
for whatever a daemon still holds open.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_CHILD = re.compile(rb'"child-pid": (\d+)')
_CHUNK = 262_144
_GRACE = 2.0  # seconds that a killed tree may take to go; it needs a few milliseconds


class Capped:
    """The head and the tail of what is fed, with a note between; never holds more than `limit` bytes, nor much less."""

    def __init__(self, limit: int, hear: Callable[[bytes], None] | None = None) -> None:
        """`hear` is told everything as it comes."""
        self._half = limit // 2
        self._hear = hear
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = 0

    def feed(self, data: bytes) -> None:
        if self._hear is not None:
            self._hear(data)
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        excess = len(self._tail) - self._half
        if excess > 0:
            del self._tail[:excess]
            self._dropped += excess

    def text(self) -> str:
        note = f"\n[... {self._dropped} bytes left out ...]\n".encode() if self._dropped else b""
        whole = bytes(self._head) + note + bytes(self._tail)
        return whole.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


class Descriptors:
    """Files in memory and pipes that a child inherits by number. Our ends of what it got are closed on leaving."""

    def __init__(self) -> None:
        self.inherited: list[int] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def keep(self, fd: int) -> int:
        self._stack.callback(os.close, fd)
        self.inherited.append(fd)
        return fd

    def data(self, content: bytes) -> int:
        """A descriptor that reads as `content`."""
        return self.keep(memory_file(content))

    def pipe(self) -> tuple[int, int]:
        """Our end, which the caller closes, and the child's end, written to."""
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        return ours, self.keep(theirs)


def memory_file(content: bytes = b"") -> int:
    fd = os.memfd_create("solvebot")
    while content:
        content = content[os.write(fd, content) :]
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended. `code` is the shell's: 128 + n after signal n."""

    code: int
    output: str
    seconds: float
    timed_out: bool
    killed_by: str  # what `Process.kill` was told
    began: bool  # the script was reached; False: the sandbox around it could not be made


@dataclass(frozen=True, slots=True)
class Plan:
    """What to start. Descriptors are numbers of ours; `info` and `began` are read ends of pipes given to the child."""

    argv: Sequence[str]
    env: Mapping[str, str]
    inherited: Sequence[int] = ()
    stdin: int = subprocess.DEVNULL
    stdout: int | None = None  # None: captured together with stderr
    cwd: str | None = None
    info: int | None = None  # bubblewrap's --info-fd: names the first process of the sandbox
    began: int | None = None  # one byte arrives when the script is reached
    in_our_session: bool = (
        False  # because it makes one of its own, or is a program of the host that asks nobody anything
    )
    end_rest: Callable[[], None] = field(default=lambda: None)  # ends what outlives the first process
    starved: Callable[[], bool] = field(default=lambda: False)  # did the kernel end one of them for want of memory?


class Process:
    """A running process and everything below it. Made by `start`, on the event loop."""

    def __init__(self, plan: Plan, popen: subprocess.Popen[bytes], output: int, capture: Capped) -> None:
        self._plan = plan
        self._popen = popen
        self._output = output
        self._capture = capture
        self._loop = asyncio.get_running_loop()
        self._started = self._loop.time()
        self._killed_by = ""
        self._gone: list[asyncio.Future[None]] = []
        self._watch_pid(popen.pid)
        self._loop.add_reader(output, self._on_output)
        if plan.info is not None:
            self._loop.add_reader(plan.info, self._on_info)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def kill(self, reason: str = "") -> None:
        """The whole tree. `reason` ends up in `Exit.killed_by`; the first one counts."""
        if self._popen.returncode is None:
            self._killed_by = self._killed_by or reason
            self._popen.kill()
        self._plan.end_rest()

    def starved(self) -> bool:
        """Has the kernel ended a process of the tree for want of memory? Only known where it bounds that."""
        return self._plan.starved()

    async def gone(self) -> None:
        """After `kill`: wait until it happened."""
        await asyncio.wait(self._gone, timeout=_GRACE)

    async def finish(self, timeout: float) -> Exit:
        """Wait for the end of the tree, or make it end: at the timeout, or when this call is cancelled."""
        timed_out = False
        try:
            async with asyncio.timeout(timeout):
                await asyncio.shield(self._gone[0])
        except TimeoutError:
            timed_out = True
        finally:
            self.kill()
            self._on_info()
            try:
                await self.gone()
            finally:
                began = self._close()
        code = self._popen.returncode if self._popen.returncode is not None else -signal.SIGKILL
        return Exit(
            code=code if code >= 0 else 128 - code,
            output=self._capture.text(),
            seconds=self._loop.time() - self._started,
            timed_out=timed_out,
            killed_by=self._killed_by or ("memory" if code != 0 and self.starved() else ""),
            began=began,
        )

    def _watch_pid(self, pid: int) -> None:
        try:
            fd = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        gone = self._loop.create_future()
        self._gone.append(gone)
        self._loop.add_reader(fd, self._on_gone, fd, gone)

    def _on_gone(self, fd: int, gone: asyncio.Future[None]) -> None:
        self._loop.remove_reader(fd)
        os.close(fd)
        self._popen.poll()
        if not gone.done():
            gone.set_result(None)

    def _on_info(self) -> None:
        """The outer process may end before the namespace is empty, so the first one inside is waited for too."""
        if self._plan.info is None or len(self._gone) > 1:
            return
        # bubblewrap writes this much at once and then goes on writing, so the pipe stays open
        if found := _CHILD.search(read_now(self._plan.info) or b""):
            self._loop.remove_reader(self._plan.info)
            self._watch_pid(int(found[1]))

    def _on_output(self) -> None:
        data = read_now(self._output)
        self._capture.feed(data or b"")
        if data == b"":
            self._loop.remove_reader(self._output)

    def _close(self) -> bool:
        """Take what is left in the pipes, without waiting for whoever may still hold them. Returns `began`."""
        self._loop.remove_reader(self._output)
        while data := read_now(self._output):
            self._capture.feed(data)
        os.close(self._output)
        if self._plan.info is not None:
            self._loop.remove_reader(self._plan.info)
            os.close(self._plan.info)
        if self._plan.began is None:
            return True
        began = bool(read_now(self._plan.began))
        os.close(self._plan.began)
        return began


def read_now(fd: int) -> bytes | None:
    """What is there; b"" at the end, None when there is nothing yet."""
    try:
        return os.read(fd, _CHUNK)
    except BlockingIOError:
        return None


def start(plan: Plan, *, output_limit: int, hear: Callable[[bytes], None] | None = None) -> Process:
    """Start it where no key of our terminal reaches it. Must be called where the event loop runs.

    The kernel ends bubblewrap when the *thread* that started it ends, so that thread has to be the loop's. It waits
    until the child has become another program. Kernels that share out the processor by sessions (autogroup) let a child
    with a new one wait for all others first, 13 ms on a busy machine instead of 0.3: so it gets one only where it must.
    """
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    try:
        popen = subprocess.Popen(
            list(plan.argv),
            stdin=plan.stdin,
            stdout=theirs if plan.stdout is None else plan.stdout,
            stderr=theirs,
            env=dict(plan.env),
            cwd=plan.cwd,
            pass_fds=plan.inherited,
            start_new_session=not plan.in_our_session,
            process_group=0 if plan.in_our_session else None,
            umask=0o022,
        )
    except OSError:
        for fd in (ours, plan.info, plan.began):
            if fd is not None:
                os.close(fd)
        raise
    finally:
        os.close(theirs)
    return Process(plan, popen, ours, Capped(output_limit, hear))


async def run_tool(argv: Sequence[str], *, timeout: float = 600.0) -> Exit:
    """A program of the host (rm, chown, du) on paths that nobody else can reach, or that it walks without following."""
    env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
    plan = Plan(argv=argv, env=env, in_our_session=True)
    return await start(plan, output_limit=65_536).finish(timeout)
