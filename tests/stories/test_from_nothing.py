"""From nothing to a solved issue, as a person does it: a real browser, GitHub's pages, and the keyboard used once."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from bot.simulators.model import ModelSimulator
from tests.chromium import chromium
from tests.stories.shell import Shell, a_shell
from tests.stories.test_setup_command import APP, address_told
from tests.stories.world import FILES, FIXES, MAINTAINER, SOON

MOST_CLICKS = 3
MOST_SECONDS = 300  # a person's five minutes, of which a machine needs a few seconds


@pytest.mark.needs("chromium")
async def test_three_clicks_and_one_key_lead_from_nothing_to_a_solved_issue(tmp_path: Path) -> None:
    async with a_shell(tmp_path, FIXES) as (solvebot, models, github):
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


async def set_up(solvebot: Shell, models: ModelSimulator) -> None:
    process = await solvebot.start("setup", "--port", "0")
    try:
        async with chromium() as browser:
            ours = await browser.open(await address_told(process))
            await ours.shows("Name of the App")
            await ours.type("#model", models.key)
            await ours.click("button")  # Register on GitHub
            github = await browser.other_tab(ours)
            await github.shows("Create GitHub App for octocat")
            await ours.shows("Go on in the other tab")
            await github.click("button")
            await github.shows("Install")
            await ours.shows("This page waits for it")
            await github.click("button")
            last = await ours.shows("label an issue solve-me")
            assert "answered; that cost $" in last
            assert browser.clicks <= MOST_CLICKS
            assert browser.typed == [models.key]
        async with asyncio.timeout(SOON):
            _, err = await process.communicate()
        assert process.returncode == 0, err.decode()
    finally:
        if process.returncode is None:
            process.kill()
