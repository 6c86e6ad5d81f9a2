"""The examples of docs/integrations.md, started as they say, between a service's own message and the API."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from bot.core.trigger.event_reader import read_event
from bot.core.trigger.events import Requested
from bot.simulators.serving import serving
from bot.web.api.application import api as application
from tests.contracts.api_world import PREFIX, ApiWorld, api_world
from tests.stories.test_check import free_port

EXAMPLES = Path(__file__).parent.parent.parent / "docs/examples"
SECRET = "a secret of the service's own"


def sign(body: bytes) -> str:
    return hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def linear(labels_before: list[str]) -> tuple[bytes, dict[str, str]]:
    issue = {"id": "ENG-1", "title": "Totals", "description": "Wrong.", "labels": [{"id": "l1", "name": "solve-me"}]}
    told = {"type": "Issue", "action": "update", "data": issue, "updatedFrom": {"labelIds": labels_before}}
    body = json.dumps(told).encode()
    return body, {"Linear-Signature": sign(body)}


def jira(before: str) -> tuple[bytes, dict[str, str]]:
    item = {"field": "labels", "fromString": before, "toString": "urgent solve-me"}
    issue = {"key": "WEB-1", "fields": {"summary": "Totals", "description": "Wrong."}}
    body = json.dumps({"issue": issue, "changelog": {"items": [item]}}).encode()
    return body, {"X-Hub-Signature": f"sha256={sign(body)}"}


def slack(at: int) -> tuple[bytes, dict[str, str]]:
    body = urlencode({"trigger_id": "1.2", "text": "Totals\nWrong.", "user_name": "ann"}).encode()
    signed = sign(b"v0:%d:" % at + body)
    return body, {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": f"v0={signed}"}


def chat(token: str) -> tuple[bytes, dict[str, str]]:
    said = {"token": token, "trigger_word": "solve", "text": "solve Totals", "post_id": "p1", "user_name": "ann"}
    return urlencode(said).encode(), {}


@asynccontextmanager
async def bridge(url: str, token: str) -> AsyncIterator[str]:
    port = free_port()
    variables = {"SOLVEBOT_URL": url, "SOLVEBOT_TOKEN": token, "BRIDGE_REPOSITORY": "octo/web", "BRIDGE_SECRET": SECRET}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / "bridge.py"),
        str(port),
        env={**os.environ, **variables},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.communicate()


@pytest.fixture
async def world(tmp_path: Path, sqlite_url: str) -> AsyncIterator[ApiWorld]:
    async with api_world(tmp_path, sqlite_url) as world:
        await world.public.open_issue("It breaks", "", by="sam")
        yield world


async def said(url: str, path: str, body: bytes, headers: Mapping[str, str]) -> str:
    async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=10)) as client:
        answer = await client.post(f"{url}{path}", content=body, headers=dict(headers), timeout=60)
        return str(answer.json()["text"])


async def test_messages_of_services_become_requests(world: ApiWorld) -> None:
    mounted = Starlette(routes=[Mount(PREFIX, application(world.services))])
    async with serving(mounted) as url, bridge(url, await world.token("will")) as between:
        now = int(time.time())
        messages = {"/linear": linear([]), "/jira": jira("urgent"), "/slack": slack(now), "/chat": chat(SECRET)}
        for path, (body, headers) in messages.items():
            for _ in range(2):  # as they do when an answer is late
                assert "Solvebot has it" in await said(between, path, body, headers), path
        nothing = {"/linear": linear(["l1"]), "/jira": jira("solve-me"), "/slack": slack(now - 900), "/chat": chat("x")}
        for path, (body, headers) in nothing.items():
            assert await said(between, path, body, headers) == "Nothing to do.", path
        for path in ("/linear", "/jira", "/slack"):
            assert await said(between, path, messages[path][0] + b" ", messages[path][1]) == "Nothing to do.", path
    events = [read_event(row.event, row.record) for row in await world.inbox.waiting(10)]
    assert [event.title for event in events if isinstance(event, Requested)] == ["Totals"] * 4


async def test_an_address_of_an_issue_is_that_issue_and_a_no_is_told(world: ApiWorld) -> None:
    mounted = Starlette(routes=[Mount(PREFIX, application(world.services))])
    async with serving(mounted) as url, bridge(url, await world.token("rita")) as between:
        body = urlencode(
            {"token": SECRET, "text": f"{world.services.site}/octo/web/issues/1", "post_id": "p2", "user_name": "ann"}
        ).encode()
        assert "Solvebot says no: Permission is missing" in await said(between, "/chat", body, {})
    assert await world.inbox.waiting(10) == []
