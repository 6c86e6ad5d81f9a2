"""The GitHub simulator is as strict about signing in as GitHub is, and our client tells its refusals apart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from bot.core.web_session import challenge
from bot.github.oauth import Client, SignIn
from bot.ports import Denied, Rejected, WorldError
from tests.browser import Browser, Page
from tests.contracts.github_visitor import Visitor, visiting

BACK = "https://bot.octo.dev/signed-in"
VERIFIER = "v" * 64
ASKED = {
    "client_id": "Iv23liSimulatedApp00",
    "redirect_uri": BACK,
    "state": "abc",
    "code_challenge": challenge(VERIFIER),
    "code_challenge_method": "S256",
}


@pytest.fixture
async def visitor(tmp_path: Path) -> AsyncIterator[Visitor]:
    async with visiting(tmp_path) as visitor:
        visitor.github.app.callback_urls = (BACK,)
        yield visitor
    assert visitor.github.errors == []


async def answered(visitor: Visitor, browser: Browser, asked: dict[str, str]) -> Page:
    """What GitHub answers a browser in which ann is signed in."""
    await browser.post(f"{visitor.github.url}/login", {"login": "ann", "return_to": "/login/"})
    return await browser.get(f"{visitor.github.url}/login/oauth/authorize?{urlencode(asked)}")


async def code_of(visitor: Visitor, **changes: str) -> str:
    async with Browser() as browser:
        page = await answered(visitor, browser, {**ASKED, **changes})
        page = page if page.redirected_to else await browser.press(page)
    query = parse_qs(urlsplit(page.redirected_to).query)
    assert query["state"] == ["abc"]
    return query["code"][0]


def client(visitor: Visitor, **changes: str) -> SignIn:
    app, url = visitor.github.app, visitor.github.url
    usual = {"id": app.client_id, "secret": app.client_secret, "redirect": BACK, "api_url": url, "server_url": url}
    return SignIn(visitor.session, Client(**{**usual, **changes}))


async def test_a_code_says_once_who_it_is_and_the_token_is_given_back(visitor: Visitor) -> None:
    code = await code_of(visitor)
    person = await client(visitor).person(code, VERIFIER)
    assert (person.login, person.id, person.is_bot) == ("ann", visitor.github.user("ann").id, False)
    assert visitor.github.authority.user_tokens == {}
    with pytest.raises(Rejected):
        await client(visitor).person(code, VERIFIER)


async def test_a_code_is_good_for_ten_minutes(visitor: Visitor) -> None:
    code = await code_of(visitor)
    visitor.clock.goes_on(minutes=10, seconds=1)
    with pytest.raises(Rejected):
        await client(visitor).person(code, VERIFIER)


@pytest.mark.parametrize(
    ("changes", "verifier", "error"),
    [
        ({}, "w" * 64, Rejected),
        ({"secret": "a wrong one"}, VERIFIER, Denied),
        ({"id": "Iv23liAnother"}, VERIFIER, Denied),
        ({"redirect": f"{BACK}/"}, VERIFIER, Denied),
    ],
)
async def test_what_is_not_as_it_was_asked_for_is_refused_without_a_secret_in_words(
    visitor: Visitor, changes: dict[str, str], verifier: str, error: type[WorldError]
) -> None:
    code = await code_of(visitor)
    with pytest.raises(error) as refusal:
        await client(visitor, **changes).person(code, verifier)
    assert visitor.github.app.client_secret not in str(refusal.value)
    assert code not in str(refusal.value)


@pytest.mark.parametrize("code", ["", "a b", "../user", "a" * 101, "a&client_id=x"])
async def test_what_is_no_code_is_not_even_asked_about(visitor: Visitor, code: str) -> None:
    with pytest.raises(Rejected):
        await client(visitor).person(code, VERIFIER)
    assert [request for request in visitor.github.requests if request.path == "/user"] == []


@pytest.mark.parametrize("redirect", [f"{BACK}/", f"{BACK}?x=1", "https://evil.example/signed-in"])
async def test_people_are_sent_back_to_an_address_of_the_app_alone(visitor: Visitor, redirect: str) -> None:
    async with Browser() as browser:
        page = await answered(visitor, browser, {**ASKED, "redirect_uri": redirect})
    assert page.redirected_to.startswith(f"{BACK}?error=redirect_uri_mismatch")


async def test_a_challenge_in_plain_words_is_refused(visitor: Visitor) -> None:
    async with Browser() as browser:
        page = await answered(visitor, browser, {**ASKED, "code_challenge_method": "plain"})
    assert page.redirected_to.startswith(f"{BACK}?error=invalid_request")


async def test_an_unknown_client_is_not_found(visitor: Visitor) -> None:
    async with Browser() as browser:
        assert (await answered(visitor, browser, {**ASKED, "client_id": "x"})).status == 404


async def test_who_is_not_signed_in_signs_in_first_and_who_declines_comes_back_with_an_error(visitor: Visitor) -> None:
    async with Browser() as browser:
        address = f"{visitor.github.url}/login/oauth/authorize?{urlencode(ASKED)}"
        page = await browser.get(address)
        assert page.redirected_to.startswith("/login?return_to=")
        await browser.press(await browser.follow(page), login="ann")
        declined = await browser.post(address, {"authorize": "0"})
        assert declined.redirected_to.startswith(f"{BACK}?error=access_denied")


async def test_who_a_user_is_is_told_to_their_own_token_only(visitor: Visitor) -> None:
    assert (await visitor.call("GET", "/user")).status == 403
    assert (await visitor.call("GET", "/user", token="ghu_made_up")).status == 401
    assert (await visitor.call("GET", "/user", token="")).status == 401
    path = f"/applications/{visitor.github.app.client_id}/token"
    assert (await visitor.call("DELETE", path, {"access_token": "x"}, token="")).status == 401
