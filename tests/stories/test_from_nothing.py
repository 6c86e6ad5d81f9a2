"""From nothing to a solved issue, as a person does it: a real browser, GitHub's pages, and the keyboard used once."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.async_api import Page

from bot.simulators.model import ModelSimulator
from tests.chromium import a_browser, a_tab
from tests.stories.shell import FreshProcess, Shell, a_shell
from tests.stories.test_setup_command import APP, address_told
from tests.stories.world import FILES, FIXES, MAINTAINER, SOON

MOST_CLICKS = 3
MOST_SECONDS = 300  # a person's five minutes, of which a machine needs a few seconds


@pytest.mark.chromium
async def test_three_clicks_and_one_key_lead_from_nothing_to_a_solved_issue(tmp_path: Path) -> None:
    async with a_shell(tmp_path, FIXES, FreshProcess) as (solvebot, models, github):
        for name in APP:
            del solvebot.env[name]
        repo = github.repository("octocat/greet", files=FILES, by=MAINTAINER, installed=False)
        repo.grant(MAINTAINER, "write")
        began = time.monotonic()
        await set_up(solvebot, models)
        serving = await solvebot.start("serve")
        try:
            issue = await repo.open_issue("No name, no greeting", "It should greet the world.", by="sam")
            await issue.label("solve-me", by=MAINTAINER)
            await github.wait_for(lambda: repo.pulls, SOON)
        finally:
            serving.terminate()
            await serving.communicate()
        took = time.monotonic() - began
        [pull] = repo.pulls
        assert pull.pull.head.startswith("solvebot/1-")
        assert took < MOST_SECONDS
        assert (github.errors, models.errors) == ([], [])


@dataclass
class Hand:
    """Counts what it does."""

    clicks: int = 0
    typed: list[str] = field(default_factory=list)

    async def click(self, page: Page) -> None:
        await page.locator("button").first.click()
        self.clicks += 1

    async def type(self, page: Page, field: str, text: str) -> None:
        """With the keyboard, which also leads from field to field: that is no click."""
        await page.locator(field).focus()
        await page.keyboard.insert_text(text)
        self.typed.append(text)


async def shows(page: Page, words: str) -> str:
    await page.get_by_text(words).first.wait_for()
    return await page.locator("body").inner_text()


async def set_up(solvebot: Shell, models: ModelSimulator) -> None:
    process, hand = await solvebot.start("setup", "--port", "0"), Hand()
    try:
        async with a_browser() as browser, a_tab(browser, "http://") as tab:
            ours = tab.page
            await ours.goto(await address_told(process))
            await shows(ours, "Name of the App")
            await hand.type(ours, "#model", models.key)
            async with ours.expect_popup() as opened:
                await hand.click(ours)  # Register on GitHub
            github = await opened.value
            await shows(github, "Create GitHub App for octocat")
            await shows(ours, "Go on in the other tab")
            await hand.click(github)
            await github.wait_for_url("**/installations/new")
            await shows(ours, "This page waits for it")
            await hand.click(github)
            assert "answered; that cost $" in await shows(ours, "label an issue solve-me")
        assert hand.clicks <= MOST_CLICKS
        assert hand.typed == [models.key]
        async with asyncio.timeout(SOON):
            _, err = await process.communicate()
        assert process.returncode == 0, err.decode()
    finally:
        if process.returncode is None:
            process.kill()
