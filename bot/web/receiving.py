"""A process that only receives, and what it has in common with one that works, too.

It needs the inbox and no more, and loads no more: neither engine nor SQLAlchemy, agent or client of GitHub.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial

import uvicorn
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from bot import __version__
from bot.clock import SYSTEM_CLOCK
from bot.data_directory import prepare
from bot.disk_checks import premises
from bot.inbox import Inbox, open_inbox
from bot.known_heads import KnownHeads
from bot.ports import Clock, HostBroken
from bot.settings import Settings
from bot.store.heads import pushed
from bot.store.schema import bring_up_to_date, newest_revision
from bot.store.tally import look as tally
from bot.web.health import Check, Leaving, alive_route, health_routes
from bot.web.later import Later, Open
from bot.web.metrics import LATELY, Build, Look, Metrics, Standing, metrics_route
from bot.web.serving import both_ports, keep_for_good, served
from bot.web.webhook import Receiver

LEAST_SECRET = 16  # characters of a webhook secret: who knows it may ask for anything

First = Callable[[Settings], Awaitable[None]]
"""What is seen to as soon as the port is ours, before anything is begun. May raise."""

Behind = Callable[[Settings, Inbox, AsyncExitStack], Awaitable[ASGIApp]]
"""Opens what is behind the receiver; the stack closes it at the end."""


async def nothing_first(_settings: Settings) -> None:
    return None


def may_receive(settings: Settings) -> bool:
    """As far as can be known at once; bot/checks.py says what is wrong, and with what else."""
    try:
        prepare(settings.data)
    except HostBroken:
        return False
    return min(len(secret.reveal()) for secret in settings.webhook_secrets) >= LEAST_SECRET


async def receive(
    settings: Settings, *, first: First = nothing_first, behind: Behind | None = None, pages: Behind | None = None
) -> None:
    """Until a signal: another process works the inbox off. Raises `CannotListen` before anything is begun.

    `behind`: the API, and `pages`, where the settings want them.
    """
    with both_ports(settings) as (public, private):
        await first(settings)
        prepare(settings.data)
        await bring_up_to_date(settings.store_url)
        async with AsyncExitStack() as stack:
            inbox = await open_inbox(settings.store_url, SYSTEM_CLOCK)
            stack.push_async_callback(inbox.close)
            api = partial(behind, settings, inbox, stack) if behind is not None else None
            shown = partial(pages, settings, inbox, stack) if pages is not None else None
            look = at(settings, lambda: _standing(settings.store_url))
            metrics = Metrics(build(settings, "web"))
            operators = for_operators(metrics, {"database": inbox.alive}, look, SYSTEM_CLOCK)
            heads = known_heads(settings, inbox)
            await stack.enter_async_context(heads.kept_fresh())
            keep_for_good()
            leaving = Leaving(settings.leave_seconds)
            app = for_anybody(settings, inbox, api, shown, leaving, heads)
            await served([(app, public), (operators, private)], leaving=leaving)


async def _standing(url: str) -> Standing:
    return Standing(await asyncio.to_thread(tally, url, SYSTEM_CLOCK.now() - LATELY))


def known_heads(settings: Settings, inbox: Inbox) -> KnownHeads:
    return KnownHeads(partial(pushed, settings.store_url), inbox.put, SYSTEM_CLOCK)


def for_anybody(
    settings: Settings,
    inbox: Inbox,
    api: Open | None = None,
    pages: Open | None = None,
    leaving: Leaving | None = None,
    heads: KnownHeads | None = None,
) -> ASGIApp:
    """The receiver in front, which needs the inbox and no more; behind it API and pages, where they are wanted."""
    secrets = [secret.reveal().encode() for secret in settings.webhook_secrets]
    routes: list[BaseRoute] = [alive_route(leaving)]
    if settings.api and api is not None:
        routes.append(Mount("/api/v1", Later(api)))
    if settings.pages and pages is not None:
        routes.append(Mount("/", Later(pages)))
    behind = Starlette(routes=routes)
    trusted = uvicorn.Config(behind, log_config=None).forwarded_allow_ips
    return Receiver(secrets, inbox, ProxyHeadersMiddleware(behind, trusted), heads=heads)  # type: ignore[arg-type]


def for_operators(metrics: Metrics, checks: Mapping[str, Check], look: Look, clock: Clock) -> ASGIApp:
    return Starlette(routes=[*health_routes(checks), metrics_route(metrics, look, clock)])


def build(settings: Settings, role: str) -> Build:
    database = "postgresql" if settings.database_url else "sqlite"
    sandbox = "none" if settings.run_untrusted_code_without_isolation else ",".join(settings.sandbox)
    return Build(__version__, role, newest_revision(), database, sandbox)


def at(settings: Settings, look: Look) -> Look:
    """And how things stand on this machine."""

    async def here() -> Standing:
        return replace(await look(), premises=await asyncio.to_thread(premises, settings.data, settings.backups))

    return here
