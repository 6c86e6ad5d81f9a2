"""The pages, put together from the settings. Nothing of them is loaded where they are switched off."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import aiohttp
from starlette.types import ASGIApp

from bot.access_tokens import AccessTokens
from bot.core.text.outgoing import Redactor
from bot.core.trigger.app_manifest import callback_of
from bot.inbox import Inbox
from bot.onlookers import Within, alone, server_limits, shown_settings
from bot.settings import Settings


async def open_pages(settings: Settings, within: Within, session: aiohttp.ClientSession) -> ASGIApp:
    """Loaded beside the loop, in which GitHub delivers."""
    return await asyncio.to_thread(_pages, settings, within, session)


async def open_pages_alone(settings: Settings, inbox: Inbox, stack: AsyncExitStack) -> ASGIApp:
    """Where there is but a receiver."""
    session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
    return await open_pages(settings, await alone(settings, inbox, stack), session)


def _pages(settings: Settings, within: Within, session: aiohttp.ClientSession) -> ASGIApp:
    from bot.github.oauth import Client, SignIn
    from bot.web.asking import Asking
    from bot.web.events import Feed
    from bot.web.pages.account_pages import Operated
    from bot.web.pages.application import Needs, Place, pages
    from bot.web.permissions import Permissions
    from bot.web.reading import Reading

    store, redact = within.store, Redactor(settings.secrets)
    redirect, secret = callback_of(settings.public_url), settings.client_secret.reveal()
    client = Client(settings.client_id, secret, redirect, settings.api_url, settings.server_url)
    reading = Reading(store, store.views, Permissions(within.github, within.clock), redact)
    needs = Needs(
        Asking(reading, within.github, store.requests, within.inbox, within.clock),
        Feed(store.views, redact),
        Operated(store, store.views, store.ledger, redact, _providers(settings), settings.budgets),
        AccessTokens(store.tokens, store),
        server_limits(settings),
        tuple(shown_settings(settings)),
        store.web_sessions,
        SignIn(session, client),
        within.clock,
    )
    return pages(
        needs, Place(settings.public_url, settings.server_url, settings.admins, "/api/v1" if settings.api else "")
    )


def _providers(settings: Settings) -> tuple[str, ...]:
    """As bot/app.py calls them."""
    if "e2b" not in settings.sandbox:
        return ()
    return tuple(f"e2b:{domain}" if domain else "e2b" for domain in settings.e2b_domains or ("",))
