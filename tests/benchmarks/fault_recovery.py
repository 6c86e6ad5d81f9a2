"""What the layer around a service that lends sandboxes is worth: the same faults for a plain client and for ours.

A run is a sandbox from a snapshot, an archive put in, ten commands, the result taken out, the sandbox closed. The
n-th request of a kind meets the same fault whoever sends it. The plain client is the SDK as its documentation shows
it, with the SDK's own retries; its first exception loses the run, and its user begins it anew after `LOOKS` seconds.
Ours asks again, waits and rebuilds as the bot's steps do (engine.py, run.py), and there is nobody to begin anything.

Time is a clock that goes on as the real one does and skips what somebody only waits for: pauses, the user, the work of
a command. Requests, and the SDK's own pauses, take as long as they take.
"""

from __future__ import annotations

import io
import logging
import random
import tarfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Protocol, TypeVar

import structlog
from e2b import E2B, AsyncSandbox

from bot.core.model import SandboxId
from bot.engine import SANDBOX_PATIENCE
from bot.lost_sandbox import again_when_lost
from bot.ports import Sandboxes, Unavailable, WorldError
from bot.simulators.e2b.faults import (
    CUT_AT_START,
    CUT_IN_OUTPUT,
    DROP_AFTER,
    DROP_BEFORE,
    VANISH,
    ZOMBIE,
    Failure,
    answer,
    html,
)
from tests.contracts.fault_bench import NOON, PREPARED, Bench, fault_bench

T = TypeVar("T")

COMMANDS = 10  # of a run
WORK = 30.0  # seconds that each of them stands for
LOOKS = 60.0  # seconds until the plain client's user sees that a run is lost
OUTAGE = 600.0  # seconds
RATES = (0.01, 0.03, 0.1)  # of all requests
MOST_TRIES = 100  # of a plain run
_SEED = 7
_LONGEST_PAUSE = 60.0  # of a step between two attempts, where the service does not say: as in engine.py
_SECONDS = 60.0  # more than a command needs
_LIMIT = 10_000_000  # bytes

_SHARES = {answer(503): 0.25, answer(500): 0.15, html(502): 0.15, DROP_BEFORE: 0.15, DROP_AFTER: 0.15, answer(429): 0.1}
_OF_COMMANDS = {CUT_AT_START: 0.1, CUT_IN_OUTPUT: 0.1, VANISH: 0.05}
_REQUESTS = ("create", "connect", "list", "kill", "files_write", "files_read")


def chances(rate: float) -> Mapping[str, Mapping[Failure, float]]:
    """So many of all requests fail, the kinds as `_SHARES` says; commands and creations have some of their own."""
    shares = {**dict.fromkeys(_REQUESTS, _SHARES), "start": _SHARES | _OF_COMMANDS, "create": _SHARES | {ZOMBIE: 0.05}}
    return {
        request: {failure: rate * share / sum(kinds.values()) for failure, share in kinds.items()}
        for request, kinds in shares.items()
    }


@dataclass(slots=True)
class Time:
    """`skipped` are seconds that were waited for, and not spent."""

    started: float = field(default_factory=time.monotonic)
    skipped: float = 0.0
    when_skipped: Callable[[], Awaitable[None]] | None = None

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started + self.skipped

    async def sleep(self, seconds: float) -> None:
        self.skipped += seconds
        if self.when_skipped is not None:
            await self.when_skipped()


@dataclass(slots=True)
class Told:
    """What came of some runs. `finished` is when each ended, in seconds."""

    runs: int = 0
    lost: int = 0  # of the runs, at least once
    failures: int = 0  # that somebody was told
    handled: int = 0  # errors and lost sandboxes that nobody was told
    given_up: int = 0
    wrong: int = 0  # ended, but a command was done twice or not at all
    finished: list[float] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Until the last one ended."""
        return max(self.finished, default=float("nan"))

    @property
    def beyond(self) -> float:
        """Seconds more than the work takes where nothing fails and no request takes any time."""
        return self.seconds - self.runs * COMMANDS * WORK

    def recovered(self, at: float) -> float:
        """Seconds from then to the first run that ends after it."""
        return min((ended - at for ended in self.finished if ended > at), default=float("nan"))


class Client(Protocol):
    async def run(self, number: int, told: Told) -> bytes | None:
        """A tar with the log of what was done. None: given up."""


class Plain:
    """The SDK, as its documentation shows it."""

    def __init__(self, bench: Bench, image: str, time: Time) -> None:
        url = bench.service.url
        self._sandboxes: type[AsyncSandbox] = E2B(api_key=bench.service.key, api_url=url, sandbox_url=url).AsyncSandbox
        self._image = image
        self._time = time

    async def run(self, number: int, told: Told) -> bytes | None:
        for tries in range(MOST_TRIES):
            try:
                return await self._attempt()
            except Exception:  # whatever it is, its user sees it
                told.failures += 1
                told.lost += tries == 0
            await self._time.sleep(LOOKS)
        told.given_up += 1
        return None

    async def _attempt(self) -> bytes:
        sandbox = await self._sandboxes.create(self._image, timeout=3600)
        try:
            await sandbox.files.write("in.tar", _archive())
            await sandbox.commands.run("mkdir -p work && tar -xf in.tar -C work")
            for number in range(COMMANDS):
                await sandbox.commands.run(f"echo {number} | tee -a work/log")
                await self._time.sleep(WORK)
            await sandbox.commands.run("tar -cf out.tar -C work .")
            return bytes(await sandbox.files.read("out.tar", "bytes"))
        finally:
            with suppress(Exception):  # that it costs money until its time is over is all that is lost
                await sandbox.kill()


class Layered:
    """Leases over retries and a circuit breaker, asked as the bot's durable steps ask."""

    def __init__(self, bench: Bench, time: Time) -> None:
        self._boxes: Sandboxes = bench.worker(time, luck=random.Random(_SEED).random)
        self._directory = bench.directory
        self._time = time
        self._names = count()

    async def run(self, number: int, told: Told) -> bytes | None:
        id = SandboxId(f"{next(self._names)}.layered")
        try:
            return await self._attempt(id, told)
        except WorldError:
            told.failures += 1
            told.lost += 1
            told.given_up += 1
            return None

    async def _attempt(self, id: SandboxId, told: Told) -> bytes:
        result = self._directory / f"{id}.tar"
        for number in range(COMMANDS):
            await self._lasting(id, number, lambda n=number: self._command(id, n), told)  # type: ignore[misc]
            await self._time.sleep(WORK)
        await self._lasting(id, COMMANDS, lambda: self._boxes.take(id, result, limit=_LIMIT), told)
        await self._patiently(lambda: self._boxes.close(id), told)
        return result.read_bytes()

    async def _lasting(self, id: SandboxId, done: int, do: Callable[[], Awaitable[T]], told: Told) -> T:
        """As a step of run.py: with a new sandbox in the place of one that is lost."""

        async def attempt(lost: int) -> T:
            if lost or not await self._boxes.exists(id):
                told.handled += lost > 0
                await self._rebuild(id, done)
            return await do()

        return await self._patiently(lambda: again_when_lost("command", attempt), told)

    async def _rebuild(self, id: SandboxId, done: int) -> None:
        archive = self._directory / "in.tar"
        archive.write_bytes(_archive())
        await self._boxes.create(id, snapshot=PREPARED)
        await self._boxes.put(id, archive)
        for number in range(done):
            await self._command(id, number)
            await self._time.sleep(WORK)

    async def _command(self, id: SandboxId, number: int) -> None:
        await self._boxes.run(id, f"echo {number} | tee -a log", timeout=_SECONDS, once=f"{number}")

    async def _patiently(self, do: Callable[[], Awaitable[T]], told: Told) -> T:
        """As the durable engine does."""
        until, pause = self._time.seconds + SANDBOX_PATIENCE, 1.0
        while True:
            try:
                return await do()
            except Unavailable as error:
                wait = pause if error.retry_after is None else error.retry_after
                if self._time.seconds + wait > until:
                    raise
                told.handled += 1
                await self._time.sleep(wait)
                pause = min(pause * 2, _LONGEST_PAUSE)


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number in range(20):
            entry = tarfile.TarInfo(f"file-{number}")
            entry.size = 1000
            archive.addfile(entry, io.BytesIO(b"x" * 1000))
    return buffer.getvalue()


def _is_right(result: bytes) -> bool:
    with tarfile.open(fileobj=io.BytesIO(result)) as archive:
        log = archive.extractfile("./log")
        return log is not None and log.read().split() == [str(number).encode() for number in range(COMMANDS)]


# ------------------------------------------------------------------------------------------------------------ measured


@dataclass(frozen=True, slots=True)
class Compared:
    """The same runs by both. `left` are the machines that nobody held at the end; ours after two rounds of `tend`."""

    what: str
    plain: Told
    layered: Told
    left_by_plain: int
    left_by_layered: int


async def measure(runs: int) -> tuple[list[Compared], Compared]:
    """By the rates of random faults; and half as many runs with an outage in the middle."""
    with _quiet():
        async with fault_bench() as bench:
            return await _measure(bench, runs)


async def _measure(bench: Bench, runs: int) -> tuple[list[Compared], Compared]:
    by_rate = [await _compared(bench, runs, f"{rate:.0%}", chances(rate)) for rate in RATES]
    half = max(2, runs // 2)
    return by_rate, await _compared(bench, half, "outage", {}, outage_at=outage_at(half))


@contextmanager
def _quiet() -> Iterator[None]:
    """Each fault leaves an event in the log, which is what nobody wants to read here."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable()
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        structlog.configure(**before)


def outage_at(runs: int) -> float:
    """In the middle of a run in the middle, as long as nothing fails before."""
    return (runs // 2 + 0.5) * COMMANDS * WORK


async def _compared(
    bench: Bench, runs: int, what: str, faults: Mapping[str, Mapping[Failure, float]], *, outage_at: float | None = None
) -> Compared:
    plain = await _one(bench, runs, faults, outage_at, layered=False)
    left_by_plain = len(await bench.unheld())
    for machine in await bench.unheld():
        bench.service.vanish(machine)
    layered = await _one(bench, runs, faults, outage_at, layered=True)
    return Compared(what, plain, layered, left_by_plain, len(await bench.left_over()))


async def _one(
    bench: Bench, runs: int, faults: Mapping[str, Mapping[Failure, float]], outage_at: float | None, *, layered: bool
) -> Told:
    image, clock = await bench.lent.ledger.image(PREPARED), Time()
    assert image is not None
    if outage_at is not None:
        clock.when_skipped = _Outage(bench, clock, outage_at).look
    client: Client = Layered(bench, clock) if layered else Plain(bench, image.image, clock)
    bench.service.faults.random(_SEED, faults)
    told = await _all(client, runs, clock)
    await bench.heal(None)
    return told


async def _all(client: Client, runs: int, clock: Time) -> Told:
    told = Told(runs)
    for number in range(runs):
        result = await client.run(number, told)
        if result is not None:
            told.finished.append(clock.seconds)
            told.wrong += not _is_right(result)
    return told


@dataclass(slots=True)
class _Outage:
    """Everything answers 503, from the middle of a run on."""

    bench: Bench
    time: Time
    at: float
    _is_down: bool = False

    async def look(self) -> None:
        is_down = self.at <= self.time.seconds < self.at + OUTAGE
        if is_down is self._is_down:
            return
        self._is_down = is_down
        await (self.bench.service.down() if is_down else self.bench.service.up())
