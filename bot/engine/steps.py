"""A step of a workflow: at least once in the world, once in the record."""

from __future__ import annotations

import asyncio
import errno
import functools
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar, get_type_hints

import msgspec
import structlog
from dbos import DBOS

from bot.engine.record import Unreadable, on_record, recordable
from bot.ports import AlarmClock, HostBroken, StoreAway, Unavailable, WorldError

log = structlog.get_logger()

SANDBOX_PATIENCE = 12 * 3600.0  # seconds that a step waits for sandboxes: for a service that is away, or for room
STORE_PATIENCE = 3600.0  # ... and any step for our own database
HOST_PATIENCE = 300.0  # ... and for this machine, where somebody makes room or nobody does
_FAULTS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
_SHORTEST_WAIT = 0.2  # seconds
_LONGEST_WAIT = 3600.0

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")

STEPS: dict[str, Callable[..., Any]] = {}
"""All there are, by the name under which their results are on record."""


@dataclass(slots=True)
class Play:
    """A workflow being played. `busy` counts the steps of it that are doing something, not waiting for anybody."""

    id: str
    clock: AlarmClock
    closing: Callable[[], bool]
    busy: int = 0

    def goes_on(self) -> None:
        """Nothing new is begun by an engine that is being closed."""
        if self.closing():
            raise asyncio.CancelledError

    @contextmanager
    def at_work(self, steps: int = 1) -> Iterator[None]:
        self.busy += steps
        try:
            yield
        finally:
            self.busy -= steps

    def at_rest(self) -> AbstractContextManager[None]:
        return self.at_work(-1)


PLAY: ContextVar[Play] = ContextVar("play")


def step(
    name: str, *, patience: float = 0.0
) -> Callable[[Callable[Concatenate[S, P], Awaitable[R]]], Callable[Concatenate[S, P], Coroutine[Any, Any, R]]]:
    """Make a method a durable step.

    `patience`: for how many seconds an `Unavailable` world is asked again, with pauses as it says or from 1 s doubling
    to 60 s; the last error is recorded like a result. Our own database and machine are waited for in any case.
    """

    def decorate(
        method: Callable[Concatenate[S, P], Awaitable[R]],
    ) -> Callable[Concatenate[S, P], Coroutine[Any, Any, R]]:
        STEPS[name] = method

        @functools.wraps(method)
        async def durable(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
            happened = False

            async def once() -> Any:
                nonlocal happened
                happened = True
                try:
                    result = await patiently(lambda: method(self, *args, **kwargs), patience)
                except Exception as error:
                    raise recordable(error) from error
                return msgspec.to_builtins(result)

            play = PLAY.get()
            play.goes_on()
            with on_record(), play.at_work():
                recorded = await DBOS.run_step_async({"name": name, "preemptible": True}, once)
            try:
                return msgspec.convert(recorded, returned(method))  # type: ignore[no-any-return]
            except msgspec.ValidationError as error:
                if happened:
                    raise
                raise Unreadable(f"{name}: {error}") from error

        return durable  # type: ignore[return-value]  # functools.wraps hides the type of self

    return decorate


async def patiently(attempt: Callable[[], Awaitable[R]], patience: float = 0.0) -> R:
    """Inside of a step: ask again what is `Unavailable`, for so many seconds.

    Behind what was paid for it stands around the write alone, so that nothing is paid twice. Not with stamina or
    tenacity: the pause goes by the engine's clock, is what a service asks for, and counts as rest for `close`.
    """
    play = PLAY.get()
    clock = play.clock
    begun, pause = clock.now(), 1.0
    while True:
        try:
            return await attempt()
        except (WorldError, OSError) as error:
            wait = _wait(error, pause)
            if clock.now() + timedelta(seconds=wait) > begun + timedelta(seconds=_patience(error, patience)):
                raise
            play.goes_on()
            log.info("step.waits", workflow=play.id, seconds=wait, reason=str(error))
            with play.at_rest():
                await clock.sleep(wait)
            pause = min(pause * 2, 60.0)


def _wait(error: Exception, pause: float) -> float:
    asked_for = error.retry_after if isinstance(error, Unavailable) else None
    return min(max(pause if asked_for is None else asked_for, _SHORTEST_WAIT), _LONGEST_WAIT)  # whatever a server says


def _patience(error: Exception, patience: float) -> float:
    """Seconds. It belongs to who is away, whatever the step is about: what is ours is waited for by every step."""
    match error:
        case StoreAway():
            return max(patience, STORE_PATIENCE)
        case Unavailable():
            return patience
        case HostBroken():
            return HOST_PATIENCE
        case OSError(errno=number) if number in _FAULTS:
            return HOST_PATIENCE
    return -1.0


@functools.cache
def returned(method: Callable[..., Any]) -> Any:
    """The type that its result is read as."""
    return get_type_hints(method)["return"]
