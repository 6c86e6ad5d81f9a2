"""What is open to those who look on and steer: the API, put together from the settings.

Nothing of it is loaded before somebody asks for it (`Later`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from bot.clock import SYSTEM_CLOCK
from bot.core.choosing.experiments import ServerLimits
from bot.core.text.outgoing import Redactor
from bot.declared_settings import Secret
from bot.inbox import Inbox
from bot.ports import Clock, GitHub
from bot.settings import Settings
from bot.store.store import SqlStore, opened
from bot.web.administrators import Administrators
from bot.web.events import Feed
from bot.web.permissions import Permissions
from bot.web.reading import Reading
from bot.web.together import Together

if TYPE_CHECKING:
    from bot.web.api.services import Services
    from bot.web.shown_settings import SettingView


@dataclass(frozen=True, slots=True)
class Within:
    """What the process has already, in which this is opened."""

    github: GitHub
    store: SqlStore
    inbox: Inbox
    clock: Clock = SYSTEM_CLOCK


def server_limits(settings: Settings) -> ServerLimits:
    return ServerLimits(settings.limits, settings.models, settings.attempts, settings.max_attempts, settings.budgets)


async def open_api(settings: Settings, within: Within) -> ASGIApp:
    """Loaded beside the loop: it takes a second, in which GitHub delivers."""
    return await asyncio.to_thread(_api, settings, within)


async def open_api_alone(settings: Settings, inbox: Inbox, stack: AsyncExitStack) -> ASGIApp:
    return await open_api(settings, await alone(settings, inbox, stack))


async def alone(settings: Settings, inbox: Inbox, stack: AsyncExitStack) -> Within:
    """Where there is but a receiver: with a client of GitHub and a store of its own, which `stack` closes."""
    from bot.github.github import Hub
    from bot.github.tokens import AppIdentity
    from bot.github.wire import connections

    store = await stack.enter_async_context(opened(settings.store_url, web_url=settings.server_url))
    pool = await stack.enter_async_context(connections())
    app = AppIdentity(settings.app_id, settings.private_key.reveal())
    github = Hub(pool, app, SYSTEM_CLOCK, api_url=settings.api_url, server_url=settings.server_url)
    return Within(github, store, inbox)


def _api(settings: Settings, within: Within) -> ASGIApp:
    from bot.web.api.application import api

    return api(services(settings, within))


def services(settings: Settings, within: Within) -> Services:
    from bot.web.api.rates import Rates
    from bot.web.api.services import Services

    store, redact = within.store, Redactor(settings.secrets)
    return Services(
        reading=Reading(store, store.views, Permissions(within.github, within.clock), redact),
        github=within.github,
        store=store,
        views=store.views,
        ledger=store.ledger,
        tokens=store.tokens,
        requests=store.requests,
        inbox=within.inbox,
        clock=within.clock,
        feed=Feed(store.views, redact),
        still_valid=Together(lambda ids: store.tokens.valid(ids, within.clock.now())),
        rates=Rates(),
        redact=redact,
        admins=Administrators(within.github, within.clock, settings.admins),
        limits=server_limits(settings),
        settings=tuple(shown_settings(settings)),
        site=settings.server_url,
    )


def shown_settings(settings: Settings) -> Iterable[SettingView]:
    """A secret has no value here, and neither has what may hold one."""
    from bot.web.shown_settings import SettingView

    for each in fields(settings):
        value = getattr(settings, each.name)
        parts = value if isinstance(value, tuple) else (value,)
        hidden = not each.repr or any(isinstance(part, Secret) for part in (*parts, each.default))
        source = "default" if value == each.default else "set"
        text = ",".join("" if part is None else str(part) for part in parts)
        yield SettingView(each.metadata["name"], source, "" if hidden else text, hidden, each.metadata["doc"])
