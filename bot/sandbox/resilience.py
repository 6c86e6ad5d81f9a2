"""Around any provider: what fails is asked again, what keeps failing is left alone, and all of it is counted.

One call of a method is up to three attempts (core/resilience/sandbox_retry.py). Before each the circuit is looked at
(core/resilience/circuit_breaker.py), which all workers share through the ledger. Each attempt leaves an event, an
entry in the account, and whatever `observe` makes of it.

A call that goes well asks nothing of the database, but for a look at the circuit once a second.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

import structlog

from bot.core.render.failure_reasons import service_away
from bot.core.resilience import circuit_breaker
from bot.core.resilience.circuit_breaker import WELL, Circuit, Health, Outage
from bot.core.resilience.github_retry import Wait
from bot.core.resilience.sandbox_leases import ImageId, MachineId, Operation, Outcome
from bot.core.resilience.sandbox_retry import next_move
from bot.ports import (
    AlarmClock,
    Crowded,
    Denied,
    Gone,
    Ledger,
    LeftAlone,
    SandboxLost,
    Unavailable,
    Unclear,
    WorldError,
)
from bot.sandbox.provider import Machine, Provider, Said, Wanted
from bot.sandbox.request_counts import Account

T = TypeVar("T")
Observe = Callable[[Operation, Circuit], None]
"""Told of each attempt, and how the circuit stands after it."""

log = structlog.get_logger()

_INSIDE = ("execute", "upload", "download")
FRESH = timedelta(seconds=1)  # how old what we know of the circuit may be
SPREAD = 2.0  # seconds by which those who wait for the same moment are spread


@dataclass(frozen=True, slots=True)
class ResilienceOptions:
    create_every: float = 1.0  # seconds between two machines, by all workers together; 0: the plan has no such limit
    deadline: float | None = None  # seconds for one attempt, should the provider's own time limits fail


class Resilient:
    """Implements `Provider` around any `Provider`. `random` gives numbers from 0 to 1."""

    def __init__(
        self,
        provider: Provider,
        ledger: Ledger,
        account: Account,
        clock: AlarmClock,
        options: ResilienceOptions,
        *,
        random: Callable[[], float] = random.random,
        observe: Observe = lambda _operation, _circuit: None,
    ) -> None:
        self._provider = provider
        self._ledger = ledger
        self._account = account
        self._clock = clock
        self._options = options
        self._random = random
        self._observe = observe
        self._seen = WELL
        self._seen_at: datetime | None = None
        self._looking = asyncio.Lock()
        self._suspects: set[str] = set()  # machines whose latest request failed

    @property
    def name(self) -> str:
        return self._provider.name

    # ------------------------------------------------------------------------------------------------------ requests

    async def create(self, wanted: Wanted) -> MachineId:
        return await self._ask("create", wanted.key, lambda: self._provider.create(wanted), before=self._slot)

    async def machines(self) -> list[Machine]:
        return await self._ask("machines", "", self._provider.machines)

    async def extend(self, machine: MachineId, seconds: int) -> None:
        await self._ask("extend", machine, lambda: self._provider.extend(machine, seconds))

    async def allow(self, machine: MachineId, hosts: Sequence[str]) -> None:
        await self._ask("allow", machine, lambda: self._provider.allow(machine, hosts))

    async def execute(
        self, machine: MachineId, script: str, *, timeout: float, as_root: bool = False, limit: int = 131_072
    ) -> Said:
        async def call() -> Said:
            return await self._provider.execute(machine, script, timeout=timeout, as_root=as_root, limit=limit)

        return await self._ask("execute", machine, call, seconds=timeout)

    async def follow(self, machine: MachineId, script: str, hear: Callable[[str], None]) -> None:
        """Once: what was heard cannot be taken back. It is no probe, and nothing is learned from it."""
        self._refuse(await self._health())
        await self._provider.follow(machine, script, hear)

    async def upload(self, machine: MachineId, path: str, content: bytes | Path) -> None:
        await self._ask("upload", machine, lambda: self._provider.upload(machine, path, content))

    async def download(self, machine: MachineId, path: str, into: Path, *, limit: int) -> None:
        await self._ask("download", machine, lambda: self._provider.download(machine, path, into, limit=limit))

    async def save(self, machine: MachineId, name: str) -> ImageId:
        return await self._ask("save", machine, lambda: self._provider.save(machine, name))

    async def images(self) -> list[ImageId]:
        return await self._ask("images", "", self._provider.images)

    async def delete_image(self, image: ImageId) -> None:
        await self._ask("delete_image", "", lambda: self._provider.delete_image(image))

    async def kill(self, machine: MachineId) -> None:
        self._suspects.discard(machine)
        await self._ask("kill", machine, lambda: self._provider.kill(machine))

    # ------------------------------------------------------------------------------------------------------ attempts

    async def _ask(
        self,
        name: str,
        sandbox: str,
        call: Callable[[], Awaitable[T]],
        *,
        seconds: float = 0.0,
        before: Callable[[], Awaitable[None]] | None = None,
    ) -> T:
        """`seconds` is how long it takes when all is well, `before` what to wait for when it may be asked."""
        attempt = 0
        while True:
            attempt += 1
            if before is not None:
                self._refuse(await self._health())
                await before()
            await self._admit()
            asked = Operation(self.name, name, attempt, self._clock.now(), 0.0, Outcome.UNCLEAR, sandbox)
            try:
                return await self._attempt(asked, call, seconds)
            except WorldError as error:
                await self._pause_or_raise(error, attempt)

    async def _attempt(self, asked: Operation, call: Callable[[], Awaitable[T]], seconds: float) -> T:
        started = time.monotonic()

        def came_to(outcome: Outcome) -> Operation:
            return replace(asked, outcome=outcome, seconds=time.monotonic() - started)

        try:
            done = await self._in_time(asked.name, call, seconds)
        except WorldError as error:
            await self._learn(came_to(outcome_of(error)), str(error))
            raise
        except BaseException as error:  # cancelled, or a mistake of ours: nobody knows whether it was done
            self._tell(came_to(Outcome.UNCLEAR), type(error).__name__)
            raise
        await self._learn(came_to(Outcome.DONE), "")
        return done

    async def _in_time(self, name: str, call: Callable[[], Awaitable[T]], seconds: float) -> T:
        if self._options.deadline is None:
            return await call()
        try:
            async with asyncio.timeout(seconds + self._options.deadline):
                return await call()
        except TimeoutError as error:
            raise Unclear(f"{name}: not over after {seconds + self._options.deadline:g} s") from error

    async def _pause_or_raise(self, error: WorldError, attempt: int) -> None:
        asked_for = error.retry_after if isinstance(error, Unavailable) else None
        match next_move(outcome_of(error), attempt, luck=self._random(), retry_after=asked_for):
            case Wait(seconds):
                await self._clock.sleep(seconds)
            case given_up:
                if isinstance(error, Unavailable):
                    error.retry_after = given_up.retry_after
                raise error

    async def _slot(self) -> None:
        """Wait for our turn among all workers, so that the plan's rate of creations is kept."""
        if self._options.create_every > 0:
            now = self._clock.now()
            slot = await self._ledger.next_slot(self.name, now, every=self._options.create_every)
            if slot > now:
                await self._clock.sleep((slot - now).total_seconds())

    # --------------------------------------------------------------------------------------------------- the circuit

    async def _admit(self) -> None:
        """Raises `Unavailable` when nobody is to ask now. Of a half-open circuit, takes the probe."""
        health = await self._health()
        if health.is_open and circuit_breaker.wait(health, self._clock.now()) is None:
            health = await self._take_probe()
        self._refuse(health)

    def _refuse(self, health: Health) -> None:
        seconds = circuit_breaker.wait(health, self._clock.now())
        if seconds is None:
            return
        assert health.since is not None
        raise LeftAlone(
            f"{self.name} is left alone after {health.failures} failures in a row",
            retry_after=seconds + SPREAD * self._random(),
            remedy=service_away(Outage(self.name, health.since)),
        )

    async def _take_probe(self) -> Health:
        """How it stood when we came: still half-open, and the probe is ours; or somebody was quicker."""
        found = [self._seen]

        def take(health: Health) -> Health:
            found[0] = health
            return circuit_breaker.probing(health, self._clock.now())

        self._saw(await self._ledger.change_health(self.name, take))
        return found[0]

    async def _health(self) -> Health:
        if not self._is_fresh():
            async with self._looking:
                if not self._is_fresh():
                    await self._look()
        return self._seen

    def _is_fresh(self) -> bool:
        return self._seen_at is not None and abs(self._clock.now() - self._seen_at) < FRESH

    async def _look(self) -> None:
        try:
            self._saw(await self._ledger.health(self.name))
        except Unavailable as error:  # the database: for it, nothing that runs already has to stop
            log.warning("sandbox.health.unknown", provider=self.name, reason=str(error))
            self._seen_at = self._clock.now()

    def _saw(self, health: Health) -> None:
        if health.is_open is not self._seen.is_open:
            level = log.warning if health.is_open else log.info
            level("sandbox.circuit", provider=self.name, state=circuit_breaker.circuit(health, self._clock.now()).value)
        self._seen, self._seen_at = health, self._clock.now()

    # ------------------------------------------------------------------------------------------------------- records

    async def _learn(self, operation: Operation, reason: str) -> None:
        now = self._clock.now()

        def change(health: Health) -> Health:
            return circuit_breaker.after(health, operation.outcome, now)

        if not self._speaks_for_the_service(operation):
            self._tell(operation, reason)
            return
        try:
            if change(self._seen) != self._seen:
                self._saw(await self._ledger.change_health(self.name, change))
        except Unavailable as error:  # the database: what the service said stands all the same
            log.warning("sandbox.health.untold", provider=self.name, reason=str(error))
        self._tell(operation, reason)

    def _speaks_for_the_service(self, operation: Operation) -> bool:
        """What happens inside of one machine says little about the others.

        That it works there does not mean that new ones can be had; and of failures there, the first one in a row of
        each machine counts, so that one bad machine is not taken for a bad service. Whoever probes decides anyway.
        """
        if operation.name not in _INSIDE or self._seen.is_open:
            return True
        if operation.outcome in (Outcome.TRANSIENT, Outcome.UNCLEAR):
            is_news = operation.sandbox not in self._suspects
            self._suspects.add(operation.sandbox)
            return is_news
        self._suspects.discard(operation.sandbox)
        return False

    def _tell(self, operation: Operation, reason: str) -> None:
        circuit = circuit_breaker.circuit(self._seen, self._clock.now())
        level = log.debug if operation.outcome is Outcome.DONE else log.info
        level(
            "sandbox.operation",
            operation=operation.name,
            provider=operation.provider,
            sandbox=operation.sandbox,
            attempt=operation.attempt,
            seconds=round(operation.seconds, 3),
            outcome=operation.outcome.value,
            breaker=circuit.value,
            reason=reason,
        )
        self._account.note(operation)
        self._observe(operation, circuit)


def outcome_of(error: WorldError) -> Outcome:
    match error:
        case Crowded():
            return Outcome.LIMITED
        case Unclear():
            return Outcome.UNCLEAR
        case Unavailable():
            return Outcome.TRANSIENT
        case Denied():
            return Outcome.DENIED
        case SandboxLost() | Gone():
            return Outcome.GONE
    return Outcome.REJECTED


async def outage_of(ledger: Ledger, providers: Sequence[str]) -> Outage | None:
    """Of services by their names: since when none of them may be asked."""
    return circuit_breaker.outage({name: await ledger.health(name) for name in providers})
