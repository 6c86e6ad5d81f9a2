"""The receiver over real HTTP: every refusal, the limit while reading, and what is stored before the answer."""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from bot.core.trigger.event_reader import read_event
from bot.core.trigger.events import CommentPosted, LabelAdded, Ping
from bot.github.signatures import BadSignature, Delivery, Malformed, verify
from bot.github.webhook import MAX_TEXT, slim
from bot.inbox import Inbox, open_inbox
from bot.ports import Unavailable
from bot.web.health import Check, health_routes
from bot.web.webhook import MAX_BODY, Receiver

SECRET, OLD_SECRET = b"s3cret", b"the one before"
GUID = "72d3162e-cc78-11e3-81ab-4c9367dc0958"


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


def signed(body: bytes, event: str = "issues", *, secret: bytes = SECRET, guid: str = GUID) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": guid,
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret, body, "sha256").hexdigest(),
    }


def payload(action: str, **more: Any) -> dict[str, Any]:
    """In GitHub's shape, with fields that nobody needs."""
    return {
        "action": action,
        "sender": {"login": "ann", "id": 9, "type": "User", "avatar_url": "https://example.org/ann"},
        "repository": {"id": 77, "full_name": "octo/web", "owner": {"login": "octo"}, "topics": ["a", "b"]},
        "installation": {"id": 5, "node_id": "MDQ6"},
        "issue": {
            "number": 3,
            "title": "It breaks",
            "body": "Traceback",
            "state": "open",
            "locked": False,
            "labels": [{"name": "solve-me"}],
            "updated_at": "2026-11-20T10:00:00Z",
        },
        **more,
    }


def labeled(name: str = "solve-me") -> bytes:
    return json.dumps(payload("labeled", label={"name": name, "color": "d73a4a"})).encode()


def commented(body: str | None, *, action: str = "created", by: str = "User", **more: Any) -> bytes:
    account = {"login": "ann", "id": 9, "type": by}
    comment = {"id": 41, "body": body, "user": account, "updated_at": "2026-11-20T10:00:00Z"}
    return json.dumps(payload(action, comment=comment, **more)).encode()


@asynccontextmanager
async def served(app: ASGIApp) -> AsyncIterator[str]:
    """The address of a real server in this loop."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
        listening.close()


@pytest.fixture
async def inbox(sqlite_url: str) -> AsyncIterator[Inbox]:
    inbox = await open_inbox(sqlite_url, SystemClock())
    yield inbox
    await inbox.close()


@pytest.fixture
async def address(inbox: Inbox) -> AsyncIterator[str]:
    async with served(Receiver([SECRET, OLD_SECRET], inbox, Starlette(routes=health_routes({})))) as address:
        yield address


@pytest.fixture
async def client(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(address) as session:
        yield session


async def post(client: aiohttp.ClientSession, body: Any, headers: dict[str, str]) -> tuple[int, str]:
    async with client.post("/webhook", data=body, headers=headers) as response:
        return response.status, (await response.text()).strip()


# --------------------------------------------------------------------------------------------------------- Signatures


def test_githubs_published_example() -> None:
    body = b"Hello, World!"
    headers = {
        b"x-hub-signature-256": b"sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17",
        b"x-github-event": b"ping",
        b"x-github-delivery": GUID.encode(),
    }
    delivery = verify([b"It's a Secret to Everybody"], headers, body)
    assert (delivery.guid, delivery.event, delivery.body) == (GUID, "ping", body)


def test_nothing_else_makes_a_delivery() -> None:
    with pytest.raises(TypeError):
        Delivery(GUID, "ping", b"{}", object())


@pytest.mark.parametrize("secrets", [[], [b""], [SECRET, b""]])
def test_a_receiver_without_a_secret_does_not_start(secrets: list[bytes], inbox: Inbox) -> None:
    with pytest.raises(ValueError):
        Receiver(secrets, inbox, Starlette())


HEX = hmac.new(SECRET, b"{}", "sha256").hexdigest().encode()


@pytest.mark.parametrize(
    ("signature", "why"),
    [
        (None, "missing"),
        (b"", "does not start"),
        (b"sha1=" + HEX[:40], "does not start"),
        (HEX, "does not start"),
        (b"sha256=", "does not match"),
        (b"sha256=" + HEX[:-1], "does not match"),
        (b"sha256=" + HEX + b"0", "does not match"),
        (b"sha256=" + HEX.upper(), "does not match"),
        ("sha256=éé".encode(), "does not match"),
        (b"sha256=\xff\x00", "does not match"),
    ],
)
def test_bad_signatures(signature: bytes | None, why: str) -> None:
    headers = {b"x-github-event": b"ping", b"x-github-delivery": b"1"}
    if signature is not None:
        headers[b"x-hub-signature-256"] = signature
    with pytest.raises(BadSignature, match=why):
        verify([OLD_SECRET, SECRET], headers, b"{}")


@pytest.mark.parametrize(
    ("name", "value"), [("event", b""), ("event", b"a b"), ("delivery", b"\xe9"), ("delivery", b"x" * 101)]
)
def test_headers_that_are_not_githubs(name: str, value: bytes) -> None:
    headers = {b"x-github-event": b"ping", b"x-github-delivery": b"1", b"x-hub-signature-256": b"sha256=" + HEX}
    with pytest.raises(Malformed, match=name):
        verify([SECRET], {**headers, f"x-github-{name}".encode(): value}, b"{}")


# --------------------------------------------------------------------------------------------------------- Slim records


def slimmed(event: str, body: bytes) -> bytes | None:
    headers = {name.lower().encode(): value.encode() for name, value in signed(body, event).items()}
    return slim(verify([SECRET], headers, body))


def reviewed(
    state: str, text: str | None, *, by: str = "User", of: str = "Bot", head: int | None = 77, **more: object
) -> bytes:
    said = {"id": 5, "state": state, "body": text, "user": {"login": "ann", "id": 9, "type": by}}
    pull = {
        "number": 8,
        "title": "Fix",
        "user": {"login": "solvebot[bot]", "id": 3, "type": of},
        "head": {"sha": "a" * 40, "repo": None if head is None else {"id": head}},
    }
    return json.dumps(payload("submitted", review=said, comment=said, pull_request=pull) | more).encode()


def closed(of: str = "Bot", head: int = 77, **more: object) -> bytes:
    about = {"number": 8, "merged": True, "user": {"login": "x", "id": 3, "type": of}, "head": {"repo": {"id": head}}}
    action = str(more.pop("action", "closed"))
    return json.dumps(payload(action, pull_request={**about, **more})).encode()


@pytest.mark.parametrize(
    ("event", "body", "kept"),
    [
        ("pull_request", closed(), True),
        ("pull_request", closed(action="reopened"), True),
        ("pull_request", closed(action="opened"), False),
        ("pull_request", closed(action="converted_to_draft"), True),
        ("pull_request", closed(action="ready_for_review"), True),
        ("pull_request", closed(action="ready_for_review", of="User"), False),
        ("pull_request", closed(action="edited"), False),
        ("pull_request", closed(head=78), False),
        ("pull_request", closed(of="User"), False),
        ("pull_request", closed(of="User", body="Reverts octo/web#8"), True),
        ("pull_request", closed(of="User", body="Reverts octo/web#8", merged=False), False),
        ("pull_request", closed(of="User", body="Reverts octo/web#8", action="reopened"), False),
        ("pull_request_review", reviewed("changes_requested", None), True),
        ("pull_request_review", reviewed("commented", "/solve revise"), True),
        ("pull_request_review", reviewed("commented", "nice"), False),
        ("pull_request_review", reviewed("approved", None), False),
        ("pull_request_review", reviewed("changes_requested", None, by="Bot"), False),
        ("pull_request_review", reviewed("changes_requested", "x", of="User"), False),
        ("pull_request_review", reviewed("changes_requested", "x", head=78), False),
        ("pull_request_review", reviewed("changes_requested", "x", head=None), False),
        ("pull_request_review", reviewed("changes_requested", "x", action="edited"), False),
        ("pull_request_review_comment", reviewed("", "/solve revise", action="created"), True),
        ("pull_request_review_comment", reviewed("", "why?", action="created"), False),
        ("pull_request_review_comment", reviewed("", "/solve revise", action="created", of="User"), False),
        ("pull_request_review_comment", reviewed("", "/solve revise", action="deleted"), False),
        ("pull_request_review_thread", reviewed("", "/solve revise", action="resolved"), False),
        ("issues", labeled(), True),
        ("issues", labeled("anything"), True),
        ("issues", json.dumps(payload("closed")).encode(), True),
        ("issues", json.dumps(payload("opened")).encode(), False),
        ("issue_comment", commented("/solve"), True),
        ("issue_comment", commented("/slove"), True),
        ("issue_comment", commented("/sollve"), True),
        ("issue_comment", commented("/retest"), False),
        ("issue_comment", commented("please\n  /Solve model=a"), True),
        ("issue_comment", commented("- \u200b/solve"), True),
        ("issue_comment", commented("no request"), False),
        ("issue_comment", commented("see https://example.org/solve"), False),
        ("issue_comment", commented(None), False),
        ("issue_comment", commented("/solve", by="Bot"), False),
        ("issue_comment", commented("/solve", action="deleted"), False),
        ("issue_comment", commented("/solve", action="edited", changes={"body": {"from": ""}}), True),
        ("issue_comment", commented("never mind", action="edited", changes={"body": {"from": "/solve"}}), True),
        ("issue_comment", commented("a", action="edited", changes={"body": {"from": "b"}}), False),
        ("installation", json.dumps(payload("created", repositories=[{"id": 1, "full_name": "a/b"}])).encode(), True),
        ("installation_repositories", json.dumps(payload("added", repositories_added=[])).encode(), True),
        ("repository", json.dumps(payload("renamed")).encode(), True),
        ("repository", json.dumps(payload("publicized")).encode(), False),
        ("ping", b'{"zen": "Design for failure."}', True),
        ("push", labeled(), False),
        ("issues", b"not JSON", False),
        ("issues", b"[]", False),
        ("issues", b'{"action": 7}', False),
        ("issues", b'{"action": "labeled", "issue": "odd"}', True),
        ("issues", b'{"action": "\xff"}', False),
        ("issues", b'{"deep": ' + b"[" * 100_000, False),
    ],
)
def test_what_is_kept(event: str, body: bytes, kept: bool) -> None:
    assert (slimmed(event, body) is not None) is kept


def test_a_slim_record_reads_like_the_whole_payload() -> None:
    changes = {"body": {"from": "before"}}
    for event, body in [
        ("issues", labeled()),
        ("issue_comment", commented("/solve")),
        ("issue_comment", commented("/solve", action="edited", changes=changes)),
        ("installation", json.dumps(payload("suspend", installation={"id": 5, "account": {"login": "o"}})).encode()),
        ("repository", json.dumps(payload("archived")).encode()),
        ("ping", b"{}"),
    ]:
        record = slimmed(event, body)
        assert record is not None
        assert len(record) <= len(body)
        assert read_event(event, json.loads(record)) == read_event(event, json.loads(body))


def test_long_texts_are_cut_with_a_note() -> None:
    issue = {**payload("")["issue"], "body": "x" * (MAX_TEXT + 1)}
    record = slimmed("issues", json.dumps(payload("labeled", label={"name": "a"}, issue=issue)).encode())
    assert record is not None
    event = read_event("issues", json.loads(record))
    assert isinstance(event, LabelAdded)
    assert event.body == "x" * MAX_TEXT + f"\n\n[cut here: the text has {MAX_TEXT + 1} characters]"


# ------------------------------------------------------------------------------------------------------ Over real HTTP


async def test_a_delivery_is_durable_before_the_answer(client: aiohttp.ClientSession, inbox: Inbox) -> None:
    assert await post(client, commented("/solve"), signed(commented("/solve"), "issue_comment")) == (202, "accepted")
    [row] = await inbox.waiting(10)
    assert (row.guid, row.event, row.attempt) == (GUID, "issue_comment", 0)
    assert isinstance(read_event(row.event, row.record), CommentPosted)


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
async def test_both_secrets_hold_during_a_rotation(secret: bytes, client: aiohttp.ClientSession) -> None:
    assert (await post(client, labeled(), signed(labeled(), secret=secret)))[0] == 202


async def test_a_ping_is_stored(client: aiohttp.ClientSession, inbox: Inbox) -> None:
    await post(client, b"{}", signed(b"{}", "ping"))
    [row] = await inbox.waiting(10)
    assert read_event(row.event, row.record) == Ping()


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"X-Hub-Signature-256": "sha256=00"}, 401, "the signature does not match the webhook secret"),
        ({"X-Hub-Signature-256": ""}, 401, "X-Hub-Signature-256 does not start with sha256="),
        (
            {"Content-Type": "application/x-www-form-urlencoded"},
            415,
            "set the webhook's content type to application/json",
        ),
        ({"X-GitHub-Event": None}, 400, "x-github-event is missing"),
        ({"X-GitHub-Delivery": None}, 400, "x-github-delivery is missing"),
        ({"X-GitHub-Delivery": "a b"}, 400, "x-github-delivery is missing or not a name"),
        ({"X-GitHub-Event": "push"}, 202, "nothing for us in it"),
        ({"Content-Type": "application/json; charset=utf-8"}, 202, "accepted"),
    ],
)
async def test_refusals(
    client: aiohttp.ClientSession, inbox: Inbox, change: dict[str, str | None], status: int, why: str
) -> None:
    headers: dict[str, str | None] = {**signed(labeled()), **change}
    given = {name: value for name, value in headers.items() if value is not None}
    assert await post(client, labeled(), given) == (status, why)
    assert len(await inbox.waiting(10)) == (why == "accepted")


async def test_only_post(client: aiohttp.ClientSession) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        async with client.request(method, "/webhook") as response:
            assert (response.status, response.headers["Allow"]) == (405, "POST")


async def test_what_is_announced_too_large_is_not_read(address: str) -> None:
    reader, writer = await asyncio.open_connection(*address.removeprefix("http://").split(":"))
    writer.write(_head(f"Content-Length: {MAX_BODY + 1}"))
    assert (await reader.readline()).startswith(b"HTTP/1.1 413")
    writer.close()
    await writer.wait_closed()


async def test_the_limit_holds_while_reading(address: str) -> None:
    """Chunks without an announced length: refused when it is too much, not when it ends."""
    reader, writer = await asyncio.open_connection(*address.removeprefix("http://").split(":"))
    writer.write(_head("Transfer-Encoding: chunked"))
    chunk = b"%x\r\n%s\r\n" % (1 << 20, b" " * (1 << 20))
    for _ in range(MAX_BODY >> 20):
        writer.write(chunk)
        await writer.drain()
    answer = asyncio.create_task(reader.readline())
    writer.write(chunk)
    assert (await answer).startswith(b"HTTP/1.1 413")
    writer.transport.abort()


def _head(length: str) -> bytes:
    named = {**signed(b""), "Host": "localhost"}
    lines = ["POST /webhook HTTP/1.1", *(f"{name}: {value}" for name, value in named.items()), length, "", ""]
    return "\r\n".join(lines).encode()


async def test_a_client_that_goes_away_leaves_nothing(
    address: str, inbox: Inbox, client: aiohttp.ClientSession
) -> None:
    _, writer = await asyncio.open_connection(*address.removeprefix("http://").split(":"))
    writer.write(_head("Content-Length: 100") + b"{")
    await writer.drain()
    writer.transport.abort()
    assert (await post(client, labeled(), signed(labeled(), guid="after")))[0] == 202
    assert [row.guid for row in await inbox.waiting(10)] == ["after"]


class FullInbox:
    async def put(self, guid: str, event: str, record: bytes) -> None:
        raise Unavailable("disk full")


class BrokenInbox:
    async def put(self, guid: str, event: str, record: bytes) -> None:
        raise LookupError("a mistake of ours")


@pytest.mark.parametrize(("inbox_that", "status"), [(FullInbox(), 503), (BrokenInbox(), 500)])
async def test_what_could_not_be_stored_is_not_acknowledged(inbox_that: FullInbox | BrokenInbox, status: int) -> None:
    async with (
        served(Receiver([SECRET], inbox_that, Starlette())) as address,
        aiohttp.ClientSession(address) as client,
    ):
        answered, text = await post(client, labeled(), signed(labeled()))
    assert answered == status
    assert "disk full" not in text
    assert "mistake" not in text


# -------------------------------------------------------------------------------------------------------------- Health


async def test_health_says_what_fails() -> None:
    async def well() -> None:
        pass

    async def down() -> None:
        raise Unavailable("secret details", remedy="start the database")

    async def gone() -> None:
        raise Unavailable("secret details")

    async def silent() -> None:
        await asyncio.Event().wait()

    async def ask(checks: dict[str, Check]) -> tuple[int, Any]:
        app = Starlette(routes=health_routes(checks, timeout=0.05))
        async with served(app) as address, aiohttp.ClientSession(address) as client:
            async with client.get("/healthz") as response:
                assert response.status == 200
            async with client.get("/readyz") as response:
                return response.status, await response.json()

    assert await ask({"database": well}) == (200, {"ready": True, "failing": {}})
    assert await ask({"database": down, "engine": gone, "key": silent, "disk": well}) == (
        503,
        {
            "ready": False,
            "failing": {
                "database": "start the database",
                "engine": "does not work (Unavailable)",
                "key": "no answer within 0.05 s",
            },
        },
    )
