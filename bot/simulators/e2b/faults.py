"""What goes wrong on purpose: planned, or by chance that is the same each time.

Operations are named where their routes are: create, connect, list, info, kill, timeout, pause, snapshot, fork, network
and so on in `control.py`; start, connect_process, signal in `processes.py`; health, files_read, files_write in
`files.py`.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase

HTML = "<html><head><title>{0}</title></head><body><center><h1>{0}</h1></center></body></html>"


class Kind(Enum):
    """What a failure does to a request."""

    LATE = "the effect and its answer, but late"
    ANSWER = "an answer instead of the effect"
    DROP_BEFORE = "the connection is closed, nothing happens"
    DROP_AFTER = "it happens, and the connection is closed without an answer"
    CUT_AT_START = "a command's stream is closed after its first message"
    CUT_IN_OUTPUT = "a command's stream is closed in the middle of its output"
    VANISH = "the sandbox is gone: before the effect, or while the command runs"
    ZOMBIE = "the sandbox is made, and the port of what runs in it never opens"
    SILENT = "the sandbox is made, and what runs in it never answers"


@dataclass(frozen=True, slots=True)
class Failure:
    """Order of things: `delay` seconds, then `hang` until its fault is released, then `kind`."""

    kind: Kind = Kind.LATE
    status: int = 0
    body: str = ""
    media_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0
    hang: bool = False


def answer(status: int, message: str = "on purpose", **headers: str) -> Failure:
    """JSON as the service writes it. Names of headers: `retry_after="2"`, `should_retry="false"`."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Failure(Kind.ANSWER, status, json.dumps({"code": status, "message": message}), headers=named)


def html(status: int) -> Failure:
    """As a load balancer in front of the service says it."""
    return Failure(Kind.ANSWER, status, HTML.format(status), "text/html")


def slow(seconds: float) -> Failure:
    return Failure(delay=seconds)


HANG = Failure(hang=True)
DROP_BEFORE = Failure(Kind.DROP_BEFORE)
DROP_AFTER = Failure(Kind.DROP_AFTER)
CUT_AT_START = Failure(Kind.CUT_AT_START)
CUT_IN_OUTPUT = Failure(Kind.CUT_IN_OUTPUT)
VANISH = Failure(Kind.VANISH)
ZOMBIE = Failure(Kind.ZOMBIE)
SILENT = Failure(Kind.SILENT)
NOT_FOUND = answer(502, "The sandbox was not found")
PORT_CLOSED = answer(502, "The sandbox is running but port is not open")


@dataclass(slots=True)
class Fault:
    """One planned failure of the requests that match. `operation` is a shell pattern."""

    operation: str
    failure: Failure
    times: int | None = 1  # None: always
    sandbox: str | None = None  # None: any
    hits: int = 0
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    def matches(self, operation: str, sandbox: str) -> bool:
        return (
            (self.times is None or self.hits < self.times)
            and fnmatchcase(operation, self.operation)
            and self.sandbox in (None, sandbox)
        )

    def release(self) -> None:
        """Let go of what waits now; what comes later does not wait any more."""
        self._released.set()

    async def wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self.failure.delay):
                await self._released.wait()
        if self.failure.hang:
            await self._released.wait()


class Faults:
    def __init__(self, operations: Collection[str]) -> None:
        """`operations`: all that there are, because a fault of one that is not there would never be met."""
        self._operations = operations
        self._planned: list[Fault] = []
        self._seed: int | None = None
        self._chances: Mapping[str, Mapping[Failure, float]] = {}
        self._calls: Counter[str] = Counter()

    def add(self, operation: str, failure: Failure, *, times: int | None = 1, sandbox: str | None = None) -> Fault:
        self._check(operation)
        fault = Fault(operation, failure, times, sandbox)
        self._planned.append(fault)
        return fault

    def _check(self, operation: str) -> None:
        if not any(fnmatchcase(known, operation) for known in self._operations):
            raise ValueError(f"there is no operation {operation!r}, but {', '.join(sorted(self._operations))}")

    def random(self, seed: int, chances: Mapping[str, Mapping[Failure, float]]) -> None:
        """Operation -> failure -> probability. What the n-th call of an operation meets depends on nothing else."""
        for operation in chances:
            self._check(operation)
        self._seed, self._chances = seed, chances
        self._calls.clear()

    def take(self, operation: str, sandbox: str) -> Fault | None:
        """A planned one comes first."""
        self._calls[operation] += 1
        fault = next((f for f in self._planned if f.matches(operation, sandbox)), None)
        if fault is None and (failure := self._by_chance(operation)):
            fault = Fault(operation, failure, times=1)
            self._planned.append(fault)  # so that `clear` releases it
        if fault is not None:
            fault.hits += 1
        return fault

    def _by_chance(self, operation: str) -> Failure | None:
        if operation not in self._chances:
            return None
        drawn = random.Random(f"{self._seed}:{operation}:{self._calls[operation]}").random()
        for failure, probability in self._chances[operation].items():
            drawn -= probability
            if drawn < 0:
                return failure
        return None

    def clear(self) -> None:
        """Everything is well again, and nothing waits."""
        for fault in self._planned:
            fault.release()
        self._planned.clear()
        self._chances = {}
