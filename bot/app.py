"""Where everything is put together: settings become adapters, adapters become the story, the story becomes a server.

This room may import all others, and nothing but the command line imports it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import aiohttp
import httpx
import structlog
from starlette.types import ASGIApp
from uv import find_uv_bin

from bot.advisers import Advice, Advisers
from bot.agent.catalogue import CATALOGUE
from bot.agent.model import ChatModel, Provider
from bot.agent.observed import ObservedModel
from bot.approval import Approvals, WaitingRoom
from bot.batches import BatchBoard
from bot.branch_cleanup import Branches
from bot.clock import SYSTEM_CLOCK, SystemClock
from bot.core.environment.help import HelpPolicy
from bot.core.model import SolveId, prepared_snapshot
from bot.core.render.page_links import NO_PAGES, PageLinks
from bot.core.resilience.circuit_breaker import Outage
from bot.core.resilience.plan_usage import Plan
from bot.core.text.outgoing import Redactor
from bot.data_directory import claim, home_of, prepare
from bot.engine import Engine, EngineOptions
from bot.environment import EnvironmentOptions, Environments
from bot.finish import Conclusion
from bot.github.client import Sleep
from bot.github.github import Hub
from bot.github.mirror import GitMirrors
from bot.github.tokens import AppIdentity
from bot.github.wire import connections
from bot.github.write_pacing import TurnsHere
from bot.inbox import Inbox, open_inbox
from bot.intake import Intake
from bot.judging import CrossExamination, Judge, Prober, Timeouts, Trimmer
from bot.known_heads import KnownHeads
from bot.notifying import Notifying, Target
from bot.notifying import session as telling_session
from bot.onlookers import Within, open_api
from bot.onlookers import server_limits as server_limits
from bot.pages import open_pages
from bot.polling import Polling
from bot.ports import AlarmClock, Clock, Ledger, Sandboxes, Store, Turns, World
from bot.publish import Publisher
from bot.pull_text import PullText
from bot.push import Pusher
from bot.reconciliation import Reconciliation
from bot.registries import SetUpReach, this_host
from bot.republish import Republication
from bot.restoration import Restoration
from bot.revise import Reviser
from bot.rounds import Rounds
from bot.run import Runner, RunOptions
from bot.sandbox.failover import PreferredSandboxes
from bot.sandbox.leases import LendingOptions
from bot.sandbox.local.base import LocalSandboxes
from bot.sandbox.local.bubblewrap import BubblewrapOptions, BubblewrapSandboxes
from bot.sandbox.local.process import ProcessOptions, ProcessSandboxes
from bot.sandbox.local.registry_downloads import DownloadOptions
from bot.sandbox.plan_usage import PlanWatch
from bot.sandbox.remote import LeasedSandboxes
from bot.sandbox.request_counts import Account
from bot.sandbox.resilience import Observe, ResilienceOptions, Resilient, outage_of
from bot.settings import POLL, Settings
from bot.solve import Solver, SolverOptions
from bot.status_comment import StatusBoard, TellOutage, no_outage
from bot.store.heads import pushed
from bot.store.migrate import migrate
from bot.store.store import SqlStore, opened
from bot.temporary_files import temporary_files
from bot.update_branch import Updating
from bot.use_candidate import Exchange
from bot.version_upgrade import Anew
from bot.web.beside import Beside
from bot.web.health import Check
from bot.web.listening import WORKERS, listening
from bot.web.metrics import Look, Metrics, Standing, standing
from bot.web.receiving import First, at, build, for_anybody, for_operators, nothing_first
from bot.web.serving import ENDINGS, both_ports, keep_for_good, served
from bot.worker import Chores, OneOfAll, Worker

if TYPE_CHECKING:
    from bot.sandbox.e2b.machines import E2BOptions

log = structlog.get_logger()

COMMANDS_PER_PROCESSOR = 4  # in sandboxes, at a time: many of them wait for the disk
REQUEST_DEADLINE = 180.0  # seconds for one request to a service that lends sandboxes, beyond what it is about
WORKSPACE_LIMIT = 1024**3  # bytes of a workspace that are looked at for a candidate


@dataclass(frozen=True, slots=True)
class Bot:
    """The story on top of a world."""

    world: World
    engine: Engine
    judge: Judge
    board: StatusBoard
    solver: Solver
    intake: Intake
    reconciliation: Reconciliation


def redactor(settings: Settings) -> Redactor:
    """By exact value and by shape, for everything that leaves."""
    return Redactor(settings.secrets)


def environment_options(settings: Settings) -> EnvironmentOptions:
    return EnvironmentOptions(
        settings.setup_hosts,
        SetUpReach(settings.setup_hosts, this_host()),
        settings.setup_timeout,
        settings.search_minutes * 60,
        WORKSPACE_LIMIT,
        has_homes(settings),
    )


def help_policy(settings: Settings) -> HelpPolicy:
    return HelpPolicy(settings.setup_agent, settings.setup_agent_dollars, settings.setup_agent_steps)


def solver_options(settings: Settings) -> SolverOptions:
    longest = max(settings.command_timeout, settings.test_timeout)
    return SolverOptions(server_limits(settings), settings.command_timeout, longest, help_policy(settings))


def make_anew_elsewhere(settings: Settings, world: World, environments: Environments) -> None:
    """Where workers have a disk each, a snapshot that is on another one's is made anew."""
    if has_homes(settings) and isinstance(world.sandboxes, LocalSandboxes):
        world.sandboxes.restore = Restoration(world.store, world.sandboxes, environments).restore


def assemble(settings: Settings, world: World, engine: Engine, tell_outage: TellOutage = no_outage) -> Bot:
    """Wire the story to the world and give its workflows their names. Before the engine is launched."""
    hide = redactor(settings)
    links = PageLinks(settings.public_url) if settings.pages else NO_PAGES
    batches = BatchBoard(world.github, world.store, hide)
    board = StatusBoard(world.github, world.store, hide, tell_outage, links, batches)
    conclusion = Conclusion(world.github, world.store, world.sandboxes, board, engine, world.clock)
    timeouts = Timeouts(settings.test_timeout, settings.command_timeout)
    judge = Judge(world.mirrors, world.sandboxes, timeouts, times=settings.baseline_repeats)
    cross_examination = CrossExamination(world.mirrors, world.sandboxes, timeouts)
    prober = Prober(world.mirrors, world.sandboxes, timeouts)
    publisher = Publisher(world.github, world.mirrors, world.store, hide, links)
    environments = Environments(world, judge, environment_options(settings))
    solver = Solver(
        world,
        engine,
        environments,
        judge,
        cross_examination,
        prober,
        Trimmer(judge, cross_examination, prober),
        Advisers(world, Advice(settings.issue_tests, settings.comparer)),
        Rounds(world.store, board),
        publisher,
        WaitingRoom(world.store, board, conclusion, world.clock),
        board,
        conclusion,
        solver_options(settings),
    )
    runner = Runner(world, judge, hide, RunOptions(WORKSPACE_LIMIT, has_homes(settings)))
    text = PullText(world.github, world.store, hide, links)
    server, site = server_limits(settings), settings.server_url
    intake = Intake(world.github, world.store, engine, conclusion, world.clock, server, hide, site, batches, text)
    reviser = Reviser(world, solver, judge, Pusher(world, judge, hide), board, conclusion, hide, text)
    make_anew_elsewhere(settings, world, environments)
    anew = Anew(world.store, engine, solver, reviser, runner, conclusion)
    engine.register("intake", intake.handle)
    engine.register("solve", solver.solve, anew=anew.solve)
    engine.register("revise", reviser.revise, anew=anew.revise)
    engine.register("run", runner.run, queued=True, anew=anew.run)
    engine.register("update", Updating(world, engine, intake.reviews, text, hide, intake.claim).update)
    engine.register("use", Exchange(world, board, hide).use)
    engine.register("republish", Republication(world, publisher, board).publish)
    approvals = Approvals(world, publisher, board, conclusion, solver.to_its_end)
    engine.register("publish approved", approvals.publish)
    engine.register("end unapproved", approvals.end)
    engine.register("give up", conclusion.give_up)
    reconciliation = Reconciliation(world.github, world.store, engine, board, conclusion, world.clock)
    engine.register("call off", reconciliation.call_off)
    return Bot(world, engine, judge, board, solver, intake, reconciliation)


# ------------------------------------------------------------------------------------------------------------ adapters


def local_sandboxes(settings: Settings, shared: Path | None = None) -> Sandboxes:
    """`shared`: where lies what bots with directories of data of their own have in common; DATA_DIR by default."""
    directory, shared = (settings.data / "sandboxes").absolute(), (shared or settings.data).absolute()
    toolchains = (*settings.sandbox_toolchains, our_toolchain(shared / "toolchain"))
    path = tuple(str(toolchain / "bin") for toolchain in toolchains)
    memory, disk = settings.sandbox_memory * 1024**2, settings.sandbox_disk * 1024**2
    at_once = settings.sandbox_commands or COMMANDS_PER_PROCESSOR * len(os.sched_getaffinity(0))
    if settings.run_untrusted_code_without_isolation:
        return ProcessSandboxes(ProcessOptions(directory, path=path, memory=memory, disk=disk, at_once=at_once))
    return BubblewrapSandboxes(
        BubblewrapOptions(
            directory,
            toolchains=toolchains,
            path=path,
            memory=memory,
            disk=disk,
            executable=settings.bubblewrap,
            at_once=at_once,
            allow_private=settings.setup_private_networks,
            downloads=download_options(settings, shared / "downloads"),
        )
    )


def download_options(settings: Settings, directory: Path) -> DownloadOptions | None:
    if not settings.download_cache:
        return None
    return DownloadOptions(directory, settings.download_cache * 1024**2, settings.setup_private_networks)


def our_toolchain(directory: Path) -> Path:
    """What we show in every sandbox ourselves: uv, a single program that needs nothing else."""
    uv = directory / "bin" / "uv"
    if not uv.exists():
        uv.parent.mkdir(parents=True, exist_ok=True)
        ours = uv.with_name(f".uv-{os.getpid()}")
        ours.unlink(missing_ok=True)
        try:
            os.link(find_uv_bin(), ours)  # 60 MB
        except OSError:  # another file system
            shutil.copy(find_uv_bin(), ours)
        ours.replace(uv)
    return directory


@dataclass(frozen=True, slots=True)
class Lending:
    """What services lend us, and the account of it."""

    ledger: Ledger
    providers: Sequence[Resilient]
    sandboxes: LeasedSandboxes
    watch: PlanWatch


@asynccontextmanager
async def lending(
    settings: Settings, store: SqlStore, clock: AlarmClock = SYSTEM_CLOCK, observe: Observe = lambda *_: None
) -> AsyncIterator[Lending]:
    """Of E2B, one provider for each domain. At the end the account is written down."""
    from bot.sandbox.e2b.machines import (
        E2BProvider,  # here: its SDK takes 19 MB and 0.4 s, which only those pay who use it
    )

    ledger = store.ledger
    account = Account(ledger)
    pace = ResilienceOptions(create_every=1 / settings.e2b_creations, deadline=REQUEST_DEADLINE)
    providers = [
        Resilient(E2BProvider(options), ledger, account, clock, pace, observe=observe)
        for options in e2b_options(settings, await ledger.instance())
    ]
    options = LendingOptions(
        seconds=settings.e2b_seconds,
        at_most=settings.e2b_machines,
        templates=settings.e2b_templates,
        read=settings.read_timeout,
        warm=settings.e2b_warm,
    )
    plans = [Plan(provider.name, settings.e2b_creations, settings.e2b_machines) for provider in providers]
    watch = PlanWatch(ledger, clock, plans)
    try:
        yield Lending(ledger, providers, LeasedSandboxes(providers, ledger, clock, options, watch), watch)
    finally:
        await account.close()


def e2b_options(settings: Settings, instance: str) -> Iterator[E2BOptions]:
    from bot.sandbox.e2b.machines import E2BOptions

    for domain in settings.e2b_domains or ("",):
        name = f"e2b:{domain}" if domain else "e2b"
        yield E2BOptions(settings.e2b_key.reveal(), instance, name, domain=domain, api_url=settings.e2b_url)


@dataclass(frozen=True, slots=True)
class Housing:
    """Where commands run. `lending` is None where all of them run on this machine."""

    sandboxes: Sandboxes
    lending: Lending | None = None

    async def outage(self, id: SolveId) -> Outage | None:
        """Of the service that has this solve's sandboxes; of what runs here there is none."""
        if self.lending is None:
            return None
        ledger = self.lending.ledger
        if self.sandboxes is not self.lending.sandboxes and await ledger.image(prepared_snapshot(id)) is None:
            return None
        return await outage_of(ledger, [provider.name for provider in self.lending.providers])

    async def standing(self, store: Store, clock: Clock) -> Standing:
        if self.lending is None:
            return await standing(store, clock)
        names = [provider.name for provider in self.lending.providers]
        return await standing(store, clock, self.lending.ledger, names, self.lending.watch.quotas)


@asynccontextmanager
async def housing(
    settings: Settings,
    store: SqlStore,
    clock: AlarmClock = SYSTEM_CLOCK,
    observe: Observe = lambda *_: None,
    shared: Path | None = None,
) -> AsyncIterator[Housing]:
    """Where the settings want it; `shared` as for `local_sandboxes`. Raises `SandboxUnusable`."""
    local = local_sandboxes(settings, shared)
    async with AsyncExitStack() as stack:
        if "e2b" not in settings.sandbox:
            found = Housing(local)
        else:
            lent = await stack.enter_async_context(lending(settings, store, clock, observe))
            alone = settings.sandbox == ("e2b",)
            found = Housing(lent.sandboxes if alone else PreferredSandboxes(lent.sandboxes, local), lent)
        await found.sandboxes.check()
        yield found


@asynccontextmanager
async def the_store(settings: Settings) -> AsyncIterator[SqlStore]:
    """Migrated, and with a catalogue to start with. Raises `WorldError` or `WrongSchema`."""
    prepare(settings.data)
    await asyncio.to_thread(migrate, settings.store_url)
    async with opened(settings.store_url, web_url=settings.server_url) as store:
        if not await store.models(active_only=False):
            for spec in CATALOGUE:
                await store.save_model(spec)
        yield store


@asynccontextmanager
async def http_session() -> AsyncIterator[aiohttp.ClientSession]:
    """One for all models: its pool is what makes a call cheap. Limits are the callers' own."""
    connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=60)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield session


def chat_model(settings: Settings, session: aiohttp.ClientSession) -> ChatModel:
    providers = {settings.model_provider: Provider(settings.model_url, settings.model_key.reveal())}
    return ChatModel(
        session, providers, concurrency=settings.worker_runs, allow_unknown_price=settings.allow_unknown_prices
    )


def hub(
    settings: Settings,
    pool: httpx.AsyncBaseTransport,
    clock: SystemClock,
    sleep: Sleep = asyncio.sleep,
    turns: Turns | None = None,
) -> Hub:
    """`turns`: where other workers write as well."""
    return Hub(
        pool,
        AppIdentity(settings.app_id, settings.private_key.reveal()),
        clock,
        api_url=settings.api_url,
        server_url=settings.server_url,
        write_interval=settings.write_interval,
        sleep=sleep,
        turns=turns,
    )


def engine_options(settings: Settings) -> EngineOptions:
    return EngineOptions(
        settings.engine_url,
        settings.worker_runs,
        queue_poll=settings.poll,
        result_poll=settings.poll,
        grace=settings.stop_seconds,
    )


def has_homes(settings: Settings) -> bool:
    """Do several workers share a database, with sandboxes that are on the disk of one of them?"""
    return bool(settings.database_url) and settings.sandbox != ("e2b",)


def engine(settings: Settings, options: EngineOptions | None = None, clock: AlarmClock = SYSTEM_CLOCK) -> Engine:
    """`options` instead of what the settings say."""
    return Engine(options or engine_options(settings), clock)


# ------------------------------------------------------------------------------------------------------------- serving


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
        telling = await notifying(settings, store, clock, stack)
        doing = worker.work(github, polling, Branches(github, store, clock), bot.reconciliation, heads, telling)
        working = asyncio.create_task(doing, name="worker")
        stack.push_async_callback(_stopped, working)
        checks = {"database": store.alive, "engine": motor.alive, "key": github.signs, **checks}
        look = partial(_with_money, settings, store, clock, partial(house.standing, store, clock))
        pages = for_operators(metrics, checks, at(settings, look), clock)
        within = Within(github, store, inbox, clock)
        api, shown = partial(open_api, settings, within), partial(open_pages, settings, within, session)
        app = for_anybody(settings, inbox, api, shown, heads=heads)
        yield Running(bot, app, pages, inbox, worker, working, store, heads)


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
