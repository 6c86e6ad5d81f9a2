"""The page of access tokens: one is shown once, works in the API, is of who made it, and ends."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.access import Scope, is_token, token_id
from bot.core.listing import NEWEST
from tests.browser import Browser, Page
from tests.contracts.pages_world import PagesWorld, pages_world

TOKEN = re.compile(r"sbt_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")


@pytest.fixture
async def world(tmp_path: Path, sqlite_url: str) -> AsyncIterator[PagesWorld]:
    async with pages_world(tmp_path, sqlite_url) as world:
        yield world


async def made(browser: Browser, page: Page) -> str:
    form = next(n for n, form in enumerate(page.forms) if form.action == "/tokens")
    answer = await browser.press(page, form, name="our <b>chat</b>", days="7")
    assert "our &lt;b&gt;chat" in answer.text
    [text] = set(TOKEN.findall(answer.text))
    return str(text)


async def test_it_is_shown_once_kept_as_a_digest_and_audited(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "will", "/tokens")
        assert "None yet" in page.text
        text = await made(browser, page)
        again = await world.get(browser, "/tokens")
        assert (TOKEN.search(again.text), again.headers["cache-control"]) == (None, "no-store")
    found = await world.store.tokens.find(token_id(text) or "")
    assert found is not None
    token, digest = found
    assert is_token(text, digest)
    assert (token.owner.login, token.scopes) == ("will", frozenset({Scope.READ}))
    assert token.expires_at == world.time.now() + timedelta(days=7)
    [entry] = (await world.store.views.audit(NEWEST, 10)).items
    assert (entry.actor, entry.action, entry.subject) == ("will", "token.created", "will")
    assert text not in str(entry)


async def test_its_owner_ends_it_and_nobody_else(world: PagesWorld) -> None:
    async with Browser() as browser:
        text = await made(browser, await world.enter(browser, "will", "/tokens"))
        path = f"/tokens/{token_id(text)}/revoke"
        async with Browser() as other:
            page = await world.enter(other, "ada", "/tokens")
            assert "our &lt;b&gt;" not in page.text
            theirs = {"form_token": page.forms[0].fields["form_token"]}
            assert (await other.post(f"{world.url}{path}", theirs)).status == 404
        page = await world.get(browser, "/tokens")
        form = next(n for n, form in enumerate(page.forms) if form.action == path)
        assert (await browser.post(f"{world.url}{path}", {})).status == 403
        assert (await browser.press(page, form)).redirected_to == "/tokens"
        after = await world.get(browser, "/tokens")
        assert "revoked" in after.text
        assert [form.action for form in after.forms if form.action == path] == []
    found = await world.store.tokens.find(token_id(text) or "")
    assert found is not None
    assert not found[0].is_valid(world.time.now())


async def test_what_is_wrong_is_said_and_nothing_is_made(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "will", "/tokens")
        fields = {"name": "x", "days": "9", "operate": "yes", "form_token": page.forms[0].fields["form_token"]}
        assert "administrators of this bot" in (await browser.post(f"{world.url}/tokens", fields)).text
        del fields["form_token"]
        assert (await browser.post(f"{world.url}/tokens", fields)).status == 403
    assert await world.store.tokens.owned() == []
