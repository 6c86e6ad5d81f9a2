"""Deliveries per second, signed and on the disk before the answer, beside servers that do nothing, window by window."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from tests.benchmarks.child import Child, child
from tests.benchmarks.receivers import SERVERS

MIXES = {"relevant": "all relevant", "usual": "one in ten relevant"}
CONNECTIONS = 32
COUNT = 3000  # deliveries of one window


@dataclass(slots=True)
class Windows:
    """Of one server and one mix, in the order of the rounds."""

    per_second: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)  # seconds for each request
    p99: list[float] = field(default_factory=list)  # seconds
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    windows: dict[tuple[str, str], Windows]  # by server and mix
    sizes: dict[str, int]  # bytes of the bodies
    relevant: int  # deliveries that were acknowledged and have to be in the inbox
    stored: int

    def ratio(self, mix: str, server: str, to: str) -> float:
        """Of deliveries per second: the median of the rounds, each compared within itself."""
        pairs = zip(self.windows[server, mix].per_second, self.windows[to, mix].per_second, strict=True)
        return median(one / other for one, other in pairs)


async def measure(rounds: int) -> Result:
    with tempfile.TemporaryDirectory(prefix="solvebot-bench-") as name:
        async with AsyncExitStack() as stack:
            loader = await stack.enter_async_context(child("tests.benchmarks.loader"))
            servers = {
                server: await stack.enter_async_context(child("tests.benchmarks.receivers", server, name))
                for server in SERVERS
            }
            _apart(loader, list(servers.values()))
            windows = {}
            for number in range(rounds + 1):
                for mix in MIXES:
                    for server in SERVERS:
                        if number < 2:
                            windows[server, mix] = Windows()  # the first round warms up
                        await _window(loader, servers[server], mix, windows[server, mix])
        relevant = (rounds + 1) * (COUNT + COUNT // 10)
        return Result(windows, loader.hello["bytes"], relevant, _stored(Path(name)))


async def _window(loader: Child, server: Child, mix: str, into: Windows) -> None:
    before = server.cpu()
    done = await loader.ask(url=server.hello["url"], mix=mix, count=COUNT, connections=CONNECTIONS)
    into.per_second.append(COUNT / done["seconds"])
    into.cpu.append((server.cpu() - before).own / COUNT)
    into.p99.append(done["p99"])
    into.refused += done["refused"]


def _apart(loader: Child, servers: Sequence[Child]) -> None:
    """Those who load and those who are loaded do not share a processor, where there are two."""
    processors = sorted(os.sched_getaffinity(0))
    if len(processors) > 1:
        os.sched_setaffinity(loader.pid, {processors[1]})
        for server in servers:
            os.sched_setaffinity(server.pid, {processors[0]})


def _stored(directory: Path) -> int:
    with closing(sqlite3.connect(directory / "solvebot.sqlite")) as database:
        return int(database.execute("select count(*) from deliveries").fetchone()[0])
