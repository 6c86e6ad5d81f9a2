"""Somebody mends the configuration on a page, and the bot opens the pull request that people merge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.model import Repo
from tests.browser import Browser
from tests.stories.site import Site, a_site
from tests.stories.world import LOOK, MAINTAINER, SOON

FILE = ".github/solvebot.yml"


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with a_site(tmp_path) as site:
        yield site


async def test_from_the_editor_to_the_merged_file(site: Site) -> None:
    world = site.world
    await world.repo.commit("main", {FILE: "attemps: 2\n"}, "A typing error")
    repo = Repo(world.repo.installation.id, world.repo.id, world.repo.name)
    await world.bot.bot.world.store.repository_seen(repo)
    async with Browser() as browser:
        path = f"/repositories/{world.repo.name}/configuration"
        page = await site.enter(browser, MAINTAINER, path)
        assert "<b>line 1</b>" in page.text
        taken = await browser.post(f"{site.url}{path}", {**page.forms[1].fields, "text": "attempts: 2\n"})
        async with asyncio.timeout(SOON):
            while "Asked for" in (answered := await browser.follow(taken)).text:  # noqa: ASYNC110 - only it tells
                await asyncio.sleep(LOOK)
        [pull] = world.repo.pulls
        assert f"Pull request #{pull.number} is open" in answered.text
        assert (pull.title, pull.state.by_app) == ("Change the configuration of Solvebot", True)
        await pull.merge(by=MAINTAINER)
        now = await browser.get(f"{site.url}{path}")
        assert now.forms[1].fields["text"] == "attempts: 2\n"
        assert "Read without a mistake" in now.text
