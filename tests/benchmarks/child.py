"""Processes of a benchmark: each measured thing has one of its own, so that its memory and its time are its own.

They talk in lines of JSON: a child says where it listens, then answers each line on its standard input with one.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

_TICKS = os.sysconf("SC_CLK_TCK")
_END = 30.0  # seconds that a child may take to end by itself
_LINE = 64 * 1024 * 1024

Said = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Child:
    process: asyncio.subprocess.Process
    hello: Said

    @property
    def pid(self) -> int:
        return self.process.pid

    async def ask(self, **question: object) -> Said:
        assert self.process.stdin
        self.process.stdin.write(msgspec.json.encode(question) + b"\n")
        return await _answer(self.process)

    def cpu(self) -> Cpu:
        """Seconds so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        user, system, waited_user, waited_system = (int(field) / _TICKS for field in fields[11:15])
        return Cpu(user + system, waited_user + waited_system)

    def memory(self) -> Memory:
        return memory_of(self.pid)


@dataclass(frozen=True, slots=True)
class Cpu:
    own: float  # seconds, of the process with all its threads
    children: float  # seconds, of ended processes that it has started

    def __sub__(self, other: Cpu) -> Cpu:
        return Cpu(self.own - other.own, self.children - other.children)

    @property
    def total(self) -> float:
        return self.own + self.children


@dataclass(frozen=True, slots=True)
class Memory:
    resident: int  # bytes
    proportional: int  # bytes, pages shared with other processes counted in part


def memory_of(pid: int) -> Memory:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: int(kilobytes.split()[0]) * 1024 for name, _, kilobytes in (row.partition(":") for row in rows)}
    return Memory(sizes["Rss"], sizes["Pss"])


@asynccontextmanager
async def child(module: str, *arguments: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Child]:
    """`python -m module`. Leaving the context closes its standard input, at which it ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, **(env or {})},
        limit=_LINE,
    )
    try:
        yield Child(process, await _answer(process))
    finally:
        assert process.stdin
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), _END)
        except TimeoutError:
            process.kill()
            await process.wait()


async def _answer(process: asyncio.subprocess.Process) -> Said:
    assert process.stdout
    line = await process.stdout.readline()
    if not line:
        raise RuntimeError("a process of the benchmark ended early; what it had to say stands above")
    said: Said = msgspec.json.decode(line)
    return said


def say(**words: object) -> None:
    """In a child."""
    os.write(1, msgspec.json.encode(words) + b"\n")


async def answering(answer: Callable[[Said], Awaitable[Said]]) -> None:
    """In a child: answer every line, until there are no more."""
    reader = asyncio.StreamReader(limit=_LINE)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        say(**await answer(msgspec.json.decode(line)))
