"""Pages for everybody: axe finds nothing against WCAG 2.2 AA, nothing is wider than a phone, a keyboard is enough."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.chromium import Tab, a_browser, a_tab
from tests.contracts.pages_world import PagesWorld, pages_world
from tests.pictures import sign_in
from tests.studio import DONE, LIVE, WAITING, furnish

pytestmark = pytest.mark.chromium

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_SIZE_AND_COLOUR = ["color-contrast", "target-size", "scrollable-region-focusable"]
FOUND = """axe.run({runOnly: %s, resultTypes: ["violations"]}).then(found => found.violations.map(
    each => each.id + ": " + each.nodes.slice(0, 3).map(node => node.html.slice(0, 150)).join(" | ")))"""
PATHS = (
    "/",
    f"/solves/{DONE}",
    f"/solves/{WAITING}",
    f"/solves/{LIVE}",
    f"/solves/{DONE}/runs/A",
    f"/solves/{DONE}/compare?one=A&other=B",
    "/repositories",
    "/repositories/octo/web",
    "/repositories/octo/web/configuration",
    "/money",
    "/start",
    "/tokens",
    "/operations",
    "/settings",
    "/nothing",
)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
FOOTER_GAP = "innerHeight - document.querySelector('.foot').getBoundingClientRect().bottom"
FOCUSED = "document.activeElement.getAttribute('aria-label') || document.activeElement.innerText"
OUTLINE = "getComputedStyle(document.activeElement).outlineStyle"


async def violations(page: Page, rules: Sequence[str]) -> Any:
    await page.evaluate(AXE)
    return await page.evaluate(FOUND % list(rules))


async def entered(world: PagesWorld, tab: Tab, path: str = "/") -> None:
    await tab.page.goto(f"{world.url}{path}")
    await sign_in(tab.page, "ada")


async def test_axe_finds_nothing(tmp_path: Path, sqlite_url: str) -> None:
    async with (
        pages_world(tmp_path, sqlite_url, furnish) as world,
        a_browser() as browser,
        a_tab(browser, world.url, world.github.url) as tab,
    ):
        await tab.page.goto(world.url)
        assert await violations(tab.page, WCAG) == []
        await sign_in(tab.page, "ada")
        found = dict[str, list[str]]()
        for path in PATHS:
            await tab.page.goto(f"{world.url}{path}")
            found[path] = await violations(tab.page, WCAG)
            assert await tab.page.evaluate(FOOTER_GAP) <= 0, f"the footer of {path} does not stand at the bottom"
        assert found == {path: [] for path in PATHS}
        assert [said for said in tab.complaints if "404" not in said] == []


async def test_a_phone_is_wide_enough_and_dark_colours_can_be_read(tmp_path: Path, sqlite_url: str) -> None:
    async with (
        pages_world(tmp_path, sqlite_url, furnish) as world,
        a_browser() as browser,
        a_tab(browser, world.url, world.github.url, phone=True, dark=True) as tab,
    ):
        await entered(world, tab)
        for path in PATHS:
            await tab.page.goto(f"{world.url}{path}")
            assert await tab.page.evaluate(OVERFLOW) == 0, path
            assert await violations(tab.page, OF_SIZE_AND_COLOUR) == [], path


async def test_a_keyboard_is_enough(tmp_path: Path, sqlite_url: str) -> None:
    """To the content without the way through the head of the page, and to a button that is seen to be reached."""
    async with (
        pages_world(tmp_path, sqlite_url, furnish) as world,
        a_browser() as browser,
        a_tab(browser, world.url, world.github.url) as tab,
    ):
        await entered(world, tab, f"/solves/{WAITING}")
        await tab.page.reload()
        await tab.page.keyboard.press("Tab")
        assert await tab.page.evaluate(FOCUSED) == "To the content"
        await tab.page.keyboard.press("Enter")
        for _ in range(12):
            await tab.page.keyboard.press("Tab")
            assert await tab.page.evaluate(OUTLINE) != "none"
            if await tab.page.evaluate(FOCUSED) == "Approve":
                break
        assert await tab.page.evaluate(FOCUSED) == "Approve"


async def test_mistakes_are_told_while_somebody_types(tmp_path: Path, sqlite_url: str) -> None:
    """By exchanging what was found, so that neither the text nor the place in it is lost."""
    async with (
        pages_world(tmp_path, sqlite_url, furnish) as world,
        a_browser() as browser,
        a_tab(browser, world.url, world.github.url) as tab,
    ):
        await entered(world, tab, "/repositories/octo/web/configuration")
        await tab.page.fill("textarea", "attempts: 99\n")
        await tab.page.wait_for_selector("#checked .mistakes >> text=line 1")
        await tab.page.fill("textarea", "attempts: 2\n")
        await tab.page.wait_for_selector("#checked >> text=Read without a mistake")
        assert await tab.page.input_value("textarea") == "attempts: 2\n"
        assert await tab.page.evaluate("document.activeElement.name") == "text"
        assert tab.complaints == []
