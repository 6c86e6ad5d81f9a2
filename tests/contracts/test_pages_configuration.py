"""The editor of a repository's configuration: what is wrong is told, and what is right is asked for, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.trigger.event_reader import read_event
from bot.core.trigger.events import Requested, Wish
from tests.browser import Browser, Page
from tests.contracts.pages_world import PagesWorld, pages_world

PATH = "/repositories/octo/secret/configuration"
FILE = ".github/solvebot.yml"
EDITOR = 1  # behind the form that signs out


@pytest.fixture
async def world(tmp_path: Path, sqlite_url: str) -> AsyncIterator[PagesWorld]:
    async with pages_world(tmp_path, sqlite_url) as world:
        yield world


async def asked(world: PagesWorld) -> list[Requested]:
    events = [read_event(row.event, row.record) for row in await world.inbox.waiting(10)]
    return [event for event in events if isinstance(event, Requested)]


async def sent(world: PagesWorld, browser: Browser, page: Page, **fields: str) -> Page:
    return await browser.post(f"{world.url}{PATH}", {**page.forms[EDITOR].fields, **fields})


async def test_without_a_file_there_is_a_beginning_and_a_link_with_it_to_github(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "will", PATH)
        assert page.forms[EDITOR].fields["text"].startswith("# What Solvebot does in this repository.")
        assert "Read without a mistake" in page.text
        [link] = [link for link in page.links if "/octo/secret/new/main?" in link]
        assert "filename=.github%2Fsolvebot.yml&value=%23+What" in link.replace("&amp;", "&")
        assert f"{PATH}" in (await world.get(browser, "/repositories/octo/secret")).links


async def test_the_mistakes_of_the_file_are_shown_with_their_lines(world: PagesWorld) -> None:
    await world.private.commit("main", {FILE: "attempts: 99\n<b>: 1\n"}, "Wrong")
    async with Browser() as browser:
        page = await world.enter(browser, "rita", PATH)
        assert page.forms[EDITOR].fields["text"] == "attempts: 99\n<b>: 1\n"
        assert "2 mistakes" in page.text
        assert "<b>line 1</b>" in page.text
        assert "<b>line 2</b>" in page.text
        assert "<b>: 1" not in page.text
        assert "Open a pull request" not in page.text
        assert f"{world.github.url}/octo/secret/edit/main/{FILE}" in page.links
        mended = await sent(world, browser, page, text="attempts: 2\r\n", check="yes")
        assert "Read without a mistake" in mended.text
        assert mended.forms[EDITOR].fields["text"] == "attempts: 2\n"
    assert await asked(world) == []


async def test_a_check_while_typing_asks_nothing_of_github(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "will", PATH)
        before = len(world.github.requests)
        for text, words in (("attempts: 99", "<b>line 1</b>"), ("attempts: 3", "<dt>attempts</dt><dd><code>3</code>")):
            checked = await sent(world, browser, page, text=text, check="live")
            assert (checked.status, words in checked.text, "<textarea" in checked.text) == (200, True, False)
        assert len(world.github.requests) == before


async def test_what_is_right_is_asked_for_once_however_often_the_button_is_pressed(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "will", PATH)
        taken, again = [await sent(world, browser, page, text="attempts: 2\r\nwho: read") for _ in range(2)]
        assert (taken.status, taken.redirected_to) == (303, again.redirected_to)
        [event] = await asked(world)
        assert (event.wish, event.text, event.issue.repo.name) == (
            Wish.CONFIGURE,
            "attempts: 2\nwho: read\n",
            "octo/secret",
        )
        id = taken.redirected_to.removeprefix("/requests/")
        url = f"{world.github.url}/octo/secret/pull/7"
        now = world.time.now()
        await world.store.requests.answered(
            id, now, solve=None, refused=False, answer=f"Pull request #7 is open: {url}"
        )
        answered = await browser.follow(taken)
        assert url in answered.links


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("attempts: 99\n", "There are mistakes in it"),
        ("test: ghp_0123456789abcdefghijABCDEFGHIJ012345\n", "looks like a secret"),
        ("#" * 20_001, "longer than 20,000 characters"),
        ("attempts: 3\n", "The file says that already"),
    ],
)
async def test_what_is_not_fit_is_told_and_stays_in_the_form(world: PagesWorld, text: str, words: str) -> None:
    await world.private.commit("main", {FILE: "attempts: 3\n"}, "Three")
    async with Browser() as browser:
        page = await world.enter(browser, "will", PATH)
        again = await sent(world, browser, page, text=text)
        assert (again.status, words in again.text) == (200, True)
        assert again.forms[EDITOR].fields["text"].startswith(text[:5])
        assert "ghp_" not in again.text
    assert await asked(world) == []


async def test_readers_and_other_sites_propose_nothing(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "rita", PATH)
        assert (await sent(world, browser, page, text="attempts: 2")).status == 403
    async with Browser() as browser:
        page = await world.enter(browser, "will", PATH)
        assert (await sent(world, browser, page, text="attempts: 2", form_token="x")).status == 403
        stolen = {**page.forms[EDITOR].fields, "text": "attempts: 2"}
        assert (await browser.post(f"{world.url}{PATH}", stolen, Origin="https://evil.example")).status == 403
    assert await asked(world) == []


async def test_a_file_that_would_be_a_page_is_text(world: PagesWorld) -> None:
    """In the form, among the mistakes, and in the link that carries it."""
    evil = '</textarea><script>alert(1)</script>: 1\ntest: "\'><img src=x onerror=alert(1)>"\n'
    await world.private.commit("main", {FILE: evil}, "Evil")
    async with Browser() as browser:
        page = await world.enter(browser, "will", PATH)
        assert page.forms[EDITOR].fields["text"] == evil
        for shown in (
            page,
            await sent(world, browser, page, check="yes"),
            await sent(world, browser, page, check="live"),
        ):
            assert "<script>alert" not in shown.text
            assert "<img" not in shown.text.partition("</header>")[2]


async def test_who_may_not_see_a_repository_finds_no_editor(world: PagesWorld) -> None:
    async with Browser() as browser:
        hidden = await world.enter(browser, "mallory", PATH)
        nothing = await world.get(browser, "/repositories/octo/nothing/configuration")
        assert (hidden.status, hidden.text) == (404, nothing.text)
        assert world.github.errors == []
