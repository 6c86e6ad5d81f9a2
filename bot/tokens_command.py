"""solvebot tokens: what programs show the API. Made here by the operator, for a person whom GitHub knows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from rich.markup import escape
from rich.table import Table

from bot.access_tokens import AccessTokens
from bot.clock import SYSTEM_CLOCK
from bot.core.access import AccessToken, Scope
from bot.core.model import Person
from bot.core.token_wish import TokenWish
from bot.github.github import Hub
from bot.github.tokens import AppIdentity
from bot.github.wire import connections
from bot.ports import Gone, Unsolvable
from bot.settings import Settings
from bot.store.store import SqlStore

THE_OPERATOR = "the operator"


@asynccontextmanager
async def github(settings: Settings) -> AsyncIterator[Hub]:
    app = AppIdentity(settings.app_id, settings.private_key.reveal())
    async with connections() as pool:
        yield Hub(pool, app, SYSTEM_CLOCK, api_url=settings.api_url, server_url=settings.server_url)


async def person(hub: Hub, store: SqlStore, login: str) -> Person:
    """As GitHub knows them, asked on behalf of a repository that the App is installed in."""
    known = await store.views.repositories(0, 1)
    if not known:
        raise Unsolvable("Solvebot knows no repository yet. Install the App, and ask it for something there first.")
    try:
        return await hub.person(known[0].repo, login)
    except Gone as gone:
        raise Unsolvable(f"GitHub knows nobody who is called {login}.") from gone


async def create(
    store: SqlStore, owner: Person, name: str, scopes: Iterable[Scope], days: int, now: datetime
) -> tuple[AccessToken, str]:
    """The token, and its text, which nobody can be shown again."""
    wish = TokenWish(name, frozenset(scopes), days)
    return await AccessTokens(store.tokens, store).create(wish, owner, THE_OPERATOR, now)


async def revoke(store: SqlStore, id: str, now: datetime) -> bool:
    return await AccessTokens(store.tokens, store).revoke(id, THE_OPERATOR, now)


def table(tokens: Sequence[AccessToken], now: datetime) -> Table:
    shown = Table(box=None)
    for head in ("id", "owner", "for", "scopes", "until", "last used"):
        shown.add_column(head, overflow="fold")
    for token in tokens:
        until = "revoked" if token.revoked_at else f"{token.expires_at:%Y-%m-%d}"
        if not token.revoked_at and not token.is_valid(now):
            until += " (over)"
        used = f"{token.last_used_at:%Y-%m-%d %H:%M}" if token.last_used_at else "never"
        scopes = ", ".join(sorted(scope.value for scope in token.scopes))
        shown.add_row(token.id, escape(token.owner.login), escape(token.name), scopes, until, used)
    return shown
