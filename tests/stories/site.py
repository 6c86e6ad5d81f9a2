"""A world with pages that people look at, and the way in: GitHub's own sign-in, clicked through."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.settings import Secret
from bot.simulators.serving import Door
from tests.browser import Browser, Page
from tests.stories.world import World, a_world


@dataclass(frozen=True)
class Site:
    url: str
    world: World

    async def enter(self, browser: Browser, login: str, path: str = "/") -> Page:
        """Sign in as somebody, and be where the path leads."""
        to_github = await browser.get(f"{self.url}/sign-in?to={path}")
        page = await browser.follow(to_github)
        if page.redirected_to:  # not signed in on GitHub yet
            form = await browser.follow(page)
            page = await browser.follow(await browser.press(form, login=login))
        if not page.redirected_to:
            page = await browser.press(page)
        back = await browser.follow(page)
        return await browser.follow(back)


async def nobody(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("nothing is here yet")


@asynccontextmanager
async def a_site(directory: Path, **changes: Any) -> AsyncIterator[Site]:
    """The port is taken before the bot begins: it has to know its address."""
    box: dict[str, Any] = {"app": nobody}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await box["app"](scope, receive, send)

    door = Door(app)
    await door.open()
    changes = {"client_secret": Secret("the simulated client secret"), "client_id": "Iv23liSimulatedApp00", **changes}
    try:
        async with a_world(directory, pages=True, public_url=door.url, **changes) as world:
            world.github.app.callback_urls = (f"{door.url}/signed-in",)
            box["app"] = world.bot.app
            yield Site(door.url, world)
    finally:
        await door.close()
