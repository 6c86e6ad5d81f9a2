"""What people see in a real browser: they sign in, watch a solve to its end without a reload, and steer it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page

from bot.simulators.model import SUBMIT, bash, turns
from tests.chromium import Tab, a_browser, a_tab
from tests.stories.site import Site, a_site
from tests.stories.world import FIX, line_up

pytestmark = pytest.mark.chromium

ONE = turns(bash(FIX, text="<img src=x onerror=alert(1)> A default name."), bash(SUBMIT, text="Greets the world."))
OTHER = turns(bash("printf 'echo \"hello ${1-world}\"\\n' > greet.sh"), bash(SUBMIT, text="Greets the world, too."))
SCRIPTS = {"one": ONE, "other": OTHER}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


async def sign_in(page: Page, login: str) -> None:
    await page.click("text=Sign in with GitHub")
    await page.fill("input[name=login]", login)
    await page.click("button")
    if "/login/oauth/authorize" in page.url:
        await page.click("button")


async def watched(site: Site, tab: Tab) -> str:
    """A solve, from its beginning to its end, on one page that is never loaded again. Returns its path."""
    issue = await site.world.issue("It <b>greets</b> nobody")
    await site.world.label(issue)
    facts = await site.world.github.wait_for(lambda: issue.bot_comments or None, 60)
    assert facts
    found = await site.world.facts(issue)
    assert found is not None
    path = f"/solves/{found.id}"
    await tab.page.goto(f"{site.url}{path}")
    await sign_in(tab.page, "ann")
    assert tab.page.url == f"{site.url}{path}"
    assert "published" not in await tab.page.inner_text("#facts")
    await tab.page.evaluate("window.isTheSame = true")
    await tab.page.wait_for_selector("#facts >> text=published")
    await tab.page.wait_for_selector("#timeline >> text=Ended")
    assert await tab.page.evaluate("window.isTheSame") is True
    await site.world.over(issue)
    await site.world.next_comment(issue)
    return path


async def test_people_watch_a_solve_to_its_end(tmp_path: Path) -> None:
    async with a_site(tmp_path, private=True, scripts=SCRIPTS, files=line_up(*SCRIPTS)) as site, a_browser() as browser:
        hosts = (site.url, site.world.github.url)
        async with a_tab(browser, *hosts) as tab:
            path = await watched(site, tab)
            assert await tab.page.inner_text("h1") == "It <b>greets</b> nobody"
            await tab.page.click("#runs >> text=one")
            assert "<img src=x" in await tab.page.inner_text("#conversation")
            await tab.page.goto(f"{site.url}{path}")
            await tab.page.click("text=Side by side")
            assert "greet.sh" in await tab.page.inner_text("main")
            assert tab.complaints == []
        async with a_tab(browser, *hosts, phone=True, dark=True) as tab:
            await tab.page.goto(f"{site.url}{path}")
            await sign_in(tab.page, "ann")
            for shown in (path, f"{path}/runs/A", "/", "/money", "/repositories", "/start"):
                await tab.page.goto(f"{site.url}{shown}")
                assert await tab.page.evaluate(OVERFLOW) == 0, shown
            assert tab.complaints == []
        async with a_tab(browser, *hosts) as tab:
            await tab.page.goto(f"{site.url}{path}")
            await sign_in(tab.page, "mallory")
            assert await tab.page.inner_text("h1") == "Not here"
