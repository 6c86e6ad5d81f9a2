"""What a delivery costs before the inbox, in calls of functions: the same number on every machine."""

from __future__ import annotations

import hmac
import json
import sys
from collections.abc import Iterator
from types import FrameType

import pytest
import structlog
import structlog.testing
from starlette.types import Message, Scope

from bot.web.webhook import Receiver

SECRET = b"a secret of the tests"
BODY = json.dumps(
    {
        "action": "created",
        "issue": {"number": 7, "title": "It breaks", "body": "Here"},
        "comment": {"id": 1, "body": "/solve", "user": {"login": "ann", "id": 1, "type": "User"}},
        "sender": {"login": "ann", "id": 1, "type": "User"},
        "repository": {"id": 2, "full_name": "octo/greet"},
        "what_nobody_reads": [{"url": "https://api.github.com/x"}] * 300,
    }
).encode()
FORGED = "0" * 64


class Shelf:
    """Keeps nothing but the count."""

    def __init__(self) -> None:
        self.put_in = 0

    async def put(self, guid: str, event: str, record: bytes) -> None:
        self.put_in += 1


@pytest.fixture(autouse=True)
def plain_logging() -> Iterator[None]:
    """How dear a line is depends on whoever set logging up before."""
    before = structlog.get_config()
    structlog.reset_defaults()
    yield
    structlog.configure(**before)


async def calls_for(event: str, signature: str) -> tuple[int, int, int]:
    """Calls, the answer's status, rows."""
    shelf, answers = Shelf(), list[Message]()

    async def receive() -> Message:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Message) -> None:
        answers.append(message)

    async def behind(*_: object) -> None:
        raise AssertionError("nothing of this is for anybody else")

    headers = {
        b"host": b"bot.example",
        b"user-agent": b"GitHub-Hookshot/0123456",
        b"content-type": b"application/json",
        b"content-length": str(len(BODY)).encode(),
        b"x-github-delivery": b"72d3162e-cc78-11e3-81ab-4c9367dc0958",
        b"x-github-event": event.encode(),
        b"x-hub-signature-256": f"sha256={signature}".encode(),
    }
    scope: Scope = {"type": "http", "method": "POST", "path": "/webhook", "headers": list(headers.items())}
    receiver = Receiver([SECRET], shelf, behind)
    await receiver(scope, receive, send)  # what is only done once is done
    calls = 0

    def count(_frame: FrameType, kind: str, _argument: object) -> None:
        nonlocal calls
        calls += kind in ("call", "c_call")

    with structlog.testing.capture_logs():
        sys.setprofile(count)
        try:
            await receiver(scope, receive, send)
        finally:
            sys.setprofile(None)
    return calls, answers[-2]["status"], shelf.put_in // 2


@pytest.mark.parametrize(
    ("event", "is_signed", "most", "status", "rows"),
    [
        ("issue_comment", True, 75, 202, 1),
        ("check_run", True, 58, 202, 0),  # decided by the event's name, without a look at the body
        ("check_run", False, 75, 401, 0),  # and its line in the log, for whoever renders it
    ],
)
async def test_a_delivery_costs_no_more_calls_than_it_has_to(
    event: str, is_signed: bool, most: int, status: int, rows: int
) -> None:
    signature = hmac.new(SECRET, BODY, "sha256").hexdigest() if is_signed else FORGED
    calls, answered, kept = await calls_for(event, signature)
    assert (answered, kept) == (status, rows)
    assert calls <= most
