"""What githubkit does when it is left alone, answer by answer: each of these fails with its defaults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx
import pytest
import respx

from bot.core.model import IssueRef, Permission, Repo
from bot.github.github import Hub
from bot.github.refusals import TooLarge
from bot.github.tokens import AppIdentity
from bot.github.wire import connections
from bot.ports import Denied, Gone, Rejected, Unavailable
from tests.contracts.github_world import MARKER, Time, make_key

API = "https://api.github.test"
REPO = Repo(7, 11, "acme/widget")
ISSUE = IssueRef(REPO, 1)
TOKEN = "ghs_4711_" + "eyJ.abc-def." * 40
FOUND = {"title": "A", "state": "open"}


@dataclass
class Wire:
    """GitHub at the level of HTTP. `issue` is what is asked for; tokens are minted as they should be."""

    routes: respx.MockRouter
    time: Time
    hub: Hub
    mint: respx.Route = field(init=False)
    issue: respx.Route = field(init=False)

    def __post_init__(self) -> None:
        token = {"token": TOKEN, "expires_at": "2026-11-21T13:00:00Z"}
        self.mint = self.routes.post("/app/installations/7/access_tokens").respond(201, json=token)
        self.issue = self.routes.get("/repos/acme/widget/issues/1").respond(json=FOUND)

    def says(self, *answers: httpx.Response) -> None:
        self.issue.side_effect = list(answers)


@pytest.fixture
async def wire() -> AsyncIterator[Wire]:
    time = Time()
    with respx.mock(base_url=API, assert_all_called=False) as routes:
        async with connections() as pool:
            identity = AppIdentity("1", make_key())
            yield Wire(routes, time, Hub(pool, identity, time, api_url=API, write_interval=0.0, sleep=time.sleep))


def bearer(route: respx.Route) -> set[str]:
    return {call.request.headers["Authorization"] for call in route.calls}


@pytest.mark.parametrize(
    "path", ["docs/installation", "x/applications/foo/tokens.py", "login/oauth/access_token", "app/installations/1"]
)
async def test_no_path_changes_who_asks(wire: Wire, path: str) -> None:
    asked = wire.routes.get(f"/repos/acme/widget/contents/{path}").respond(text="x")
    await wire.hub.file(REPO, path, "main")
    assert bearer(asked) == {f"Bearer {TOKEN}"}
    [minted] = bearer(wire.mint)
    assert minted.startswith("Bearer eyJ")


async def test_a_token_is_minted_once_for_many_and_for_one_repository(wire: Wire) -> None:
    await asyncio.gather(*(wire.hub.issue(ISSUE) for _ in range(20)))
    assert wire.mint.call_count == 1
    assert json.loads(wire.mint.calls.last.request.content)["repository_ids"] == [11]


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (401, "A JSON web token could not be decoded", Denied),
        (403, "This installation has been suspended", Denied),
        (404, "Not Found", Gone),
        (422, "The permissions requested are not granted to this installation.", Denied),
        (502, "", Unavailable),
    ],
)
async def test_what_keeps_us_from_a_token_is_told_as_such(
    wire: Wire, status: int, message: str, error: type[Exception]
) -> None:
    wire.mint.respond(status, json={"message": message})
    with pytest.raises(error):
        await wire.hub.issue(ISSUE)
    assert not wire.issue.called


async def test_the_end_of_a_token_may_have_fractions_of_a_second(wire: Wire) -> None:
    wire.mint.respond(201, json={"token": TOKEN, "expires_at": "2026-11-21T13:00:00.123Z"})
    await wire.hub.issue(ISSUE)
    assert bearer(wire.issue) == {f"Bearer {TOKEN}"}


async def test_a_token_that_is_refused_is_replaced(wire: Wire) -> None:
    await wire.hub.issue(ISSUE)
    wire.says(httpx.Response(401, json={"message": "Bad credentials"}), httpx.Response(200, json=FOUND))
    await wire.hub.issue(ISSUE)
    assert wire.mint.call_count == 2


async def test_a_secondary_limit_without_a_word_about_time_is_waited_for(wire: Wire) -> None:
    limited = httpx.Response(403, json={"message": "You have exceeded a secondary rate limit."})
    wire.says(limited, httpx.Response(200, json=FOUND))
    await wire.hub.issue(ISSUE)
    assert wire.time.waited[0] >= 60


@pytest.mark.parametrize("after", ["1.5", "Sat, 21 Nov 2026 12:00:02 GMT", "soon", "-1", "", "9" * 400])
async def test_any_word_about_time_can_be_read(wire: Wire, after: str) -> None:
    limited = httpx.Response(429, headers={"Retry-After": after}, json={"message": "secondary rate limit"})
    wire.says(limited, httpx.Response(200, json=FOUND))
    assert (await wire.hub.issue(ISSUE)).title == "A"
    assert sum(wire.time.waited) < 3600


async def test_nobody_waits_for_hours(wire: Wire) -> None:
    """The step that asked is begun again later instead."""
    wire.says(httpx.Response(429, headers={"Retry-After": "7200"}, json={"message": "secondary rate limit"}))
    with pytest.raises(Unavailable):
        await wire.hub.issue(ISSUE)
    assert wire.time.waited == []


@pytest.mark.parametrize("answer", [httpx.Response(502), httpx.ReadTimeout("slow"), httpx.RemoteProtocolError("cut")])
async def test_a_comment_is_not_sent_again_when_nobody_knows_what_became_of_it(
    wire: Wire, answer: httpx.Response | Exception
) -> None:
    """It is looked for first; what is there was posted."""
    wire.routes.get("/app").respond(json={"slug": "solvebot"})
    bot = {"login": "solvebot[bot]", "id": 9, "type": "Bot"}
    wire.routes.get("/users/solvebot%5Bbot%5D").respond(json=bot)
    times = {"created_at": "2026-11-21T12:00:00Z", "updated_at": "2026-11-21T12:00:00Z"}
    posted = {"id": 5, "html_url": f"{API}/5", "body": MARKER, "user": bot, **times}
    listed = wire.routes.get("/repos/acme/widget/issues/1/comments")
    listed.side_effect = [httpx.Response(200, json=[]), httpx.Response(200, json=[posted])]
    post = wire.routes.post("/repos/acme/widget/issues/1/comments")
    post.side_effect = [answer]
    assert (await wire.hub.say(ISSUE, MARKER, marker=MARKER)).id == 5
    assert post.call_count == 1


async def test_no_call_waits_for_ever(wire: Wire) -> None:
    await wire.hub.issue(ISSUE)
    for call in (*wire.mint.calls, *wire.issue.calls):
        assert call.request.extensions["timeout"] == {"connect": 10, "read": 30, "write": 10, "pool": 10}


async def test_a_read_that_times_out_is_repeated(wire: Wire) -> None:
    wire.issue.side_effect = [httpx.ConnectTimeout("no"), httpx.ReadTimeout("slow"), httpx.Response(200, json=FOUND)]
    assert (await wire.hub.issue(ISSUE)).title == "A"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_is_followed(wire: Wire, status: int) -> None:
    elsewhere = wire.routes.get("https://elsewhere.test/x").respond(json=FOUND)
    wire.routes.get("/repositories/11").respond(
        json={"id": 11, "full_name": "acme/widget", "default_branch": "main", "private": False}
    )
    wire.says(httpx.Response(status, headers={"Location": "https://elsewhere.test/x"}))
    with pytest.raises(Gone):
        await wire.hub.issue(ISSUE)
    assert not elsewhere.called


async def test_no_token_goes_to_another_host(wire: Wire) -> None:
    elsewhere = wire.routes.get("https://elsewhere.test/2").respond(json=[])
    wire.routes.get("/repos/acme/widget/issues/1/comments").respond(
        json=[], headers={"Link": '<https://elsewhere.test/2>; rel="next"'}
    )
    with pytest.raises(Rejected):
        await wire.hub.remarks(ISSUE, before=wire.time.now())
    assert not elsewhere.called


async def test_nobody_fills_our_memory(wire: Wire) -> None:
    wire.says(httpx.Response(200, stream=Endless()))
    with pytest.raises(TooLarge):
        await wire.hub.issue(ISSUE)


class Endless(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 2**20


async def test_what_is_known_already_is_asked_again(wire: Wire) -> None:
    """Without githubkit's cache, which would keep bodies of private repositories in memory."""
    await wire.hub.issue(ISSUE)
    await wire.hub.issue(ISSUE)
    assert wire.issue.call_count == 2
    assert "If-None-Match" not in wire.issue.calls.last.request.headers


async def test_every_call_says_which_version_of_the_api_it_means(wire: Wire) -> None:
    wire.routes.get("/repos/acme/widget/collaborators/ann/permission").respond(json={"permission": "write"})
    assert await wire.hub.permission(REPO, "ann") is Permission.WRITE
    for call in wire.routes.calls:
        assert call.request.headers["X-GitHub-Api-Version"] == "2022-11-28"
        assert call.request.headers["User-Agent"] == "solvebot"
