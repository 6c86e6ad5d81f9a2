"""The API behind the receiver: there where the settings want it, and opened when somebody first asks for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.core.access import Scope as TokenScope
from bot.core.listing import NEWEST
from bot.core.model import Person
from bot.declared_settings import Secret
from bot.inbox import open_inbox
from bot.onlookers import open_api_alone
from bot.ports import Unsolvable
from bot.settings import Settings
from bot.store.store import opened
from bot.tokens_command import create, person, revoke
from bot.web.later import Later
from bot.web.receiving import for_anybody
from tests.contracts.github_world import World, make_key, repo_of
from tests.contracts.github_world import world as world


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 11, 20, 12, tzinfo=UTC)


@asynccontextmanager
async def receiving(directory: Path, *, api: bool) -> AsyncIterator[httpx.AsyncClient]:
    """As `solvebot web` does it."""
    secrets = (Secret("a secret of this test"),)
    settings = Settings(api=api, data=directory, webhook_secrets=secrets, private_key=Secret(make_key()))
    async with AsyncExitStack() as stack:
        inbox = await open_inbox(settings.store_url, Noon())
        stack.push_async_callback(inbox.close)
        app = for_anybody(settings, inbox, partial(open_api_alone, settings, inbox, stack))
        transport = httpx.ASGITransport(app)
        yield await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://bot.test"))


async def test_it_is_there_where_the_settings_want_it(tmp_path: Path, sqlite_url: str) -> None:
    async with receiving(tmp_path, api=True) as client:
        assert (await client.get("/api/v1/docs")).status_code == 200
        answer = await client.get("/api/v1/me")
        assert (answer.status_code, answer.json()["title"]) == (401, "Nobody is signed in")
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.post("/webhook")).status_code != 404


async def test_it_is_not_there_otherwise(tmp_path: Path, sqlite_url: str) -> None:
    async with receiving(tmp_path, api=False) as client:
        for path in ("/api/v1/docs", "/api/v1/me", "/api/v1/openapi.json"):
            assert (await client.get(path)).status_code == 404


async def test_what_could_not_be_opened_is_tried_again() -> None:
    tries: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def open() -> ASGIApp:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not yet")
        return app

    async with httpx.AsyncClient(transport=httpx.ASGITransport(Later(open)), base_url="http://bot.test") as client:
        with pytest.raises(OSError, match="not yet"):
            await client.get("/")
        assert [(await client.get("/")).status_code for _ in range(3)] == [204] * 3
    assert len(tries) == 2


async def test_tokens_are_made_for_people_whom_github_knows(world: World, sqlite_url: str) -> None:
    account = world.github.user("ada")
    async with opened(sqlite_url) as store:
        with pytest.raises(Unsolvable, match="knows no repository yet"):
            await person(world.hub, store, "ada")
        await store.repository_seen(repo_of(world.repository))
        owner = await person(world.hub, store, "ada")
        assert owner == Person("ada", account.id)
        with pytest.raises(Unsolvable, match="knows nobody"):
            await person(world.hub, store, "nobody-of-that-name")
        token, text = await create(store, owner, "mine", [TokenScope.READ], 1, Noon().now())
        assert text.startswith(f"sbt_{token.id}_")
        assert await revoke(store, token.id, Noon().now())
        assert not await revoke(store, token.id, Noon().now())
        said = [(entry.action, entry.subject) for entry in (await store.views.audit(NEWEST, 5)).items]
    assert sorted(said) == [("token.created", "ada"), ("token.revoked", "ada")]
