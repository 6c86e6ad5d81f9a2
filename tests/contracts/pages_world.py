"""Pages in front of a store with two repositories, one of them private, served on a port, and people with browsers.

GitHub is the simulator, and people sign in there. Time stands still unless a test lets it go on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from starlette.applications import Starlette
from starlette.routing import Route

from bot.core.model import IssueRef, Repo, SolveId
from bot.declared_settings import Secret
from bot.github.wire import connections
from bot.inbox import Inbox, open_inbox
from bot.onlookers import Within
from bot.pages import open_pages
from bot.settings import Settings
from bot.simulators.github import GitHubSimulator, SimRepository
from bot.simulators.serving import Deferred, serving
from bot.store.store import SqlStore, opened
from bot.web.pages.headers import Guarded
from tests.browser import Browser, Page
from tests.contracts.api_world import two_repositories
from tests.contracts.github_world import Time, World, make_key, repo_of
from tests.contracts.test_store import SOLVE, solve, tell_everything

PUBLIC, PRIVATE = SolveId("s-public"), SOLVE.id
Fill = Callable[[SqlStore, Repo, Repo, datetime], Awaitable[None]]


async def sign_in(browser: Browser, url: str, login: str, path: str = "/") -> Page:
    """As somebody, by GitHub's own pages; ends where the path leads."""
    page = await browser.follow(await browser.get(f"{url}/sign-in?to={quote(path, safe='')}"))
    if page.redirected_to.startswith("/login?"):  # not signed in on GitHub yet
        page = await browser.follow(await browser.press(await browser.follow(page), login=login))
    if not page.redirected_to:  # never asked for this App before
        page = await browser.press(page)
    return await browser.follow(await browser.follow(page))


@dataclass
class PagesWorld:
    url: str
    github: GitHubSimulator
    public: SimRepository
    private: SimRepository
    store: SqlStore
    inbox: Inbox
    time: Time
    routes: Sequence[Route]

    async def enter(self, browser: Browser, login: str, path: str = "/") -> Page:
        return await sign_in(browser, self.url, login, path)

    async def get(self, browser: Browser, path: str, **headers: str) -> Page:
        return await browser.get(f"{self.url}{path}", **headers)

    def repo(self, of: SimRepository) -> Repo:
        return repo_of(of)


async def one_solve_each(store: SqlStore, public: Repo, private: Repo, _: datetime) -> None:
    """The private one has been through everything; the other one has just been asked for."""
    await tell_everything(store, dataclasses.replace(SOLVE, issue=IssueRef(private, 3)))
    await store.accept(solve(PUBLIC, repo=public))


async def _world(
    directory: Path, database: str, stack: AsyncExitStack, fill: Fill, changes: Mapping[str, Any]
) -> PagesWorld:
    time = Time()
    github = GitHubSimulator(directory, now=time.now, private_key_pem=make_key())
    public, private = two_repositories(github)
    await stack.enter_async_context(github.serving())
    inside = World(github, public, await stack.enter_async_context(connections()), time)
    store = await stack.enter_async_context(opened(database))
    await fill(store, repo_of(public), repo_of(private), time.now())
    inbox = await open_inbox(database, time)
    stack.push_async_callback(inbox.close)
    session = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
    front = Deferred()
    url = await stack.enter_async_context(serving(front))
    settings = Settings(
        pages=True,
        api=True,
        public_url=url,
        client_id=github.app.client_id,
        client_secret=Secret(github.app.client_secret),
        api_url=github.url,
        server_url=github.url,
        **{"admins": ("ada",), **changes},
    )
    github.app.callback_urls = (f"{url}/signed-in",)
    front.app = guarded = await open_pages(settings, Within(inside.hub, store, inbox, time), session)
    assert isinstance(guarded, Guarded)
    assert isinstance(guarded.app, Starlette)
    routes = [route for route in guarded.app.routes if isinstance(route, Route)]
    return PagesWorld(url, github, public, private, store, inbox, time, routes)


@asynccontextmanager
async def pages_world(
    directory: Path, database: str, fill: Fill = one_solve_each, **changes: Any
) -> AsyncIterator[PagesWorld]:
    """`database`: of one that is migrated. `changes`: of settings."""
    async with AsyncExitStack() as stack:
        world = await _world(directory / "github", database, stack, fill, changes)
        yield world
        assert world.github.errors == []
