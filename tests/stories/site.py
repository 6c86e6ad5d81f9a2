"""A world with pages that people look at, and the way in: GitHub's own sign-in, clicked through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.declared_settings import Secret
from bot.simulators.serving import Deferred, serving
from tests.browser import Browser, Page
from tests.contracts.pages_world import sign_in
from tests.stories.world import World, a_world


@dataclass(frozen=True)
class Site:
    url: str
    world: World

    async def enter(self, browser: Browser, login: str, path: str = "/") -> Page:
        return await sign_in(browser, self.url, login, path)


@asynccontextmanager
async def a_site(directory: Path, **changes: Any) -> AsyncIterator[Site]:
    """The port is taken before the bot begins: it has to know its address."""
    changes = {"client_secret": Secret("the simulated client secret"), "client_id": "Iv23liSimulatedApp00", **changes}
    front = Deferred()
    async with serving(front) as url, a_world(directory, pages=True, public_url=url, **changes) as world:
        world.github.app.callback_urls = (f"{url}/signed-in",)
        front.app = world.bot.app
        yield Site(url, world)
