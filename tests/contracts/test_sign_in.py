"""Signing in with GitHub: by whom it was asked for, once, and for as long as it lasts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa

from bot.core.web_session import LIFETIME
from bot.store.tables import web_sessions
from tests.browser import Browser, Page
from tests.contracts.pages_world import PRIVATE, PagesWorld, pages_world

SOLVE = f"/solves/{PRIVATE}"


@pytest.fixture
async def world(tmp_path: Path, sqlite_url: str) -> AsyncIterator[PagesWorld]:
    async with pages_world(tmp_path, sqlite_url) as world:
        yield world


def is_sign_in(page: Page) -> bool:
    return "Sign in with GitHub" in page.text


async def to_github(world: PagesWorld, browser: Browser, login: str) -> str:
    """Up to where GitHub sends the browser back, which it does not follow: that address."""
    page = await browser.follow(await browser.get(f"{world.url}/sign-in?to={SOLVE}"))
    page = await browser.follow(await browser.press(await browser.follow(page), login=login))
    return (page if page.redirected_to else await browser.press(page)).redirected_to


async def test_who_signs_in_goes_on_to_where_they_wanted(world: PagesWorld) -> None:
    async with Browser() as browser:
        assert is_sign_in(await world.get(browser, SOLVE))
        page = await world.enter(browser, "rita", SOLVE)
        assert (page.url, page.status) == (f"{world.url}{SOLVE}", 200)
        assert "It breaks" in page.text


async def test_the_cookie_is_for_no_script_and_no_other_site(world: PagesWorld) -> None:
    async with Browser() as browser:
        back = await browser.get(await to_github(world, browser, "rita"))
    cookies = back.cookies
    session = next(cookie for cookie in cookies if cookie.startswith("solvebot="))
    assert {"HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"} <= set(session.split("; "))
    assert any(cookie.startswith('solvebot-sign-in="";') for cookie in cookies)


async def test_what_is_kept_of_a_session_signs_nobody_in(world: PagesWorld) -> None:
    async with Browser() as browser:
        await world.enter(browser, "rita")
        rows = await world.store._database.read(lambda db: db.execute(sa.select(web_sessions)).all())
    [row] = rows
    assert (row.login, len(row.digest)) == ("rita", 64)
    async with Browser() as thief:
        assert is_sign_in(await world.get(thief, SOLVE, Cookie=f"solvebot={row.digest}"))


async def test_the_token_of_github_is_given_back(world: PagesWorld) -> None:
    async with Browser() as browser:
        await world.enter(browser, "rita")
    assert world.github.authority.user_tokens == {}


async def test_a_session_ends_after_twelve_hours(world: PagesWorld) -> None:
    async with Browser() as browser:
        await world.enter(browser, "rita")
        world.time.moment += LIFETIME - timedelta(seconds=1)
        assert not is_sign_in(await world.get(browser, SOLVE))
        world.time.moment += timedelta(seconds=1)
        assert is_sign_in(await world.get(browser, SOLVE))


async def test_signing_out_ends_it_in_every_place_where_the_cookie_is(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "rita")
        kept = browser.cookie(world.url, "solvebot")
        gone = await browser.press(page)
        assert (gone.status, gone.redirected_to) == (303, "/")
        assert is_sign_in(await world.get(browser, SOLVE))
    async with Browser() as copy:
        assert is_sign_in(await world.get(copy, SOLVE, Cookie=f"solvebot={kept}"))


@pytest.mark.parametrize("token", ["", "0" * 64])
async def test_another_site_signs_nobody_out(world: PagesWorld, token: str) -> None:
    async with Browser() as browser:
        await world.enter(browser, "rita")
        refused = await browser.post(f"{world.url}/sign-out", {"form_token": token})
        assert refused.status == 403
        assert not is_sign_in(await world.get(browser, SOLVE))


async def test_a_form_from_another_origin_does_nothing_even_with_its_token(world: PagesWorld) -> None:
    async with Browser() as browser:
        page = await world.enter(browser, "rita")
        fields = page.forms[0].fields
        refused = await browser.post(f"{world.url}/sign-out", fields, Origin="https://evil.example")
        assert refused.status == 403
        assert not is_sign_in(await world.get(browser, SOLVE))


async def test_an_answer_is_good_once(world: PagesWorld) -> None:
    async with Browser() as browser:
        address = await to_github(world, browser, "rita")
        assert (await browser.get(address)).status == 303
        assert (await browser.get(address)).status == 400


async def test_nobody_is_signed_in_as_somebody_else_by_a_link(world: PagesWorld) -> None:
    async with Browser() as attacker, Browser() as victim:
        address = await to_github(world, attacker, "mallory")
        await victim.get(f"{world.url}/sign-in")  # has asked, too, and has a state of their own
        assert (await victim.get(address)).status == 400
        assert is_sign_in(await world.get(victim, "/"))


async def test_a_code_without_its_verifier_is_worth_nothing(world: PagesWorld) -> None:
    """Somebody who saw the address, and puts their own state in."""
    async with Browser() as victim, Browser() as attacker:
        code = parse_qs(urlsplit(await to_github(world, victim, "rita")).query)["code"][0]
        own = await attacker.get(f"{world.url}/sign-in")
        state = parse_qs(urlsplit(own.redirected_to).query)["state"][0]
        assert (await attacker.get(f"{world.url}/signed-in?code={code}&state={state}")).status == 400
        assert is_sign_in(await world.get(attacker, SOLVE))


async def test_who_says_no_on_github_is_told_so(world: PagesWorld) -> None:
    async with Browser() as browser:
        own = await browser.get(f"{world.url}/sign-in")
        state = parse_qs(urlsplit(own.redirected_to).query)["state"][0]
        refused = await browser.get(f"{world.url}/signed-in?error=access_denied&state={state}")
        assert (refused.status, "not allowed to say who you are" in refused.text) == (403, True)


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "/%09/evil.example", "/%5cevil.example"]
)
async def test_signing_in_leads_to_no_other_site(world: PagesWorld, elsewhere: str) -> None:
    async with Browser() as browser:
        page = await browser.follow(await browser.get(f"{world.url}/sign-in?to={elsewhere}"))
        page = await browser.follow(await browser.press(await browser.follow(page), login="rita"))
        page = page if page.redirected_to else await browser.press(page)
        back = await browser.follow(page)
        assert (back.status, back.redirected_to) == (303, "/")


async def test_where_github_is_away_people_are_told_and_nothing_is_broken(world: PagesWorld) -> None:
    async with Browser() as browser:
        address = await to_github(world, browser, "rita")
        world.github.app.client_secret = "another one"
        broken = await browser.get(address)
        assert (broken.status, "does not work just now" in broken.text) == (502, True)
        assert "another one" not in broken.text


@pytest.mark.parametrize("path", ["/", SOLVE, "/money", "/repositories", "/nothing", "/sign-out", "/signed-in"])
async def test_every_answer_tells_browsers_what_to_refuse(world: PagesWorld, path: str) -> None:
    async with Browser() as browser:
        page = await world.get(browser, path)
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    assert "<script>" not in page.text
    assert " style=" not in page.text
