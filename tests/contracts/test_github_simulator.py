"""The GitHub simulator refuses what GitHub refuses: credentials, permissions, limits, validation, lifecycle."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import jwt
import pytest

from bot.simulators.github import generate_key
from tests.contracts.github_visitor import Visitor, visiting


@pytest.fixture
async def visitor(tmp_path: Path) -> AsyncIterator[Visitor]:
    async with visiting(tmp_path) as visitor:
        yield visitor
    assert visitor.github.errors == []


# ------------------------------------------------------------------------------------------------------ credentials


@pytest.mark.parametrize("issuer", ["the id", "the client id"])
async def test_the_app_is_known_by_its_id_and_by_its_client_id(visitor: Visitor, issuer: str) -> None:
    app = visitor.github.app
    token = visitor.app_token(iss=str(app.app_id) if issuer == "the id" else app.client_id)
    got = await visitor.call("GET", "/app", token=token)
    assert (got.status, got.body["slug"], got.body["client_id"]) == (200, app.slug, app.client_id)


NOON = 1795262400  # the visitor's clock


@pytest.mark.parametrize(
    ("claims", "status", "message"),
    [
        ({"iat": NOON + 60}, 200, ""),
        ({"iat": NOON + 61}, 401, "'Issued at'"),
        ({"iat": "now"}, 401, "'Issued at'"),
        ({"iat": None}, 401, "'Issued at'"),
        ({"exp": NOON + 600}, 200, ""),
        ({"exp": NOON + 601}, 401, "too far in the future"),
        ({"exp": NOON}, 401, "'Expiration time'"),
        ({"exp": None}, 401, "'Expiration time'"),
        ({"iss": "999"}, 404, "Integration not found"),
        ({"iss": None}, 404, "Integration not found"),
    ],
)
async def test_claims_of_the_app_token(visitor: Visitor, claims: dict[str, object], status: int, message: str) -> None:
    now = int(visitor.clock.now().timestamp())
    assert now == NOON
    everything = {"iat": now - 60, "exp": now + 540, "iss": str(visitor.github.app.app_id)} | claims
    given = {name: value for name, value in everything.items() if value is not None}
    key = visitor.github.app.private_key_pem
    token = jwt.api_jws.encode(json.dumps(given).encode(), key, "RS256")  # `jwt.encode` would refuse some of these
    got = await visitor.call("GET", "/app", token=token)
    assert got.status == status
    assert status == 200 or message in got.body["message"]


async def test_a_token_signed_with_another_key_or_algorithm_is_refused(visitor: Visitor) -> None:
    claims = {"iat": NOON, "exp": NOON + 60, "iss": str(visitor.github.app.app_id)}
    for key, algorithm in (
        (generate_key(), "RS256"),
        ("a shared secret of at least 32 bytes", "HS256"),
        ("", "none"),
    ):
        got = await visitor.call("GET", "/app", token=jwt.encode(claims, key, algorithm))
        assert (got.status, got.body["message"]) == (401, "A JSON web token could not be decoded")


@pytest.mark.parametrize(
    ("method", "path", "authorization", "status"),
    [
        ("GET", "/repos/octo/widgets", "", 401),
        ("GET", "/repos/octo/widgets", "Bearer ghs_nonsense", 401),
        ("GET", "/repos/octo/widgets", "Basic !!!", 401),
        ("GET", "/repos/octo/widgets", "Digest x", 401),
        ("GET", "/repos/octo/widgets", "{app}", 401),
        ("GET", "/app", "{installation}", 401),
        ("GET", "/repos/octo/widgets", "{installation}", 200),
        ("GET", "/repos/octo/nothing", "{installation}", 404),
    ],
)
async def test_each_route_takes_its_own_kind_of_token(
    visitor: Visitor, method: str, path: str, authorization: str, status: int
) -> None:
    value = authorization.format(app=f"Bearer {visitor.app_token()}", installation=f"token {visitor.token}")
    assert (await visitor.call(method, path, Authorization=value)).status == status


async def test_a_client_without_a_name_is_refused(visitor: Visitor) -> None:
    assert (await visitor.call("GET", "", User_Agent="")).status == 403


# ---------------------------------------------------------------------------------------------------------- minting


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 201),
        ({"permissions": {"contents": "read"}}, 201),
        ({"permissions": {"contents": "admin"}}, 422),
        ({"permissions": {"workflows": "write"}}, 422),
        ({"permissions": {"contants": "read"}}, 422),
        ({"permissions": {"contents": "everything"}}, 422),
        ({"permissions": ["contents"]}, 422),
        ({"repositories": ["widgets"]}, 201),
        ({"repositories": ["nothing"]}, 422),
        ({"repository_ids": [1]}, 422),
        ({"repository_ids": 1}, 422),
    ],
)
async def test_what_a_token_may_be_asked_for(visitor: Visitor, body: dict[str, object], status: int) -> None:
    assert (await visitor.mint(**body)).status == status


async def test_the_answer_to_a_mint_says_what_was_granted(visitor: Visitor) -> None:
    body = (await visitor.mint(repository_ids=[visitor.repo.id], permissions={"issues": "write"})).body
    assert body["permissions"] == {"issues": "write", "metadata": "read"}
    assert body["repository_selection"] == "selected"
    assert [repo["full_name"] for repo in body["repositories"]] == ["octo/widgets"]
    assert body["token"].startswith(f"ghs_{visitor.github.app.app_id}_")
    assert len(body["token"]) == 520
    assert body["expires_at"] == "2026-11-21T13:00:00.000Z"


async def test_the_older_forms_of_tokens_and_times(visitor: Visitor) -> None:
    visitor.github.authority.fractional_expiry = False
    visitor.github.authority.long_tokens = False
    body = (await visitor.mint()).body
    assert (len(body["token"]), body["expires_at"]) == (40, "2026-11-21T13:00:00Z")


async def test_a_token_dies_of_age_of_revocation_and_with_the_installation(visitor: Visitor) -> None:
    async def status() -> int:
        return (await visitor.call("GET", "")).status

    assert await status() == 200
    visitor.clock.goes_on(minutes=59, seconds=59)
    assert await status() == 200
    visitor.clock.goes_on(seconds=1)
    assert await status() == 401
    visitor.token = await visitor.token_for(visitor.repo)
    assert (await visitor.call("DELETE", "/installation/token")).status == 204
    assert await status() == 401
    visitor.token = await visitor.token_for(visitor.repo)
    installation = visitor.repo.installation
    await installation.suspend()
    assert await status() == 403
    assert (await visitor.mint()).status == 403
    await installation.unsuspend()
    assert await status() == 200
    path = f"/app/installations/{installation.id}/access_tokens"
    await installation.uninstall()
    assert await status() == 401
    assert (await visitor.call("POST", path, {}, token=visitor.app_token())).status == 404


async def test_a_repository_outside_of_the_token_is_not_there(visitor: Visitor) -> None:
    other = visitor.github.repository("octo/gadgets", files={"a": "a"})
    assert (await visitor.call("GET", "/repos/octo/gadgets")).status == 404
    assert (await visitor.call("GET", f"/repositories/{other.id}")).status == 404
    both = await visitor.token_for(visitor.repo, other)
    assert (await visitor.call("GET", f"/repositories/{other.id}", token=both)).status == 200


# ------------------------------------------------------------------------------------------------------ permissions

ALL_BUT = {
    "issues": {"contents": "write", "pull_requests": "write", "checks": "write"},
    "contents": {"issues": "write", "pull_requests": "write", "checks": "write"},
    "pull_requests": {"contents": "write", "issues": "write", "checks": "write"},
    "checks": {"contents": "write", "issues": "write", "pull_requests": "write"},
}


@pytest.mark.parametrize(
    ("method", "path", "body", "needed", "level"),
    [
        ("GET", "issues/1", None, "issues", "read"),
        ("GET", "issues/1/comments", None, "issues", "read"),
        ("POST", "issues/1/comments", {"body": "x"}, "issues", "write"),
        ("POST", "issues/1/reactions", {"content": "eyes"}, "issues", "write"),
        ("POST", "issues/1/labels", {"labels": ["x"]}, "issues", "write"),
        ("GET", "contents/README.md", None, "contents", "read"),
        ("GET", "branches/main", None, "contents", "read"),
        ("GET", "commits/main", None, "contents", "read"),
        ("GET", "compare/main...topic", None, "contents", "read"),
        ("GET", "git/ref/heads/main", None, "contents", "read"),
        ("POST", "git/blobs", {"content": "x"}, "contents", "write"),
        ("GET", "pulls/2", None, "pull_requests", "read"),
        ("GET", "pulls/2/reviews", None, "pull_requests", "read"),
        ("PATCH", "pulls/2", {"title": "x"}, "pull_requests", "write"),
        ("GET", "commits/main/check-runs", None, "checks", "read"),
    ],
)
async def test_a_route_needs_its_permission_and_no_other(
    visitor: Visitor, method: str, path: str, body: object, needed: str, level: str
) -> None:
    await visitor.repo.open_issue("Bug", by="ann")
    await visitor.repo.commit("topic", {"a": "a"}, "Topic")
    await visitor.repo.open_pull("Pull", head="topic", by="ann")
    less = ALL_BUT[needed] | ({needed: "read"} if level == "write" else {})
    got = await visitor.call(method, path, body, token=await visitor.token_for(**less))
    assert (got.status, got.body["message"]) == (403, "Resource not accessible by integration")
    assert f"{needed}={level}" in got.headers["X-Accepted-GitHub-Permissions"]
    enough = await visitor.token_for(**{needed: level})
    assert (await visitor.call(method, path, body, token=enough)).status in (200, 201)


@pytest.mark.parametrize("permission", ["issues", "pull_requests"])
async def test_a_pull_request_is_an_issue_too(visitor: Visitor, permission: str) -> None:
    await visitor.repo.commit("topic", {"a": "a"}, "Topic")
    await visitor.repo.open_pull("Pull", head="topic", by="ann")
    token = await visitor.token_for(**{permission: "write"})
    assert (await visitor.call("POST", "issues/1/comments", {"body": "x"}, token=token)).status == 201


@pytest.mark.parametrize("path", ["", "collaborators/ann/permission", "rules/branches/new"])
async def test_metadata_is_for_every_token(visitor: Visitor, path: str) -> None:
    assert (await visitor.call("GET", path, token=await visitor.token_for(metadata="read"))).status == 200


@pytest.mark.parametrize(
    ("role", "permission", "flags"),
    [
        ("read", "read", {"pull"}),
        ("triage", "read", {"pull", "triage"}),
        ("write", "write", {"pull", "triage", "push"}),
        ("maintain", "write", {"pull", "triage", "push", "maintain"}),
        ("admin", "admin", {"pull", "triage", "push", "maintain", "admin"}),
    ],
)
async def test_roles_are_told_coarsely_and_finely(
    visitor: Visitor, role: str, permission: str, flags: set[str]
) -> None:
    visitor.repo.grant("bob", role)
    body = (await visitor.call("GET", "collaborators/bob/permission")).body
    assert (body["permission"], body["role_name"]) == (permission, role)
    assert {name for name, held in body["user"]["permissions"].items() if held} == flags


async def test_strangers_may_read_what_is_public(visitor: Visitor) -> None:
    visitor.github.user("stranger")
    assert (await visitor.call("GET", "collaborators/stranger/permission")).body["permission"] == "read"
    assert (await visitor.call("GET", "collaborators/nobody/permission")).status == 404
    private = visitor.github.repository("octo/secret", private=True)
    visitor.repo.grant("carl", "write", role_name="release-manager")
    assert (await visitor.call("GET", "collaborators/carl/permission")).body["role_name"] == "release-manager"
    token = await visitor.token_for(private)
    path = f"/repositories/{private.id}/collaborators/stranger/permission"
    assert (await visitor.call("GET", path, token=token)).body["permission"] == "none"


# ------------------------------------------------------------------------------------- pages, ETags, limits, versions


async def test_lists_come_in_pages_that_link_to_each_other(visitor: Visitor) -> None:
    issue = await visitor.repo.open_issue("Bug", by="ann")
    for number in range(105):
        await issue.comment(f"comment {number}", by="ann")
    got = await visitor.call("GET", "issues/1/comments?per_page=1000")
    assert len(got.body) == 100
    assert f"<{visitor.github.url}/repositories/{visitor.repo.id}/issues/1/comments?" in got.headers["Link"]
    seen: list[str] = []
    url: str | None = "/repos/octo/widgets/issues/1/comments"
    while url is not None:
        async with visitor.session.get(url, headers={"Authorization": f"Bearer {visitor.token}"}) as page:
            seen += [comment["body"] for comment in await page.json()]
            url = str(page.links["next"]["url"]) if "next" in page.links else None
    assert seen == [f"comment {number}" for number in range(105)]
    last = await visitor.call("GET", "issues/1/comments?page=4")
    assert len(last.body) == 15
    assert 'rel="prev"' in last.headers["Link"]
    assert 'rel="next"' not in last.headers["Link"]


async def test_since_leaves_out_what_did_not_change(visitor: Visitor) -> None:
    issue = await visitor.repo.open_issue("Bug", by="ann")
    first = await issue.comment("first", by="ann")
    await issue.comment("second", by="ann")
    visitor.clock.goes_on(minutes=30)
    await issue.edit_comment(first.id, "first, edited", by="ann")
    got = await visitor.call("GET", "issues/1/comments?since=2026-11-21T12:30:00Z")
    assert [comment["body"] for comment in got.body] == ["first, edited"]
    assert (await visitor.call("GET", "issues/1/comments?since=yesterday")).status == 422


async def test_what_did_not_change_is_free(visitor: Visitor) -> None:
    issue = await visitor.repo.open_issue("Bug", by="ann")
    first = await visitor.call("GET", "issues/1")
    again = await visitor.call("GET", "issues/1", If_None_Match=first.headers["ETag"])
    assert (again.status, again.raw) == (304, b"")
    assert again.headers["X-RateLimit-Remaining"] == first.headers["X-RateLimit-Remaining"]
    await issue.label("new", by="ann")
    changed = await visitor.call("GET", "issues/1", If_None_Match=first.headers["ETag"])
    assert changed.status == 200
    assert int(changed.headers["X-RateLimit-Remaining"]) == int(first.headers["X-RateLimit-Remaining"]) - 1


@pytest.mark.parametrize("status", [403, 429])
async def test_the_primary_limit_ends_with_the_hour(visitor: Visitor, status: int) -> None:
    visitor.github.limits.limit, visitor.github.limits.status = 2, status
    assert [(await visitor.call("GET", "")).status for _ in range(3)] == [200, 200, status]
    got = await visitor.call("GET", "")
    assert "API rate limit exceeded" in got.body["message"]
    assert got.headers["X-RateLimit-Remaining"] == "0"
    assert int(got.headers["X-RateLimit-Reset"]) == NOON + 3600
    visitor.clock.goes_on(hours=1)
    visitor.token = await visitor.token_for(visitor.repo)
    assert (await visitor.call("GET", "")).status == 200


@pytest.mark.parametrize("retry_after", [None, 7])
async def test_the_secondary_limit_with_and_without_advice(visitor: Visitor, retry_after: int | None) -> None:
    visitor.github.faults.secondary_limit(retry_after=retry_after, method="POST", path="*/comments")
    issue = await visitor.repo.open_issue("Bug", by="ann")
    got = await visitor.call("POST", "issues/1/comments", {"body": "hello"})
    assert got.status == 403
    assert "secondary rate limit" in got.body["message"]
    assert got.headers.get("Retry-After") == (None if retry_after is None else "7")
    assert int(got.headers["X-RateLimit-Remaining"]) > 0
    assert issue.comments == []


@pytest.mark.parametrize(("version", "status"), [("2022-11-28", 200), ("2026-03-10", 200), ("2020-01-01", 400)])
async def test_versions_of_the_api(visitor: Visitor, version: str, status: int) -> None:
    got = await visitor.call("GET", "", X_GitHub_Api_Version=version)
    assert got.status == status
    assert got.headers["X-GitHub-Request-Id"]


# ----------------------------------------------------------------------------------------------------------- faults


async def test_an_answer_can_be_dropped_after_its_effect(visitor: Visitor) -> None:
    issue = await visitor.repo.open_issue("Bug", by="ann")
    faults = visitor.github.faults
    faults.add("POST", "*/comments", status=502, drop_answer=True)
    assert (await visitor.call("POST", "issues/1/comments", {"body": "one"})).status == 502
    faults.add("POST", "*/comments", drop_answer=True)
    with pytest.raises(aiohttp.ClientPayloadError):
        await visitor.call("POST", "issues/1/comments", {"body": "two"})
    faults.add("POST", "*/comments", status=500, body="<html>unicorn</html>")
    assert (await visitor.call("POST", "issues/1/comments", {"body": "never"})).raw == b"<html>unicorn</html>"
    assert (await visitor.call("POST", "issues/1/comments", {"body": "three"})).status == 201
    assert [comment.body for comment in issue.comments] == ["one", "two", "three"]


async def test_a_hanging_request_goes_on_when_released(visitor: Visitor) -> None:
    fault = visitor.github.faults.add("GET", "/repos/octo/*", hang=True)
    waiting = asyncio.create_task(visitor.call("GET", ""))
    await visitor.github.wait_for(lambda: fault.hits == 1)
    assert not waiting.done()
    fault.release()
    assert (await waiting).status == 200


async def test_a_server_with_a_hanging_request_can_be_stopped(tmp_path: Path) -> None:
    async with asyncio.timeout(10), visiting(tmp_path) as visitor:
        fault = visitor.github.faults.add("GET", "*", hang=True, times=None)
        waiting = asyncio.create_task(visitor.call("GET", ""))
        await visitor.github.wait_for(lambda: fault.hits == 1)
        waiting.cancel()


async def test_an_unknown_route_is_remembered_as_an_error(tmp_path: Path) -> None:
    async with visiting(tmp_path) as visitor:
        assert (await visitor.call("GET", "nothing/like/this", token="")).status == 404
        assert (await visitor.call("PUT", "issues/1")).status == 404
        assert visitor.github.errors == [
            "unknown route: GET /repos/octo/widgets/nothing/like/this",
            "unknown route: PUT /repos/octo/widgets/issues/1",
        ]
        latest = visitor.github.requests[-1]
        assert (latest.method, latest.path, latest.status) == ("PUT", "/repos/octo/widgets/issues/1", 404)


# ----------------------------------------------------------------------------------------------- issues and comments

LONGEST = "x" * 65_536


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "issues/1/comments", {"body": LONGEST}, 201),
        ("POST", "issues/1/comments", {"body": LONGEST + "x"}, 422),
        ("POST", "issues/1/comments", {"body": "ü" * 65_536}, 201),
        ("POST", "issues/1/comments", {"body": " \n"}, 422),
        ("POST", "issues/1/comments", {"body": 1}, 422),
        ("POST", "issues/1/comments", {}, 422),
        ("POST", "issues/1/comments", [], 400),
        ("POST", "issues/9/comments", {"body": "x"}, 404),
        ("PATCH", "issues/comments/{own}", {"body": LONGEST + "x"}, 422),
        ("PATCH", "issues/comments/{own}", {"body": "better"}, 200),
        ("PATCH", "issues/comments/{anns}", {"body": "mine now"}, 403),
        ("PATCH", "issues/comments/1", {"body": "x"}, 404),
        ("DELETE", "issues/comments/{own}", None, 204),
        ("DELETE", "issues/comments/{anns}", None, 403),
        ("GET", "issues/comments/{anns}", None, 200),
        ("POST", "issues/1/reactions", {"content": "eyes"}, 201),
        ("POST", "issues/1/reactions", {"content": "applause"}, 422),
        ("POST", "issues/comments/{anns}/reactions", {"content": "rocket"}, 201),
        ("DELETE", "issues/1/reactions/1", None, 404),
        ("POST", "issues/1/labels", {"labels": ["new", "newer"]}, 200),
        ("POST", "issues/1/labels", {"labels": "new"}, 422),
        ("POST", "issues/1/labels", {}, 422),
        ("DELETE", "issues/1/labels/nothing", None, 404),
        ("DELETE", "issues/1/labels/solve-me", None, 200),
        ("POST", "labels", {"name": "solver", "color": "5319e7"}, 201),
        ("POST", "labels", {"name": "Solve-Me", "color": "5319e7"}, 422),
        ("POST", "labels", {"name": "solver", "color": "#5319e7"}, 422),
        ("POST", "labels", {"name": "", "color": "5319e7"}, 422),
        ("GET", "labels/solve-me", None, 200),
        ("PATCH", "issues/1", {"state": "closed"}, 200),
        ("PATCH", "issues/1", {"state": "done"}, 422),
    ],
)
async def test_what_may_be_said(visitor: Visitor, method: str, path: str, body: object, status: int) -> None:
    issue = await visitor.repo.open_issue("Bug", by="ann", labels=["solve-me"])
    anns = await issue.comment("hello", by="ann")
    own = (await visitor.call("POST", "issues/1/comments", {"body": "hello"})).body["id"]
    got = await visitor.call(method, path.format(own=own, anns=anns.id), body)
    assert got.status == status
    if status == 422:
        assert got.body.keys() >= {"message", "documentation_url", "status"}


async def test_text_that_is_not_text_is_refused(visitor: Visitor) -> None:
    await visitor.repo.open_issue("Bug", by="ann")
    headers = {"Authorization": f"Bearer {visitor.token}"}
    for data in (b"{", b'{"body": "\\ud800"}', b"\xff"):
        async with visitor.session.post("/repos/octo/widgets/issues/1/comments", data=data, headers=headers) as got:
            assert got.status == 400


async def test_reacting_twice_is_once(visitor: Visitor) -> None:
    issue = await visitor.repo.open_issue("Bug", by="ann")
    await issue.react("eyes", by="ann")
    first = await visitor.call("POST", "issues/1/reactions", {"content": "eyes"})
    again = await visitor.call("POST", "issues/1/reactions", {"content": "eyes"})
    assert (first.status, again.status, first.body["id"]) == (201, 200, again.body["id"])
    assert [reaction.user.login for reaction in issue.reactions] == ["ann", "solvebot[bot]"]
    anns = issue.reactions[0].id
    assert (await visitor.call("DELETE", f"issues/1/reactions/{anns}")).status == 403
    assert (await visitor.call("DELETE", f"issues/1/reactions/{first.body['id']}")).status == 204


async def test_where_nothing_can_be_said_any_more(visitor: Visitor) -> None:
    async def comment(number: int) -> int:
        return (await visitor.call("POST", f"issues/{number}/comments", {"body": "hello"})).status

    locked, deleted = await visitor.repo.open_issue("A", by="ann"), await visitor.repo.open_issue("B", by="ann")
    await locked.lock(by="ann")
    assert await comment(locked.number) == 403
    await locked.unlock(by="ann")
    assert await comment(locked.number) == 201
    await deleted.delete(by="ann")
    assert await comment(deleted.number) == 410
    await visitor.repo.archive(by="ann")
    got = await visitor.call("POST", f"issues/{locked.number}/comments", {"body": "hello"})
    assert (got.status, got.body["message"]) == (403, "Repository was archived so is read-only.")
    assert (await visitor.call("GET", f"issues/{locked.number}")).status == 200


async def test_a_transferred_issue_says_where_it_went(visitor: Visitor) -> None:
    other = visitor.github.repository("octo/gadgets")
    issue = await visitor.repo.open_issue("Bug", by="ann")
    moved = await issue.transfer(other, by="ann")
    got = await visitor.call("POST", "issues/1/comments", {"body": "hello"})
    assert got.status == 301
    assert got.headers["Location"] == f"{visitor.github.url}/repositories/{other.id}/issues/{moved.number}/comments"


async def test_a_renamed_repository_redirects(visitor: Visitor) -> None:
    await visitor.repo.open_issue("Bug", by="ann")
    await visitor.repo.rename("gizmos", by="ann")
    got = await visitor.call("GET", "issues/1/comments?per_page=5")
    assert got.status == 301
    place = f"{visitor.github.url}/repositories/{visitor.repo.id}/issues/1/comments"
    assert got.headers["Location"] == f"{place}?per_page=5"
    posted = await visitor.call("POST", "issues/1/comments", {"body": "hello"})
    assert (posted.status, posted.headers["Location"]) == (307, place)
    assert (await visitor.call("GET", f"/repositories/{visitor.repo.id}")).body["full_name"] == "octo/gizmos"
    await visitor.repo.delete(by="ann")
    assert (await visitor.call("GET", f"/repositories/{visitor.repo.id}")).status == 404


async def test_people_have_numbers(visitor: Visitor) -> None:
    bot = (await visitor.call("GET", "/users/solvebot%5Bbot%5D")).body
    assert (bot["type"], bot["id"]) == ("Bot", visitor.github.app.bot.id)
    assert (await visitor.call("GET", "/users/ann")).body["type"] == "User"
    assert (await visitor.call("GET", "/users/nobody")).status == 404


# ---------------------------------------------------------------------------------------------------------- GraphQL


async def test_graphql_tells_when_something_was_edited(visitor: Visitor) -> None:
    issue = await visitor.repo.open_issue("Bug", "original", by="ann")
    comment = await issue.comment("first", by="ann")
    visitor.clock.goes_on(minutes=1)
    await issue.edit(body="changed", by="ann")
    await issue.edit_comment(comment.id, "second", by="bob")
    query = """query($owner: String!, $name: String!, $number: Int!) {
        repository(owner: $owner, name: $name) { issue(number: $number) {
            lastEditedAt
            userContentEdits(first: 10) { nodes { editedAt diff editor { login } } }
            said: comments(first: 1) { totalCount pageInfo { hasNextPage } nodes {
                databaseId lastEditedAt author { __typename login ... on User { databaseId } } } }
        } } }"""
    variables = {"owner": "octo", "name": "widgets", "number": issue.number}
    got = await visitor.call("POST", "/graphql", {"query": query, "variables": variables})
    at = "2026-11-21T12:01:00Z"
    told = got.body["data"]["repository"]["issue"]
    assert told["lastEditedAt"] == at
    assert told["userContentEdits"]["nodes"] == [{"editedAt": at, "diff": "original", "editor": {"login": "ann"}}]
    (node,) = told["said"]["nodes"]
    author = {"__typename": "User", "login": "ann", "databaseId": visitor.github.user("ann").id}
    assert node == {"databaseId": comment.id, "lastEditedAt": at, "author": author}


async def test_graphql_hides_comments_and_readies_pulls(visitor: Visitor) -> None:
    issue = await visitor.repo.open_issue("Bug", by="ann")
    comment = (await visitor.call("POST", "issues/1/comments", {"body": "old"})).body
    hide = """mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) {
        minimizedComment { isMinimized minimizedReason } } }"""
    got = await visitor.call("POST", "/graphql", {"query": hide, "variables": {"id": comment["node_id"]}})
    assert got.body["data"]["minimizeComment"]["minimizedComment"]["minimizedReason"] == "outdated"
    assert issue.comments[0].minimized == "OUTDATED"
    await visitor.repo.commit("topic", {"a": "a"}, "Topic")
    pull = (await visitor.call("POST", "pulls", {"title": "t", "head": "topic", "base": "main", "draft": True})).body
    ready = (
        "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { pullRequest { isDraft }}}"
    )
    got = await visitor.call("POST", "/graphql", {"query": ready, "variables": {"id": pull["node_id"]}})
    assert got.body["data"]["markPullRequestReadyForReview"]["pullRequest"] == {"isDraft": False}


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ('{ repository(owner: "octo", name: "widgets") { stars } }', "'stars' doesn't exist on type 'Repository'"),
        ("mutation { deleteEverything(input: {}) { ok } }", "'deleteEverything' doesn't exist on type 'Mutation'"),
        ("{ viewer }", "must have selections"),
        ("{ viewer { login ", "Unexpected end"),
        ("query($a: Int!) { viewer { login } }", "Variable $a"),
        ('{ repository(owner: "octo", name: "widgets") { issue(number: 1) { comments { totalCount } } } }', "first"),
    ],
)
async def test_graphql_mistakes_are_errors_of_the_client(tmp_path: Path, query: str, message: str) -> None:
    async with visiting(tmp_path) as visitor:
        await visitor.repo.open_issue("Bug", by="ann")
        got = await visitor.call("POST", "/graphql", {"query": query})
        assert message in got.body["errors"][0]["message"]
        assert len(visitor.github.errors) == 1


async def test_graphql_says_what_is_missing_and_what_is_forbidden(visitor: Visitor) -> None:
    query = '{ repository(owner: "octo", name: "widgets") { issue(number: 9) { title } } }'
    got = await visitor.call("POST", "/graphql", {"query": query})
    assert (got.status, got.body["errors"][0]["type"]) == (200, "NOT_FOUND")
    token = await visitor.token_for(contents="read")
    got = await visitor.call("POST", "/graphql", {"query": query}, token=token)
    assert got.body["errors"][0]["type"] == "FORBIDDEN"
    assert got.body["data"] == {"repository": {"issue": None}}
