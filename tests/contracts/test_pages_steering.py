"""Buttons and the form: whoever may not command in a comment cannot here, and what is asked is in the inbox, once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.trigger.event_reader import read_event
from bot.core.trigger.events import API_EVENT, Requested
from tests.browser import Browser, Page
from tests.contracts.pages_world import PRIVATE, PUBLIC, PagesWorld, pages_world
from tests.contracts.test_store import SPEC

DEEDS = ("cancel", "retry", "use", "approve", "reject")


@pytest.fixture
async def world(tmp_path: Path, sqlite_url: str) -> AsyncIterator[PagesWorld]:
    async with pages_world(tmp_path, sqlite_url) as world:
        for repository in (world.public, world.private):
            for _ in range(3):
                await repository.open_issue("It breaks", "so", by="sam")
        yield world


async def asked(world: PagesWorld) -> list[str]:
    return [delivery.event for delivery in await world.inbox.waiting(100)]


def token(page: Page) -> str:
    return page.forms[0].fields["form_token"]


async def test_a_writer_cancels_what_is_under_way_and_is_asked_to_wait(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "will", f"/solves/{PUBLIC}")
        cancel = next(n for n, form in enumerate(page.forms) if form.action.endswith("/cancel"))
        taken = await browser.press(page, cancel)
        assert (taken.status, taken.redirected_to.startswith("/requests/api-")) == (303, True)
        again = await browser.press(page, cancel)
        assert again.redirected_to == taken.redirected_to
        assert "Asked for" in (await browser.follow(taken)).text
        assert await asked(world) == [API_EVENT]
    async with Browser() as other:
        await world.enter(other, "ada")
        assert (await world.get(other, taken.redirected_to)).status == 404


async def test_what_was_refused_is_told_and_what_was_done_leads_to_its_solve(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "will", f"/solves/{PUBLIC}")
        path = (await browser.press(page, 1)).redirected_to
        id = path.removeprefix("/requests/")
        await world.store.requests.answered(id, world.time.now(), solve=PUBLIC, refused=True, answer="No <b>way</b>.")
        assert "No &lt;b&gt;way&lt;/b&gt;." in (await world.get(browser, path)).text


async def test_readers_have_no_buttons_and_their_requests_are_refused(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "rita", f"/solves/{PUBLIC}")
        assert [form.action for form in page.forms if form.action.startswith("/solves/")] == []
        for deed in DEEDS:
            fields = {"form_token": token(page), "letter": "A"}
            assert (await browser.post(f"{world.url}/solves/{PUBLIC}/{deed}", fields)).status == 403
    assert await asked(world) == []


@pytest.mark.parametrize("deed", DEEDS)
async def test_what_a_stranger_may_not_see_they_may_not_steer(world: PagesWorld, deed: str) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "mallory")
        fields = {"form_token": token(page), "letter": "A"}
        hidden = await browser.post(f"{world.url}/solves/{PRIVATE}/{deed}", fields)
        nothing = await browser.post(f"{world.url}/solves/s-nothing/{deed}", fields)
        assert (hidden.status, hidden.text) == (404, nothing.text)
    assert await asked(world) == []


@pytest.mark.parametrize("path", [*(f"/solves/{PUBLIC}/{deed}" for deed in DEEDS), "/start"])
async def test_without_the_token_of_a_page_nothing_is_done(world: PagesWorld, path: str) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "will")
        fields = {"letter": "A", "issue": "/octo/web/issues/1"}
        assert (await browser.post(f"{world.url}{path}", fields)).status == 403
        stolen = {**fields, "form_token": token(page)}
        elsewhere = await browser.post(f"{world.url}{path}", stolen, Origin="https://evil.example")
        assert elsewhere.status == 403
    async with Browser() as stranger:
        assert "Sign in with GitHub" in (await stranger.post(f"{world.url}{path}", stolen)).text
    assert await asked(world) == []


async def test_the_form_starts_a_solve_of_an_issue(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "will", "/start")
        started = await browser.press(
            page, 1, issue=f"{world.github.url}/octo/web/issues/1", attempts="2", budget="1.5", minutes="20"
        )
        assert started.redirected_to.startswith("/requests/api-"), started.text
    assert await asked(world) == [API_EVENT]


async def test_the_form_starts_a_solve_of_a_bug_without_an_issue(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "will", "/start")
        assert '<option value="octo/secret">' in page.text
        fields = {"repository": "octo/secret", "title": " It breaks ", "text": "Badly."}
        started, again = [await browser.press(page, 1, **fields) for _ in range(2)]
        assert (started.status, started.redirected_to) == (303, again.redirected_to), started.text
    [row] = await world.inbox.waiting(10)
    event = read_event(row.event, row.record)
    assert isinstance(event, Requested)
    assert (event.issue.repo.name, event.issue.number) == ("octo/secret", 0)
    assert (event.title, event.body) == ("It breaks", "Badly.")


async def test_a_list_of_repositories_names_none_that_somebody_may_not_see(world: PagesWorld) -> None:
    async with Browser() as browser:
        assert "octo/secret" not in (await world.enter(browser, "mallory", "/start")).text


async def test_the_form_estimates_before_anything_is_begun(world: PagesWorld) -> None:
    await world.store.save_model(SPEC)
    async with Browser() as browser:
        page = await world.enter(browser, "will", "/start")
        fields = {**page.forms[1].fields, "issue": "/octo/secret/issues/1", "attempts": "2", "models": "sonnet"}
        shown = await browser.post(f"{world.url}/start", {**fields, "estimate": "yes"})
        assert "$0.2500 to $0.2500" in shown.text
        assert shown.forms[1].fields["issue"] == "/octo/secret/issues/1"
        wrong = await browser.post(f"{world.url}/start", {**fields, "models": "nothing", "estimate": "yes"})
        assert "nothing" in wrong.text
    assert await asked(world) == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"issue": "nonsense"}, "no such issue"),
        ({"issue": "/octo/web/issues/999"}, "no such issue"),
        ({"issue": "", "repository": "octo/web"}, "no such issue"),
        ({"issue": "", "title": "It breaks"}, "no such issue"),
        ({"issue": "", "title": "It breaks", "repository": "octo/../web"}, "no such issue"),
        ({"issue": "", "title": "It breaks", "repository": "octo/nothing"}, "no such issue"),
        ({"issue": "nonsense", "title": "It breaks", "repository": "octo/web"}, "no such issue"),
        ({"issue": "/octo/nothing/issues/1"}, "no such issue"),
        ({"issue": "/octo/web/issues/1", "attempts": "99"}, "attempts"),
        ({"issue": "/octo/web/issues/1", "budget": "much"}, "budget"),
    ],
)
async def test_what_is_wrong_with_the_form_is_told_and_what_was_written_stays(
    world: PagesWorld, fields: dict[str, str], words: str
) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "will", "/start")
        again = await browser.press(page, 1, **fields)
        assert (again.status, words in again.text) == (200, True), again.text
        assert again.forms[1].fields["issue"] == fields["issue"]
    assert await asked(world) == []
