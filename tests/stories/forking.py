"""Programs of the bot as processes that need not load it first: forked from one that has, which is started once.

Loading the bot takes a processor two seconds, longer than most of what stories do with a process of it. What such a
process gets is its own: arguments, environment, directory, output, signals and exit code. What a start from nothing
loads is for test_imports.py, and for the stories that ask for a `FreshProcess` (shell.py).
"""

from __future__ import annotations

import asyncio
import functools
import gc
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

Program = Callable[[Sequence[str]], object]

OF_TESTS = "solvebot-tests-"  # the directory that conftest.py makes for temporary files
_LOADED = ["bot.cli", "bot.app", "bot.checks", "bot.doctor", "bot.local_solve", "tests.stories.crashing"]


class Forked:
    """A process that runs; of asyncio's own, what the stories use."""

    def __init__(
        self,
        process: ForkServerProcess,
        out: asyncio.StreamReader | None = None,
        err: asyncio.StreamReader | None = None,
    ) -> None:
        self._process = process
        self.stdout, self.stderr = out, err
        self._gone = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().add_reader(process.sentinel, self._ended)

    def _ended(self) -> None:
        asyncio.get_running_loop().remove_reader(self._process.sentinel)
        self._process.join()
        if not self._gone.done():
            self._gone.set_result(self._process.exitcode)

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._gone.result() if self._gone.done() else None

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    async def wait(self) -> int:
        return int(await asyncio.shield(self._gone))

    async def communicate(self) -> tuple[bytes, bytes]:
        assert self.stdout is not None
        assert self.stderr is not None
        out, err, _ = await asyncio.gather(self.stdout.read(), self.stderr.read(), self.wait())
        return out, err


async def forked(program: Program, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str]) -> Forked:
    """`program`: a function of a module, which ends as programs do: by returning, or by SystemExit."""
    out, err = os.pipe(), os.pipe()
    try:
        process = await asyncio.to_thread(_started, _Child(program, arguments, cwd, env, out[1], err[1]))
    finally:
        os.close(out[1])
        os.close(err[1])
    return Forked(process, await _reader(out[0]), await _reader(err[0]))


async def forked_with_log(
    program: Program, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: int
) -> Forked:
    """All that it says goes to that descriptor."""
    return Forked(await asyncio.to_thread(_started, _Child(program, arguments, cwd, env, log, log)))


@functools.cache
def _server() -> ForkServerContext:
    """It is there as long as we are, longer than the directory that the tests have for temporary files."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LOADED)
    ours = tempfile.gettempdir()
    tempfile.tempdir = str(Path(ours).parent) if Path(ours).name.startswith(OF_TESTS) else ours
    try:
        forkserver.ensure_running()
    finally:
        tempfile.tempdir = ours
    return context


def _started(child: _Child) -> ForkServerProcess:
    process = _server().Process(target=child)
    process.start()
    return process


async def _reader(fd: int) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=2**20)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(fd, "rb", 0))
    return reader


@dataclass(frozen=True, slots=True)
class _Descriptor:
    """One that goes along to a process that is being started."""

    number: int

    def __reduce__(self) -> tuple[Callable[[Any], int], tuple[Any]]:
        return _arrived, (DupFd(self.number),)


def _arrived(sent: Any) -> int:
    return int(sent.detach())


class _Child:
    """What is done on the other side, where all that a process inherits is put right first."""

    def __init__(
        self, program: Program, arguments: Sequence[str], cwd: Path, env: Mapping[str, str], out: int, err: int
    ) -> None:
        self._program, self._arguments = program, list(arguments)
        self._cwd, self._env = str(cwd), dict(env)
        self._out, self._err = _Descriptor(out), _Descriptor(err)

    def __call__(self) -> None:
        gc.freeze()
        os.dup2(self._out, 1)  # type: ignore[arg-type]  # a number, once it has arrived
        os.dup2(self._err, 2)  # type: ignore[arg-type]
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as long as the process
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
        for fd in {self._out, self._err}:
            os.close(fd)  # type: ignore[arg-type]
        signal.signal(signal.SIGINT, signal.default_int_handler)
        tempfile.tempdir = None
        os.environ.clear()
        os.environ.update(self._env)
        os.chdir(self._cwd)
        self._program(self._arguments)
