"""Many follow one solve in their browsers: what happens is asked for once, however many they are."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from math import ceil
from pathlib import Path

import aiohttp
import pytest

from bot.core.text.outgoing import Redactor
from bot.web.events import LONGEST_PACE, POLL, Feed
from tests.browser import Browser
from tests.contracts.pages_world import PUBLIC, PagesWorld, pages_world
from tests.contracts.test_pages_size import counted

FEW, MANY = 2, 50
EVENTS = 20
COOKIE = "solvebot"


@pytest.fixture
async def world(tmp_path: Path, sqlite_url: str) -> AsyncIterator[PagesWorld]:
    async with pages_world(tmp_path, sqlite_url) as world:
        yield world


async def heard(answer: aiohttp.ClientResponse, last: str) -> int:
    """How many events came, until the one that holds that text; told apart from how long to wait."""
    number = 0
    async for line in answer.content:
        number += line.startswith(b"id: ")
        if last.encode() in line:
            return number
    raise AssertionError("the stream ended")


async def followed(world: PagesWorld, followers: int, mark: str) -> tuple[int, float]:
    """Questions about events while they happen, one after the other, and for how many seconds that went on."""
    loop = asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        browser = await stack.enter_async_context(Browser())
        await world.enter(browser, "rita")
        cookies = {COOKIE: browser.cookie(world.url, COOKIE)}
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector, cookies=cookies))
        url = f"{world.url}/solves/{PUBLIC}/events"
        streams = [await stack.enter_async_context(session.get(url)) for _ in range(followers)]
        for answer in streams:
            assert await answer.content.readline() == b"event: pace\n"
        begun = loop.time()
        with counted() as told:
            for number in range(EVENTS):
                await world.store.noted(PUBLIC, f"{mark}-{number}.")
                await asyncio.sleep(0)
            numbers = await asyncio.gather(*(heard(answer, f"{mark}-{EVENTS - 1}.") for answer in streams))
        assert numbers == [EVENTS] * followers
        asked = [statement for statement in told if "FROM events" in statement]
        return len(asked), loop.time() - begun


async def test_what_happens_is_asked_for_as_often_for_fifty_as_for_two(world: PagesWorld) -> None:
    async with asyncio.timeout(120):
        for followers in (FEW, MANY):
            asked, seconds = await followed(world, followers, f"for-{followers}")
            assert 0 < asked <= EVENTS + ceil(seconds / POLL) + 1, f"{asked} questions in {seconds:.1f} s"


async def test_the_more_look_on_the_longer_each_page_waits(world: PagesWorld) -> None:
    """All together they load pages at most ten times a second."""
    feed = Feed(world.store.views, Redactor())
    paces = dict[int, float]()
    async with AsyncExitStack() as stack:
        for number in range(1, 701):
            await stack.enter_async_context(feed.following(PUBLIC))
            paces[number] = feed.pace
    assert (paces[1], paces[7], paces[8], paces[50], paces[500], paces[700]) == (0.7, 0.7, 0.8, 5.0, 50.0, LONGEST_PACE)
    assert feed.pace == 0.7
