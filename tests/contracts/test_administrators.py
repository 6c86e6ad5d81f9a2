"""ADMINS as teams: GitHub says who is in one, at most once a minute, and whatever goes wrong makes nobody one."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.core.access import Means, Principal, teams_among
from bot.core.model import Person
from bot.core.web_session import begun
from bot.github.client import Call, Client
from bot.github.tokens import AppCredentials, Purpose, Tokens
from bot.github.wire import anonymous
from bot.ports import Denied, Gone, WorldError
from bot.store.store import opened
from bot.web.administrators import Administrators
from bot.web.pages.sessions import Sessions
from tests.browser import Browser
from tests.contracts.github_world import World, world
from tests.contracts.pages_world import pages_world

__all__ = ["world"]

TEAM = "acme/ops"


async def let_in(world: World, level: str = "read") -> None:
    """The owner accepts that the App sees members; and bob is in the team, whom sam has not joined yet."""
    permissions = {**world.repository.installation.state.permissions, "members": level}
    await world.repository.installation.accept_permissions(permissions)
    world.github.team(TEAM, "bob", invited=("sam",))
    world.github.user("mallory")


@pytest.mark.parametrize(
    ("team", "login", "expected"),
    [
        ("acme/ops", "bob", True),
        ("Acme/OPS", "BOB", True),
        ("acme/ops", "sam", False),  # invited
        ("acme/ops", "mallory", False),
        ("acme/ops", "nobody-at-all", False),
        ("acme/none", "bob", False),
    ],
)
async def test_who_is_in_a_team(world: World, team: str, login: str, expected: bool) -> None:
    await let_in(world)
    assert await world.hub.is_in_team(team, login) is expected


async def test_the_token_for_it_can_do_nothing_else(world: World) -> None:
    await let_in(world, "write")
    await world.hub.is_in_team(TEAM, "bob")
    assert [dict(sent.permissions) for sent in world.requests("/orgs/*/memberships/*")] == [
        {"members": "read", "metadata": "read"}
    ]


@pytest.mark.parametrize(
    ("team", "error"), [("elsewhere/ops", Gone), ("acme/..", WorldError), ("../ops", WorldError), ("acme/", WorldError)]
)
async def test_a_team_that_nobody_can_ask_about(world: World, team: str, error: type[Exception]) -> None:
    await let_in(world)
    with pytest.raises(error):
        await world.hub.is_in_team(team, "bob")


async def test_without_the_permission_there_is_a_remedy(world: World) -> None:
    """Nothing is asked with a token that lacks it, and GitHub would not answer one."""
    world.github.team(TEAM, "bob")
    with pytest.raises(Denied) as denied:
        await world.hub.is_in_team(TEAM, "bob")
    assert "members" in denied.value.remedy.lower()
    client = Client(anonymous(world.github.url, world.pool), world.github.url, world.time, sleep=world.time.sleep)
    tokens = Tokens(client, AppCredentials(world.identity, world.time), world.time)
    with pytest.raises(Denied):
        await client.call(Call("GET", "/orgs/acme/teams/ops/memberships/bob"), tokens.of(world.repo, Purpose.READ))


def admins_of(world: World, *named: str) -> Administrators:
    return Administrators(world.hub, world.time, named)


async def test_it_is_asked_once_a_minute_by_all_who_want_to_know(world: World) -> None:
    await let_in(world)
    admins = admins_of(world, "ada", TEAM, "ACME/ops")
    assert await asyncio.gather(*(admins.have("bob") for _ in range(20))) == [True] * 20
    assert await admins.have("Bob")
    assert len(world.requests("/orgs/*/memberships/*")) == 1
    world.github.team(TEAM, invited=("bob",))
    world.time.goes_on(seconds=59)
    assert await admins.have("bob")
    world.time.goes_on(seconds=1)
    assert not await admins.have("bob")
    assert len(world.requests("/orgs/*/memberships/*")) == 2


async def test_who_is_named_is_one_without_a_question(world: World) -> None:
    assert await admins_of(world, "ada", TEAM).have("ADA")
    assert not await admins_of(world, "ada").have("bob")
    assert world.requests("/orgs/*") == []


async def test_whatever_goes_wrong_makes_nobody_one(world: World) -> None:
    assert not await admins_of(world, TEAM, "elsewhere/ops", "../x", "a/b/c", "/").have("bob")


def test_teams_are_named_once() -> None:
    assert teams_among(("ada", "octo/ops", "Octo/Ops", "octo/web")) == ("octo/ops", "octo/web")


async def test_pages_are_open_to_a_team_and_closed_a_minute_after_somebody_leaves_it(
    tmp_path: Path, sqlite_url: str
) -> None:
    async with pages_world(tmp_path, sqlite_url, admins=("octo/ops",)) as site, Browser() as browser:
        installation = site.public.installation
        await installation.accept_permissions({**installation.state.permissions, "members": "read"})
        site.github.team("octo/ops", "bob")
        page = await site.enter(browser, "bob", "/operations")
        assert (page.status, "/operations" in page.links) == (200, True)
        site.github.team("octo/ops", invited=("bob",))
        site.time.goes_on(seconds=60)
        assert (await site.get(browser, "/operations")).status == 403
        assert "/operations" not in (await site.get(browser, "/")).links


async def test_who_signs_out_is_no_longer_followed_by_what_goes_on(world: World, sqlite_url: str) -> None:
    """A stream that began with a session asks whether it lasts."""
    async with opened(sqlite_url) as store:
        sessions = Sessions(store.web_sessions, world.time, "http://127.0.0.1", admins_of(world))
        session = begun("a secret of a browser", Person("bob", 9), world.time.now())
        await store.web_sessions.begin(session)
        principal = Principal(session.person, Means.SESSION, session.digest)
        assert await sessions.lasts(principal)
        await store.web_sessions.end(session.digest)
        assert not await sessions.lasts(principal)
        await store.web_sessions.begin(session)
        world.time.goes_on(hours=12)
        assert not await sessions.lasts(principal)
