"""Where everything is put together: adapters (adapters.py) and the story (assembly.py) become a server.

This room may import all others, and nothing but what people start imports it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType

import aiohttp
from starlette.types import ASGIApp

from bot.adapters import (
    chat_model,
    engine,
    engine_options,
    has_homes,
    housing,
    http_session,
    hub,
    the_store,
)
from bot.agent.observed import ObservedModel
from bot.assembly import Bot, assemble, redactor
from bot.branch_cleanup import Branches
from bot.clock import SYSTEM_CLOCK
from bot.data_directory import claim, home_of
from bot.declared_settings import POLL
from bot.engine import EngineOptions
from bot.github.client import Sleep
from bot.github.mirror import GitMirrors
from bot.github.wire import connections
from bot.github.write_pacing import TurnsHere
from bot.inbox import Inbox, open_inbox
from bot.known_heads import KnownHeads
from bot.notifying import Notifying, Target
from bot.notifying import session as telling_session
from bot.onlookers import Within, open_api
from bot.pages import open_pages
from bot.polling import Polling
from bot.ports import AlarmClock, Clock, Store, World
from bot.settings import Settings
from bot.store.heads import pushed
from bot.store.store import SqlStore
from bot.temporary_files import temporary_files
from bot.web.beside import Beside
from bot.web.health import Check
from bot.web.listening import WORKERS, listening
from bot.web.metrics import Look, Metrics, Standing
from bot.web.receiving import First, at, build, for_anybody, for_operators, nothing_first
from bot.web.serving import ENDINGS, both_ports, keep_for_good, served
from bot.worker import Chores, OneOfAll, Worker


@dataclass(frozen=True, slots=True)
class Running:
    """A bot at work, for those who start one themselves: `serve`, the demo, the stories."""

    bot: Bot
    app: ASGIApp  # for anybody: /webhook, /healthz
    pages: ASGIApp  # how it does, for the operator: /healthz, /readyz, /metrics
    inbox: Inbox
    worker: Worker
    working: asyncio.Task[None]
    store: SqlStore
    heads: KnownHeads


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    sleep: Sleep = asyncio.sleep,
    options: EngineOptions | None = None,
    clock: AlarmClock = SYSTEM_CLOCK,
    role: str = "serve",
    checks: Mapping[str, Check] = MappingProxyType({}),
) -> AsyncIterator[Running]:
    """Web and worker in one process. `sleep` is how GitHub's limits are waited out, `options` what the engine gets.

    `clock` is what the story, its sandboxes and its chores go by. What we tell GitHub goes by the system's. `role` is
    what metrics call this process, `checks` what it needs besides.

    Raises `WorldError`, `EngineError` or `WrongSchema` before anything runs.
    """
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(the_store(settings))
        instance = await store.ledger.instance()
        claim(settings.data, instance)
        stack.enter_context(temporary_files(settings.data / "tmp"))
        metrics = Metrics(build(settings, role))
        house = await stack.enter_async_context(housing(settings, store, clock, metrics.operation))
        inbox = await open_inbox(settings.store_url, clock)
        stack.push_async_callback(inbox.close)
        session = await stack.enter_async_context(http_session())
        turns = store.turns if settings.database_url else None
        github = hub(settings, await stack.enter_async_context(connections()), SYSTEM_CLOCK, sleep, turns)
        home = home_of(settings.data) if has_homes(settings) else ""
        motor = engine(settings, replace(options or engine_options(settings), instance=instance, home=home), clock)
        mirrors = GitMirrors(settings.data / "mirrors", remote=github.remote, most_disk=settings.mirrors * 1024**2)
        model = ObservedModel(chat_model(settings, session), metrics.model_call)
        bot = assemble(settings, World(github, mirrors, house.sandboxes, model, store, clock), motor, house.outage)
        await motor.launch()
        stack.push_async_callback(motor.close)
        chores = Chores(settings.status_interval, settings.sweep_interval, settings.retention_days)
        alone = OneOfAll(turns or TurnsHere(clock), motor.executor_id)
        worker = Worker(inbox, motor, store, house.sandboxes, bot.board, clock, chores, metrics.missed, alone)
        heads = KnownHeads(partial(pushed, settings.store_url), inbox.put, clock)
        polling = Polling(github, inbox, clock, heads) if settings.deliveries == POLL else None
        notifies = await notifying(settings, store, clock, stack)
        looks = (Branches(github, store, clock), bot.reconciliation, heads, bot.stale, notifies)
        working = asyncio.create_task(worker.work(github, polling, *looks), name="worker")
        stack.push_async_callback(_stopped, working)
        checks = {"database": store.alive, "engine": motor.alive, "key": github.signs, **checks}
        look = partial(_with_money, settings, store, clock, partial(house.standing, store, clock))
        pages = for_operators(metrics, checks, at(settings, look), clock)
        app = _public(settings, Within(github, store, inbox, clock), session, heads)
        yield Running(bot, app, pages, inbox, worker, working, store, heads)


def _public(settings: Settings, within: Within, session: aiohttp.ClientSession, heads: KnownHeads) -> ASGIApp:
    """API and pages are opened when somebody first asks for them."""
    api, shown = partial(open_api, settings, within), partial(open_pages, settings, within, session)
    return for_anybody(settings, within.inbox, api, shown, heads=heads)


async def notifying(settings: Settings, store: SqlStore, clock: Clock, stack: AsyncExitStack) -> Notifying | None:
    """Where the operator names an address that is to be told."""
    if not settings.notify_url:
        return None
    pages = settings.public_url.rstrip("/") if settings.pages else ""
    target = Target(settings.notify_url, settings.notify_secret.reveal(), settings.notify_private, pages)
    opened = await stack.enter_async_context(telling_session(target))
    return Notifying(store.outbox, store, clock, redactor(settings), target, opened)


async def _with_money(settings: Settings, store: Store, clock: Clock, look: Look) -> Standing:
    """How things stand, and how the operator's budgets do."""
    spent = await store.spent(settings.budgets, clock.now()) if settings.budgets else ()
    return replace(await look(), spent=spent)


async def serve(settings: Settings, *, options: EngineOptions | None = None, first: First = nothing_first) -> None:
    """Until a signal, or until the worker breaks; a process of its own receives. Raises `CannotListen` first."""
    with both_ports(settings) as (public, private):
        await first(settings)
        receiver = Beside(settings, public)
        async with (
            running(settings, options=options, checks={"receiver": receiver.answers}) as bot,
            receiver.kept(bot.inbox) as receiving,
        ):
            keep_for_good()
            await served([(bot.pages, private)], bot.working, receiving)
            if bot.working.done():
                bot.working.result()


async def serve_work(settings: Settings, *, first: First = nothing_first) -> None:
    """Work only, until a signal. With WORKER_PORT, how it does can be asked. Raises `CannotListen` first."""
    with ExitStack() as stack:
        port = settings.worker_port
        sockets = stack.enter_context(listening(settings.metrics_host, port, WORKERS)) if port else None
        await first(settings)
        async with running(settings, role="worker") as bot:
            keep_for_good()
            await (served([(bot.pages, sockets)], bot.working) if sockets else _until_a_signal(bot.working))
            if bot.working.done():
                bot.working.result()


async def _until_a_signal(work: asyncio.Task[None]) -> None:
    """Or until the work is over."""
    signalled = asyncio.Event()
    for number in ENDINGS:
        asyncio.get_running_loop().add_signal_handler(number, signalled.set)
    waiting = asyncio.create_task(signalled.wait())
    await asyncio.wait([waiting, work], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


async def _stopped(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
