"""The pages, put together from the settings. Nothing of them is loaded where they are switched off."""

from __future__ import annotations

import aiohttp
from starlette.types import ASGIApp

from bot.clock import SYSTEM_CLOCK
from bot.core.text.outgoing import Redactor
from bot.core.trigger.app_manifest import callback_of
from bot.ports import GitHub
from bot.settings import Settings
from bot.store.store import SqlStore


def open_pages(settings: Settings, github: GitHub, store: SqlStore, session: aiohttp.ClientSession) -> ASGIApp:
    from bot.github.oauth import Client, SignIn
    from bot.web.events import Feed
    from bot.web.pages.account_pages import Operated
    from bot.web.pages.application import Needs, Place, pages
    from bot.web.permissions import Permissions
    from bot.web.reading import Reading

    redact = Redactor(settings.secrets)
    redirect, secret = callback_of(settings.public_url), settings.client_secret.reveal()
    client = Client(settings.client_id, secret, redirect, settings.api_url, settings.server_url)
    needs = Needs(
        Reading(store, store.views, Permissions(github, SYSTEM_CLOCK), redact),
        Feed(store.views, redact),
        Operated(store, store.views, store.ledger, redact, _providers(settings)),
        store.web_sessions,
        SignIn(session, client),
        SYSTEM_CLOCK,
    )
    return pages(needs, Place(settings.public_url, settings.server_url, settings.admins))


def _providers(settings: Settings) -> tuple[str, ...]:
    """As bot/app.py calls them."""
    if "e2b" not in settings.sandbox:
        return ()
    return tuple(f"e2b:{domain}" if domain else "e2b" for domain in settings.e2b_domains or ("",))
