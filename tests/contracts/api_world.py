"""The API in front of a store with two repositories, one of them private, and people with tokens for it.

GitHub is the simulator, asked over real HTTP. Time stands still unless a test lets it go on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_urlsafe

import httpx
from limits import RateLimitItemPerSecond
from starlette.applications import Starlette
from starlette.routing import Mount

from bot.core.access import EVERY_SCOPE, AccessToken, Scope, token_digest, token_text
from bot.core.model import IssueRef, Person, Repo, SolveId
from bot.core.resilience.circuit_breaker import Health
from bot.declared_settings import Secret
from bot.github.wire import connections
from bot.inbox import Inbox, open_inbox
from bot.onlookers import Within, services
from bot.settings import Settings
from bot.simulators.github import GitHubSimulator, SimRepository
from bot.store.store import SqlStore, opened
from bot.web.api.application import api
from bot.web.api.rates import Rates
from bot.web.api.services import Services
from tests.contracts.github_world import Time, World, make_key, repo_of
from tests.contracts.test_store import SOLVE, solve, tell_everything

PREFIX = "/api/v1"
MODEL_KEY = "sk-or-v1-a-key-that-nobody-may-see"
PUBLIC, PRIVATE = SolveId("s-public"), SOLVE.id


@dataclass
class ApiWorld:
    github: GitHubSimulator
    public: SimRepository
    private: SimRepository
    store: SqlStore
    inbox: Inbox
    time: Time
    services: Services
    client: httpx.AsyncClient
    tokens: int = 0

    def person(self, login: str) -> Person:
        account = self.github.stage.state.account(login)
        return Person(account.login, account.id)

    async def token(
        self,
        login: str,
        scopes: frozenset[Scope] = EVERY_SCOPE,
        *,
        lasts: timedelta = timedelta(days=1),
        revoked: bool = False,
    ) -> str:
        self.tokens += 1
        id, now = f"{self.tokens:012x}", self.time.now()
        text = token_text(id, token_urlsafe(32))
        await self.store.tokens.create(
            AccessToken(id, f"{login}'s", self.person(login), scopes, now, now + lasts), token_digest(text)
        )
        if revoked:
            assert await self.store.tokens.revoke(id, now)
        return text

    async def get(self, path: str, token: str = "", **headers: str) -> httpx.Response:
        return await self.client.get(f"{PREFIX}{path}", headers=_headers(token, headers))

    async def post(self, path: str, token: str = "", body: object = None, **headers: str) -> httpx.Response:
        return await self.client.post(f"{PREFIX}{path}", json=body, headers=_headers(token, headers))

    async def fail_provider(self, name: str) -> None:
        """It is left alone from now on."""
        failing = Health(99, self.time.now(), self.time.now(), probing=False)
        await self.store.ledger.change_health(name, lambda _: failing)

    async def as_(self, login: str, path: str) -> httpx.Response:
        return await self.get(path, await self.token(login))


def _headers(token: str, others: dict[str, str]) -> dict[str, str]:
    named = {name.replace("_", "-"): value for name, value in others.items()}
    return {**({"Authorization": f"Bearer {token}"} if token else {}), **named}


def two_repositories(github: GitHubSimulator) -> tuple[SimRepository, SimRepository]:
    """A public and a private one, and in both a reader, a writer and an administrator."""
    public = github.repository("octo/web", files={"a.txt": "a"})
    private = github.repository("octo/secret", files={"a.txt": "a"}, private=True)
    for login, role in (("rita", "read"), ("will", "write"), ("ada", "admin")):
        for repository in (public, private):
            repository.grant(login, role)
    return public, private


async def _solves(store: SqlStore, public: Repo, private: Repo) -> None:
    """The private one has been through everything; the other one has just been asked for."""
    await tell_everything(store, dataclasses.replace(SOLVE, issue=IssueRef(private, 3)))
    await store.accept(solve("s-public", repo=public))


async def _world(directory: Path, url: str, stack: AsyncExitStack, is_slowed_down: bool) -> ApiWorld:
    time = Time()
    github = GitHubSimulator(directory, now=time.now, private_key_pem=make_key())
    public, private = two_repositories(github)
    await stack.enter_async_context(github.serving())
    inside = World(github, public, await stack.enter_async_context(connections()), time)
    store = await stack.enter_async_context(opened(url))
    await _solves(store, repo_of(public), repo_of(private))
    inbox = await open_inbox(url, time)
    stack.push_async_callback(inbox.close)
    settings = Settings(api=True, admins=("ada",), model_key=Secret(MODEL_KEY))
    given = services(settings, Within(inside.hub, store, inbox, time))
    if not is_slowed_down:
        given = dataclasses.replace(given, rates=Rates(*[RateLimitItemPerSecond(100_000)] * 3))
    app = Starlette(routes=[Mount(PREFIX, api(given))])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    client = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://solvebot.test"))
    return ApiWorld(github, public, private, store, inbox, time, given, client)


@asynccontextmanager
async def api_world(directory: Path, url: str, *, is_slowed_down: bool = True) -> AsyncIterator[ApiWorld]:
    """`url` of a migrated database. `is_slowed_down`: whoever asks too often."""
    async with AsyncExitStack() as stack:
        world = await _world(directory / "github", url, stack, is_slowed_down)
        yield world
        assert world.github.errors == []
