"""Settings become adapters: what the story asks of the world, as this deployment wants it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import httpx
from uv import find_uv_bin

from bot.agent.catalogue import CATALOGUE
from bot.agent.model import ChatModel, Provider
from bot.clock import SYSTEM_CLOCK, SystemClock
from bot.core.model import SolveId, prepared_snapshot
from bot.core.resilience.circuit_breaker import Outage
from bot.core.resilience.plan_usage import Plan
from bot.data_directory import prepare
from bot.engine import Engine, EngineOptions
from bot.github.client import Sleep
from bot.github.github import Hub
from bot.github.tokens import AppIdentity
from bot.ports import AlarmClock, Clock, Ledger, Sandboxes, Store, Turns
from bot.registries import this_host
from bot.sandbox.failover import PreferredSandboxes
from bot.sandbox.leases import LendingOptions
from bot.sandbox.local.bubblewrap import BubblewrapOptions, BubblewrapSandboxes
from bot.sandbox.local.installed_toolchains import installed_toolchains
from bot.sandbox.local.process import ProcessOptions, ProcessSandboxes
from bot.sandbox.local.registry_downloads import DownloadOptions
from bot.sandbox.plan_usage import PlanWatch
from bot.sandbox.remote import LeasedSandboxes
from bot.sandbox.request_counts import Account
from bot.sandbox.resilience import Observe, ResilienceOptions, Resilient, outage_of
from bot.settings import Settings
from bot.store.migrate import migrate
from bot.store.store import SqlStore, opened
from bot.web.metrics import Standing, standing

if TYPE_CHECKING:
    from bot.sandbox.e2b.machines import E2BOptions

COMMANDS_PER_PROCESSOR = 4  # in sandboxes, at a time: many of them wait for the disk
REQUEST_DEADLINE = 180.0  # seconds for one request to a service that lends sandboxes, beyond what it is about


def local_sandboxes(settings: Settings, shared: Path | None = None) -> Sandboxes:
    """`shared`: where lies what bots with directories of data of their own have in common; DATA_DIR by default."""
    directory, shared = (settings.data / "sandboxes").absolute(), (shared or settings.data).absolute()
    found = installed_toolchains(this_host().env) if settings.sandbox_installed_toolchains else ()
    toolchains = (*settings.sandbox_toolchains, *found, our_toolchain(shared / "toolchain"))
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
