"""A real browser, where the machine has one: Chromium from the distribution, driven by Playwright."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from playwright.async_api import Browser, Page, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--no-sandbox",  # root has none; what it loads is ours
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
MILLISECONDS = 120_000.0  # until something is taken for never to come, on a machine that has much else to do


def executable() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@dataclass
class Tab:
    """`complaints`: all that the console said, and every request that went elsewhere."""

    page: Page
    complaints: list[str] = field(default_factory=list)


@asynccontextmanager
async def a_browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=list(OPTIONS))
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def a_tab(browser: Browser, *hosts: str, phone: bool = False, dark: bool = False) -> AsyncIterator[Tab]:
    """`hosts`: beginnings of the addresses that may be asked."""
    size = {"width": 390, "height": 844} if phone else {"width": 1280, "height": 900}
    context = await browser.new_context(
        viewport={"width": size["width"], "height": size["height"]}, color_scheme="dark" if dark else "light"
    )
    tab = Tab(await context.new_page())
    tab.page.set_default_timeout(MILLISECONDS)
    tab.page.on("console", lambda message: tab.complaints.append(f"{message.type}: {message.text}"))
    tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.page.on(
        "request", lambda sent: None if sent.url.startswith(hosts) else tab.complaints.append(f"asked for {sent.url}")
    )
    try:
        yield tab
    finally:
        await context.close()
