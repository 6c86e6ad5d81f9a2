"""Durable workflows: the only room that knows DBOS.

What the story needs of it is small. A *workflow* is a method registered under a name and started under an id; a
*step* is a method decorated with `@step` whose result is recorded, so that after a crash the workflow is played again
and finished steps answer from the record. Values cross the record as JSON and come back as the types that the
signatures name.

Facts about DBOS 3.4.0 that shape this file (each one tried):
- Names are addresses in the database: never rename a workflow or a step that may be in flight.
- The version is set by hand. By default it is a hash of the sources, and any edit would strand unfinished work.
- `launch` on the running loop makes workflows run on that loop; DBOS then owns the loop's default executor, so it is
  closed last.
- SQLite: its `unixepoch('subsec')` needs 3.42 on Python 3.12 and newer, and WAL with two connections has 4 to 8 times
  less tail latency than with more, which wait for each other's locks in their sleep; both come with an engine of our
  own, which then has to be prepared as DBOS prepares its own. One process per file, so it is locked before launch.
- Waiting for other workflows is a query every interval for each that waits, so here one asks for all (`Endings`).
- Rows tagged as pickled are unpickled whatever serializer is set: refused here, or write access to the database would
  be code execution.
- A cancelled workflow is told within a second, and only inside of steps; afterwards no step of it works.
"""

from __future__ import annotations

import asyncio
import contextvars
import fcntl
import functools
import json
import logging
import socket
import sqlite3
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from types import ModuleType
from typing import IO, Any, Concatenate, ParamSpec, TypeVar, get_type_hints

import msgspec
import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig, Serializer, SetWorkflowID, _serialization
from dbos import error as dbos_error

from bot import ports
from bot.heartbeat import Heartbeat
from bot.ports import AlarmClock, Unavailable

APPLICATION = "solvebot"
APPLICATION_VERSION = "solvebot-1"  # raise it only when finished steps of old workflows can no longer be replayed
RUNS = "runs"
SANDBOX_PATIENCE = 12 * 3600.0  # seconds that a step waits for sandboxes: for a service that is away, or for room
_SHORTEST_WAIT = 0.2  # seconds
_LONGEST_WAIT = 3600.0
_GRACE = 10.0  # seconds that workflows get to let go of what they hold when the engine is closed

_CLOCK: ContextVar[AlarmClock] = ContextVar("clock")  # of the engine that plays the workflow

P = ParamSpec("P")
R = TypeVar("R")
S = TypeVar("S")


class EngineError(Exception):
    """The engine cannot start; the text says what to do."""


# ------------------------------------------------------------------------------------------------------------ steps


def step(
    name: str, *, patience: float = 0.0
) -> Callable[[Callable[Concatenate[S, P], Awaitable[R]]], Callable[Concatenate[S, P], Coroutine[Any, Any, R]]]:
    """Make a method a durable step: at least once in the world, once in the record.

    `patience`: for how many seconds an `Unavailable` world is asked again, with pauses as it says or from 1 s doubling
    to 60 s; the last error is recorded like a result.
    """

    def decorate(
        method: Callable[Concatenate[S, P], Awaitable[R]],
    ) -> Callable[Concatenate[S, P], Coroutine[Any, Any, R]]:
        @functools.wraps(method)
        async def durable(self: S, *args: P.args, **kwargs: P.kwargs) -> R:
            async def once() -> Any:
                result = await _patiently(lambda: method(self, *args, **kwargs), patience)
                return msgspec.to_builtins(result)

            recorded = await DBOS.run_step_async({"name": name, "preemptible": True}, once)
            return msgspec.convert(recorded, _returned(method))  # type: ignore[no-any-return]

        return durable  # type: ignore[return-value]  # functools.wraps hides the type of self

    return decorate


async def _patiently(attempt: Callable[[], Awaitable[R]], patience: float) -> R:
    clock = _CLOCK.get()
    deadline, pause = clock.now() + timedelta(seconds=patience), 1.0
    while True:
        try:
            return await attempt()
        except Unavailable as error:
            asked_for = pause if error.retry_after is None else error.retry_after
            wait = min(max(asked_for, _SHORTEST_WAIT), _LONGEST_WAIT)  # whatever a server says
            if clock.now() + timedelta(seconds=wait) > deadline:
                raise
            await clock.sleep(wait)
            pause = min(pause * 2, 60.0)


@functools.cache
def _returned(method: Callable[..., Any]) -> Any:
    return get_type_hints(method)["return"]


# ------------------------------------------------------------------------------------------------------ serialization

_ERRORS: dict[str, type[Exception]] = {
    cls.__name__: cls for cls in (ValueError, TypeError, RuntimeError, TimeoutError, KeyError, OSError)
}
_ERRORS |= {n: c for n, c in vars(dbos_error).items() if isinstance(c, type) and issubclass(c, Exception)}
_ERRORS |= {n: c for n, c in vars(ports).items() if isinstance(c, type) and issubclass(c, Exception)}
_PLAIN = (str, int, float, bool, type(None))


class StepFailed(Exception):
    """An error of a step whose class the record cannot bring back."""


class JsonSerializer(Serializer):
    """Readable rows; errors come back as the class they were, so that a replay takes the same branch."""

    def name(self) -> str:
        return "solvebot_json"

    def serialize(self, data: Any) -> str:
        if isinstance(data, BaseException):
            data = {
                "$error": type(data).__name__,
                "message": str(data)[:4000],
                "args": [arg for arg in data.args if isinstance(arg, _PLAIN)],
                "attributes": {k: v for k, v in vars(data).items() if isinstance(v, _PLAIN)},
            }
        return json.dumps(data, separators=(",", ":"), allow_nan=False)

    def deserialize(self, serialized_data: str) -> Any:
        data = json.loads(serialized_data)
        if not (isinstance(data, dict) and "$error" in data):
            return data
        cls = _ERRORS.get(data["$error"])
        if cls is None:
            return StepFailed(f"{data['$error']}: {data['message']}")
        error = cls.__new__(cls)
        error.args = tuple(data["args"])
        vars(error).update(data["attributes"])
        return error


def _refuse_pickle(_self: Any, _data: str) -> Any:
    raise ValueError("a pickled row in the engine's database is refused")


# ------------------------------------------------------------------------------------------------------------- engine


class WorkflowState(StrEnum):
    UNKNOWN = "unknown"
    ACTIVE = "active"
    SUCCEEDED = "succeeded"
    FAILED = "failed"  # raised, or recovered too often
    CANCELLED = "cancelled"


_OVER = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


@dataclass(frozen=True, slots=True)
class Child:
    """A queued workflow that its parent can wait for."""

    id: str


class Endings:
    """Tells whoever waits for workflows that one is over. However many wait, one query each `interval` asks for all."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._waiting: dict[asyncio.Future[str], frozenset[str]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def first(self, ids: Sequence[str]) -> str:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[future] = frozenset(ids)
        if self._asking is None or self._asking.done():
            # In a context of its own: it does not belong to the workflow that happens to wait first.
            self._asking = contextvars.Context().run(asyncio.create_task, self._ask(), name="endings")
            self._asking.add_done_callback(self._stopped)
        try:
            return await future
        finally:
            del self._waiting[future]

    async def _ask(self) -> None:
        while self._waiting:
            ids = frozenset[str]().union(*self._waiting.values())
            over = await _over(sorted(ids))
            for future, wanted in self._waiting.items():
                if (ended := over & wanted) and not future.done():
                    future.set_result(min(ended))
            await asyncio.sleep(self._interval)

    def _stopped(self, asking: asyncio.Task[None]) -> None:
        """When asking failed, everybody who waits is told: each is a step that may be tried again."""
        error = None if asking.cancelled() else asking.exception()
        for future in self._waiting:
            if error is not None and not future.done():
                future.set_exception(error)


async def _over(ids: Sequence[str]) -> frozenset[str]:
    found = await DBOS.list_workflows_async(workflow_ids=list(ids), status=_OVER, load_input=False, load_output=False)
    return frozenset(workflow.workflow_id for workflow in found)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    url: str  # sqlite:///path or postgresql://...
    worker_runs: int = 8
    queue_poll: float = 0.25  # seconds until a queued run is noticed
    result_poll: float = 0.5  # seconds until a finished run is noticed
    recovery_attempts: int = 50  # a workflow that was in flight at that many crashes is given up
    queued_recovery_attempts: int = 10  # ... a queued one sooner, so that it does not take its parent along
    heartbeat: float = 5.0  # PostgreSQL: seconds between signs of life of a worker
    dead_after: float = 30.0  # ... and until another worker takes its work over


class Engine:
    """Register workflows, `launch` on the running loop, start them by name and id, `close` last of all.

    By `clock` go the pauses of steps that have patience.
    """

    def __init__(self, options: EngineOptions, clock: AlarmClock) -> None:
        self._options = options
        self._clock = clock
        self._is_sqlite = options.url.startswith("sqlite")
        self._workflows: dict[str, Callable[[Any], Coroutine[Any, Any, Any]]] = {}
        self._lock: IO[str] | None = None
        self._database: sa.Engine | None = None
        self._heartbeat: Heartbeat | None = None
        self._beating: asyncio.Task[None] | None = None
        self._endings = Endings(options.result_poll)
        self._playing: set[asyncio.Task[Any]] = set()
        self._closing = False
        self.executor_id = "local" if self._is_sqlite else f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}"

    def register(self, name: str, workflow: Callable[[Any], Coroutine[Any, Any, Any]], *, queued: bool = False) -> None:
        """Before `launch`. The workflow takes one argument, annotated with the type that the record is read as.

        `queued`: it is started by `queue`, from a workflow that waits for it.
        """
        hints = get_type_hints(workflow)
        takes = next(hint for key, hint in hints.items() if key != "return")

        async def played(argument: Any) -> Any:
            _CLOCK.set(self._clock)
            with self._interruptible():
                return msgspec.to_builtins(await workflow(msgspec.convert(argument, takes)))

        options = self._options
        attempts = options.queued_recovery_attempts if queued else options.recovery_attempts
        self._workflows[name] = DBOS.workflow(name=name, max_recovery_attempts=attempts)(played)

    async def alone(self, story: Coroutine[Any, Any, R]) -> R:
        """Play a part of the story outside of any workflow: its steps happen, and are not recorded."""
        _CLOCK.set(self._clock)
        return await story

    async def launch(self) -> None:
        _serialization.DefaultSerializer.deserialize = _refuse_pickle  # type: ignore[method-assign, assignment]
        logger = logging.getLogger("dbos")
        if not logger.handlers:  # else DBOS adds a handler of its own, with its own format
            logger.addHandler(logging.NullHandler())
        config = DBOSConfig(
            name=APPLICATION,
            application_version=APPLICATION_VERSION,
            executor_id=self.executor_id,
            serializer=JsonSerializer(),
            log_level="WARNING",
            enable_otlp=False,
            max_executor_threads=64,
            notification_listener_polling_interval_sec=self._options.queue_poll,
        )
        if self._is_sqlite:
            self._database = self._open_sqlite(self._options.url.removeprefix("sqlite:///"))
            config["system_database_engine"] = self._database
        else:
            self._database = sa.create_engine(_psycopg(self._options.url), pool_size=1)
            config["system_database_url"] = self._options.url
            config["sys_db_pool_size"] = 10
            self._heartbeat = Heartbeat(self._database, self.executor_id, dead_after=self._options.dead_after)
            await asyncio.to_thread(self._heartbeat.first)
        await asyncio.to_thread(self._declare_queue)
        dbos = DBOS(config=config)
        # What is taken up again after a restart goes through this queue, which is asked once a second otherwise.
        dbos._registry.get_internal_queue()._polling_interval_sec = self._options.queue_poll
        DBOS.launch()
        if self._heartbeat is not None:
            beating = self._take_over_the_dead(self._heartbeat)
            self._beating = asyncio.create_task(beating, name="engine heartbeat")

    def _declare_queue(self) -> None:
        """Before the launch: it looks what queues there are, and the next look is a second later."""
        client = DBOSClient(system_database_engine=self._database, application_name=APPLICATION, lazy=True)
        try:
            client._sys_db.run_migrations()
            client.register_queue(
                RUNS, worker_concurrency=self._options.worker_runs, polling_interval_sec=self._options.queue_poll
            )
        finally:
            client.destroy()

    async def close(self) -> None:
        """Interrupt what is being worked on: it goes on at the next start, or at once with another worker.

        The loop gets a default executor of its own again.
        """
        self._closing = True
        for task in self._playing:
            task.cancel()
        if self._playing:
            await asyncio.wait(self._playing, timeout=_GRACE)
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(8))  # first: what others still hand to a thread goes there
        destroy = functools.partial(DBOS.destroy, destroy_registry=True)
        await loop.run_in_executor(ThreadPoolExecutor(1), destroy)
        if self._heartbeat is not None:
            await asyncio.to_thread(self._heartbeat.last)
        if self._database is not None:
            self._database.dispose()
        if self._lock is not None:
            self._lock.close()

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Around a workflow. DBOS leaves one that ends by asyncio's own cancellation as it is on record: under way."""
        task = asyncio.current_task()
        assert task is not None
        if self._closing:
            raise asyncio.CancelledError
        self._playing.add(task)
        try:
            yield
        finally:
            self._playing.discard(task)

    # -------------------------------------------------------------------------------------------------- workflows

    async def start(self, name: str, id: str, argument: Any) -> None:
        """Start at once under that id. One that exists, running or finished, is left alone."""
        with SetWorkflowID(id):
            await DBOS.start_workflow_async(self._workflows[name], msgspec.to_builtins(argument))

    async def queue(self, name: str, id: str, argument: Any) -> Child:
        """Start it on the queue of runs, when this or another worker has room for one more."""
        with SetWorkflowID(id):
            await DBOS.enqueue_workflow_async(RUNS, self._workflows[name], msgspec.to_builtins(argument))
        return Child(id)

    async def first_of(self, children: Sequence[Child]) -> str:
        """Inside a workflow: the id of the first that is over, however it ended; the answer is recorded."""
        ids = [child.id for child in children]

        async def first() -> str:
            return await self._endings.first(ids)

        return await DBOS.run_step_async({"name": "first of", "preemptible": True}, first)

    async def state(self, id: str) -> WorkflowState:
        status = await DBOS.get_workflow_status_async(id)
        return WorkflowState.UNKNOWN if status is None else _state(status.status)

    async def cancel(self, id: str) -> None:
        """With its children. Model calls and commands in flight are interrupted within about a second."""
        await DBOS.cancel_workflow_async(id, cancel_children=True)

    async def active(self) -> list[str]:
        """Ids of all workflows that are not over."""
        found = await DBOS.list_workflows_async(
            status=["PENDING", "ENQUEUED", "DELAYED"], load_input=False, load_output=False
        )
        return [workflow.workflow_id for workflow in found]

    async def steps(self, id: str) -> list[str]:
        """Names of the finished steps of a workflow, in order."""
        return [str(row["function_name"]) for row in await DBOS.list_workflow_steps_async(id, load_output=False)]

    async def delete_before(self, iso_time: str) -> int:
        """Retention: drop finished top-level workflows, with their children, that ended before that time."""
        old = await DBOS.list_workflows_async(
            status=_OVER,
            completed_before=iso_time,
            has_parent=False,
            load_input=False,
            load_output=False,
            limit=500,
        )
        if old:
            await DBOS.delete_workflows_async([workflow.workflow_id for workflow in old], delete_children=True)
        return len(old)

    async def alive(self) -> None:
        """For /readyz: the engine's database answers."""
        await DBOS.get_workflow_status_async("readyz")

    # ----------------------------------------------------------------------------------------------------- SQLite

    def _open_sqlite(self, path: str) -> sa.Engine:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._lock = Path(path + ".lock").open("w")  # noqa: SIM115 - held until close
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise EngineError(
                f"another Solvebot is using {path}; stop it, give this one another DATA_DIR, or use PostgreSQL"
            ) from None
        Path(path).touch(mode=0o600)  # what agents were told and saw of private repositories: nobody else's to read
        engine = sa.create_engine(
            f"sqlite:///{path}",
            module=_sqlite(),
            pool_size=2,
            max_overflow=0,
            pool_timeout=60,
            connect_args={"timeout": 30},
        )

        @sa.event.listens_for(engine, "connect")
        def prepared(connection: Any, _record: Any) -> None:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.isolation_level = "IMMEDIATE"  # this and the next as DBOS does it with its own engine
            connection.execute("PRAGMA foreign_keys=ON")

        return engine

    # ------------------------------------------------------------------------------------------------- PostgreSQL

    async def _take_over_the_dead(self, heartbeat: Heartbeat) -> None:
        log = logging.getLogger("bot.engine")
        while True:
            try:
                dead = await asyncio.to_thread(heartbeat.beat, _put_back)
            except sa.exc.OperationalError as error:
                log.warning("engine.heartbeat.missed", extra={"reason": str(error.orig)})
            else:
                if dead:
                    log.warning("engine.workers.dead", extra={"workers": dead})
            await asyncio.sleep(self._options.heartbeat)


def _put_back(living: set[str]) -> list[str]:
    """Let the workflows of all other workers be taken by whoever has room; returns who those are."""
    pending = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
    dead = sorted({workflow.executor_id for workflow in pending if workflow.executor_id} - living)
    if dead:
        DBOS._recover_pending_workflows(dead)
    return dead


def _state(status: str) -> WorkflowState:
    match status:
        case "SUCCESS":
            return WorkflowState.SUCCEEDED
        case "ERROR" | "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
            return WorkflowState.FAILED
        case "CANCELLED":
            return WorkflowState.CANCELLED
        case _:
            return WorkflowState.ACTIVE


def _psycopg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)


def check_sqlite() -> str:
    """The version that the engine would use. Raises `EngineError` when it is too old."""
    return str(_sqlite().sqlite_version)


def _sqlite() -> ModuleType:
    """The newer SQLite that pysqlite3-binary carries, else the interpreter's own if that is new enough."""
    try:
        from pysqlite3 import dbapi2
    except ImportError:
        if sqlite3.sqlite_version_info < (3, 42):
            raise EngineError(
                f"SQLite {sqlite3.sqlite_version} is too old for the engine, which needs 3.42, and pysqlite3-binary "
                "has no build for this machine; use PostgreSQL (DATABASE_URL) or a newer base image"
            ) from None
        return sqlite3
    return dbapi2  # type: ignore[no-any-return]
