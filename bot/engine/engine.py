"""Workflows: registered under names, started under ids, waited for, and played again when nobody plays them."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import logging
import socket
import uuid
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import IO, Any, TypeAlias, TypeVar, get_type_hints

import msgspec
import sqlalchemy as sa
import structlog
from dbos import DBOS, DBOSClient, DBOSConfig, SetEnqueueOptions, SetWorkflowID, _serialization

from bot.engine import homes, record
from bot.engine.endings import OVER, Child, Endings
from bot.engine.options import EngineOptions
from bot.engine.sqlite import EngineError, open_sqlite
from bot.engine.steps import PLAY, Play
from bot.engine.workflow_state import WorkflowState, workflow_state
from bot.heartbeat import Buried, Heartbeat
from bot.ports import AlarmClock, Unavailable

APPLICATION = "solvebot"
APPLICATION_VERSION = "solvebot-1"  # another one strands all that is in flight: what cannot be read begins anew instead
_GRACE = 10.0  # seconds that workflows get to let go of what they hold when the engine is closed

R = TypeVar("R")
Workflow: TypeAlias = Callable[[Any], Coroutine[Any, Any, Any]]

log = structlog.get_logger()


class Engine:
    """Register workflows, `launch` on the running loop, start them by name and id, `close` last of all.

    By `clock` go the pauses of steps that have patience.
    """

    def __init__(self, options: EngineOptions, clock: AlarmClock) -> None:
        self._options = options
        self._clock = clock
        self._is_sqlite = options.url.startswith("sqlite")
        self._workflows: dict[str, Workflow] = {}
        self._takes: dict[str, Any] = {}
        self._lock: IO[str] | None = None
        self._database: sa.Engine | None = None
        self._heartbeat: Heartbeat | None = None
        self._chores: list[asyncio.Task[None]] = []
        self._endings = Endings(options.result_poll)
        self._playing: dict[asyncio.Task[Any], Play] = {}
        self._unplayed: set[str] = set()
        self._closing = False
        self._buried = asyncio.Event()
        self.executor_id = "local" if self._is_sqlite else _new_name(options.home)

    def register(self, name: str, workflow: Workflow, *, queued: bool = False, anew: Workflow | None = None) -> None:
        """Before `launch`. The workflow takes one argument, annotated with the type that the record is read as.

        `queued`: it is started by `queue`, from a workflow that waits for it. `anew`: what is played from the beginning
        in its place, where what is on record of it cannot be read; otherwise that is the workflow itself.
        """
        takes = self._takes[name] = next(hint for key, hint in get_type_hints(workflow).items() if key != "return")

        async def played(argument: Any) -> Any:
            with self._interruptible():
                value = msgspec.convert(argument, takes)
                try:
                    return msgspec.to_builtins(await workflow(value))
                except record.Unreadable as error:
                    await self._forget(error)
                try:
                    return msgspec.to_builtins(await (anew or workflow)(value))
                except record.Unreadable as error:
                    raise EngineError(f"{name} cannot read what it has written itself: {error}") from error

        options = self._options
        attempts = options.queued_recovery_attempts if queued else options.recovery_attempts
        self._workflows[name] = DBOS.workflow(name=name, max_recovery_attempts=attempts)(played)

    @property
    def arguments(self) -> Mapping[str, Any]:
        """Of each workflow the type that it takes."""
        return dict(self._takes)

    @property
    def playing(self) -> Sequence[str]:
        """Ids of those that are played here at the moment."""
        return [play.id for play in self._playing.values()]

    async def alone(self, story: Coroutine[Any, Any, R]) -> R:
        """Play a part of the story outside of any workflow: its steps happen, and are not recorded."""
        PLAY.set(Play("", self._clock, lambda: self._closing))
        return await story

    async def launch(self) -> None:
        _serialization.DefaultSerializer.deserialize = record.refuse_pickle  # type: ignore[method-assign, assignment]
        logger = logging.getLogger("dbos")
        if not logger.handlers:  # else DBOS adds a handler of its own, with its own format
            logger.addHandler(logging.NullHandler())
        config = DBOSConfig(
            name=APPLICATION,
            application_version=APPLICATION_VERSION,
            executor_id=self.executor_id,
            serializer=record.JsonSerializer(),
            log_level="WARNING",
            enable_otlp=False,
            max_executor_threads=64,
            notification_listener_polling_interval_sec=self._options.queue_poll,
        )
        if self._is_sqlite:
            self._database, self._lock = open_sqlite(
                self._options.url.removeprefix("sqlite:///"), self._options.instance
            )
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
        if self._options.home:
            home = self._options.home
            DBOS.listen_queues([homes.RUNS, homes.runs_of(home), homes.rest_of(home)])
        DBOS.launch()
        self._chores.append(asyncio.create_task(self._look_forever(), name="engine look"))
        if self._heartbeat is not None:
            beating = self._take_over_the_dead(self._heartbeat)
            self._chores.append(asyncio.create_task(beating, name="engine heartbeat"))

    def _declare_queue(self) -> None:
        """Before the launch: it looks what queues there are, and the next look is a second later."""
        client = DBOSClient(system_database_engine=self._database, application_name=APPLICATION, lazy=True)
        try:
            client._sys_db.run_migrations()
            poll, home = self._options.queue_poll, self._options.home
            for runs in {homes.RUNS, homes.runs_of(home)}:
                client.register_queue(runs, worker_concurrency=self._options.worker_runs, polling_interval_sec=poll)
            if home:
                client.register_queue(homes.rest_of(home), polling_interval_sec=poll)
        finally:
            client.destroy()

    async def close(self) -> None:
        """What is being done gets `grace` to end, and nothing new is begun. The rest goes on at the next start, or at
        once with another worker.

        The loop gets a default executor of its own again.
        """
        self._closing = True
        await self._drain()
        for chore in self._chores:
            chore.cancel()
            with suppress(asyncio.CancelledError):
                await chore
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

    async def _drain(self) -> None:
        """Who waits for somebody is interrupted at once; who is doing something, when the time is over."""
        for task, play in self._playing.items():
            if not play.busy:
                task.cancel()
        if self._playing:
            log.info("engine.draining", workflows=sorted(self.playing), seconds=self._options.grace)
            await asyncio.wait([*self._playing], timeout=self._options.grace)
        for task in self._playing:
            task.cancel()
        if self._playing:
            await asyncio.wait([*self._playing], timeout=_GRACE)

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Around a workflow. DBOS leaves one that ends by asyncio's own cancellation as it is on record: under way."""
        task = asyncio.current_task()
        assert task is not None
        play = Play(str(DBOS.workflow_id), self._clock, lambda: self._closing)
        play.goes_on()
        PLAY.set(play)
        self._playing[task] = play
        try:
            yield
        except record.Unrecorded as error:
            log.error("engine.unrecorded", workflow=play.id, reason=str(error))
            raise
        finally:
            del self._playing[task]

    async def _forget(self, error: record.Unreadable) -> None:
        """Nothing of the workflow is on record any more. What it has started is, and is found by its id."""
        id = PLAY.get().id
        log.error("engine.unreadable", workflow=id, reason=str(error))
        with record.on_record():
            await asyncio.to_thread(record.forget)

    # -------------------------------------------------------------------------------------------------- workflows

    async def start(self, name: str, id: str, argument: Any) -> None:
        """Start at once under that id. One that exists, running or finished, is left alone."""
        with _own_errors(), SetWorkflowID(id):
            await DBOS.start_workflow_async(self._workflows[name], msgspec.to_builtins(argument))

    async def queue(
        self, name: str, id: str, argument: Any, *, ahead: Callable[[], Awaitable[int]] | None = None
    ) -> Child:
        """Start it on the queue of runs, when this worker, or another one of its home, has room for one more.

        `ahead`: how many of the same party are not over. Who has few goes before who has many, whenever they came.
        """
        PLAY.get().goes_on()
        place, queue = await _place_in_line(ahead), homes.runs_of(self._options.home)
        with record.on_record(), SetWorkflowID(id), SetEnqueueOptions(priority=place):
            await DBOS.enqueue_workflow_async(queue, self._workflows[name], msgspec.to_builtins(argument))
        return Child(id)

    async def first_of(self, children: Sequence[Child]) -> str:
        """Inside a workflow: the id of the first that is over, however it ended; the answer is recorded."""
        ids = [child.id for child in children]

        async def first() -> str:
            return await self._endings.first(ids)

        PLAY.get().goes_on()
        with record.on_record():
            return await DBOS.run_step_async({"name": "first of", "preemptible": True}, first)

    async def state(self, id: str) -> WorkflowState:
        with _own_errors():
            status = await DBOS.get_workflow_status_async(id)
        return WorkflowState.UNKNOWN if status is None else workflow_state(status.status)

    async def cancel(self, id: str) -> None:
        """With its children. What of them is played here has ended when this returns, on other workers about a second
        later.
        """
        with _own_errors():
            await DBOS.cancel_workflow_async(id, cancel_children=True)
            cancelled = await apart(record.cancelled, self.playing)
        await self._interrupt(cancelled)

    async def _interrupt(self, ids: Collection[str]) -> None:
        """Not whoever asks for it."""
        asking = PLAY.get(None)
        theirs = [task for task, play in self._playing.items() if play.id in ids and play is not asking]
        for task in theirs:
            task.cancel()
        if theirs:
            await asyncio.wait(theirs, timeout=_GRACE)

    async def withdraw(self, ids: Sequence[str]) -> None:
        """Stop and forget them, so that they can be started anew under their ids. This itself is on no record."""
        with _own_errors():
            await apart(record.cancel, ids)
            await self._interrupt(ids)
            await apart(record.delete, ids)

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
        with _own_errors():
            old = await DBOS.list_workflows_async(
                status=OVER,
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

    # -------------------------------------------------------------------------------------- what nobody plays

    async def _look_forever(self) -> None:
        while True:
            await asyncio.sleep(self._options.heartbeat)
            try:
                await self.play_again()
            except sa.exc.SQLAlchemyError as error:
                log.warning("engine.look.postponed", reason=str(error))

    async def play_again(self) -> list[str]:
        """Those of ours that are under way on record and that nobody plays are played again; returns their ids.

        Their tasks ended when the engine's database took no more. One that nobody played at the last look either is
        not only about to begin.
        """
        ours = await asyncio.to_thread(record.under_way, self.executor_id)
        unplayed = ours - {play.id for play in self._playing.values()}
        stranded = sorted(unplayed & self._unplayed)
        self._unplayed = unplayed
        if stranded and not self._closing:
            log.warning("engine.stranded", workflows=stranded)
            queue = homes.rest_of(self._options.home)
            await asyncio.to_thread(record.put_back, stranded, self.executor_id, queue)
        return stranded

    async def until_buried(self) -> None:
        """Raises `EngineError` when others took us for dead while we were stopped or cut off: they do what was ours."""
        await self._buried.wait()
        raise EngineError("other workers have taken this one for dead; it has to be started again")

    async def _take_over_the_dead(self, heartbeat: Heartbeat) -> None:
        while True:
            try:
                dead = await asyncio.to_thread(heartbeat.beat, self._put_back)
            except sa.exc.OperationalError as error:
                log.warning("engine.heartbeat.missed", reason=str(error.orig))
            except Buried:
                log.error("engine.buried", worker=self.executor_id)
                self._buried.set()
                for task in self._playing:
                    task.cancel()
                return
            else:
                if dead:
                    log.warning("engine.workers.dead", workers=dead)
            await asyncio.sleep(self._options.heartbeat)

    def _put_back(self, living: frozenset[str]) -> list[str]:
        """Let the workflows of all other workers be taken by whoever has room; returns who those are."""
        return homes.inherit(living, self._options.home, APPLICATION_VERSION)


async def apart(work: Callable[[Sequence[str]], R], ids: Sequence[str]) -> R:
    """In a thread that knows of no workflow: what is asked of DBOS there becomes no step of one."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, contextvars.Context().run, work, ids)


def _own_errors() -> AbstractContextManager[None]:
    """The engine's own errors are for the engine where a workflow meets them, and for whoever asked otherwise."""
    return record.on_record() if record.is_in_workflow() else record.asked()


async def _place_in_line(ahead: Callable[[], Awaitable[int]] | None) -> int:
    """The first is 1."""
    try:
        return 1 + max(0, await ahead()) if ahead is not None else 1
    except Unavailable:
        return 1


def _new_name(home: str) -> str:
    """Of a worker: another one at each start."""
    name = f"{socket.gethostname()}-{uuid.uuid4().hex[:8]}".replace("@", "-")
    return f"{name}@{home}" if home else name


def _psycopg(url: str) -> str:
    return url.replace("postgresql://", "postgresql+psycopg://", 1)
