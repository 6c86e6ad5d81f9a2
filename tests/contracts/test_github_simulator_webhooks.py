"""The GitHub simulator tells what happened: signed, in GitHub's shapes, and as unreliably as it is told to."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.simulators.github import SimIssue, SimRepository
from tests.contracts.github_visitor import Visitor, visiting


@dataclass
class Receiver:
    """A webhook endpoint that remembers what came and answers `status`."""

    status: int = 202
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def receive(self, request: web.Request) -> web.Response:
        self.got.append((dict(request.headers), await request.read()))
        return web.Response(status=self.status, text="thank you")

    @property
    def events(self) -> list[str]:
        told = [(headers["X-GitHub-Event"], json.loads(body)) for headers, body in self.got]
        return [f"{event}.{payload['action']}" if "action" in payload else event for event, payload in told]

    @property
    def payloads(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]


@dataclass
class Scene:
    visitor: Visitor
    receiver: Receiver
    issue: SimIssue

    @property
    def repo(self) -> SimRepository:
        return self.visitor.repo

    async def app(self, method: str, path: str) -> Any:
        got = await self.visitor.call(method, path, token=self.visitor.app_token())
        assert got.status < 300, got.raw
        return got.body


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    receiver = Receiver()
    app = web.Application(client_max_size=2**25)
    app.router.add_post("/webhook", receiver.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    async with visiting(tmp_path) as visitor:
        issue = await visitor.repo.open_issue("Bug", "it breaks", by="ann")
        visitor.github.webhooks.url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
        yield Scene(visitor, receiver, issue)
    await runner.cleanup()
    assert visitor.github.errors == []


async def test_a_webhook_is_signed_and_named(scene: Scene) -> None:
    await scene.issue.label("solve-me", by="ann")
    await scene.visitor.github.delivered()
    ((headers, body),) = scene.receiver.got
    digest = hmac.new(scene.visitor.github.webhooks.secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature-256"] == f"sha256={digest}"
    assert headers["X-GitHub-Event"] == "issues"
    assert headers["User-Agent"].startswith("GitHub-Hookshot/")
    assert headers["Content-Type"] == "application/json"
    assert headers["X-GitHub-Delivery"] == scene.visitor.github.webhooks.deliveries[0].guid
    assert headers["X-GitHub-Hook-ID"].isdigit()
    payload = json.loads(body)
    assert payload["installation"]["id"] == scene.repo.installation.id
    assert payload["repository"]["full_name"] == "octo/widgets"
    assert payload["organization"]["login"] == "octo"
    assert payload["sender"]["login"] == "ann"
    assert payload["label"]["name"] == "solve-me"
    assert (payload["issue"]["number"], payload["issue"]["labels"][0]["name"]) == (1, "solve-me")
    assert "pull_request" not in payload["issue"]
    assert len(body) > 8_000


async def _comment_and_edit(scene: Scene) -> None:
    comment = await scene.issue.comment("/solve", by="ann")
    await scene.issue.edit_comment(comment.id, "/solve attempts=2", by="ann")
    await scene.issue.edit_comment(comment.id, "/solve attempts=2", by="ann")  # nothing changed
    await scene.issue.delete_comment(comment.id, by="ann")


async def _close_and_reopen(scene: Scene) -> None:
    await scene.issue.close(by="ann")
    await scene.issue.close(by="ann")  # it is closed
    await scene.issue.reopen(by="ann")


async def _transfer(scene: Scene) -> None:
    await scene.issue.transfer(scene.visitor.github.repository("octo/other"), by="ann")


async def _pull_request(scene: Scene) -> None:
    await scene.repo.commit("topic", {"a": "a"}, "Topic")
    pull = await scene.repo.open_pull("Fix", head="topic", body="Fixes #1", by="ann")
    await pull.comment("nice", by="bob")
    await scene.repo.commit("topic", {"b": "b"}, "More")
    await pull.review("APPROVE", by="bob")
    await pull.merge(by="bob")


async def _selection(scene: Scene) -> None:
    repo = scene.visitor.github.repository("solo/tool", installed=False)
    installation = scene.visitor.github.install("solo", only=[])
    await installation.add(repo)
    await installation.remove(repo)


@pytest.mark.parametrize(
    ("act", "events"),
    [
        (lambda s: s.repo.open_issue("Another", by="ann"), ["issues.opened"]),
        (lambda s: s.issue.edit(title="Worse", by="ann"), ["issues.edited"]),
        (lambda s: s.issue.label("new", by="ann"), ["issues.labeled"]),
        (_comment_and_edit, ["issue_comment.created", "issue_comment.edited", "issue_comment.deleted"]),
        (_close_and_reopen, ["issues.closed", "issues.reopened"]),
        (lambda s: s.issue.lock(by="ann"), ["issues.locked"]),
        (lambda s: s.issue.delete(by="ann"), ["issues.deleted"]),
        (_transfer, ["issues.transferred", "issues.opened"]),
        (lambda s: s.repo.rename("gizmos", by="ann"), ["repository.renamed"]),
        (lambda s: s.repo.archive(by="ann"), ["repository.archived"]),
        (lambda s: s.repo.delete(by="ann"), ["repository.deleted"]),
        (lambda s: s.repo.installation.suspend(by="ann"), ["installation.suspend"]),
        (lambda s: s.repo.installation.uninstall(by="ann"), ["installation.deleted"]),
        (_selection, ["installation.created", "installation_repositories.added", "installation_repositories.removed"]),
        (
            _pull_request,
            [
                "push",
                "pull_request.opened",
                "issue_comment.created",
                "pull_request.synchronize",
                "push",
                "pull_request_review.submitted",
                "pull_request.closed",
                "issues.closed",
            ],
        ),
        (lambda s: s.issue.react("eyes", by="ann"), []),
    ],
)
async def test_what_happens_is_told(scene: Scene, act: Callable[[Scene], Awaitable[object]], events: list[str]) -> None:
    await act(scene)
    await scene.visitor.github.delivered()
    assert sorted(scene.receiver.events) == sorted(events)


async def test_an_edit_tells_what_was_there_before(scene: Scene) -> None:
    comment = await scene.issue.comment("first", by="ann")
    await scene.issue.edit_comment(comment.id, "second", by="ann")
    await scene.visitor.github.delivered()
    created, edited = scene.receiver.payloads
    assert (created["comment"]["body"], "changes" in created) == ("first", False)
    assert (edited["comment"]["body"], edited["changes"]["body"]["from"]) == ("second", "first")


async def test_what_the_bot_does_is_told_as_well(scene: Scene) -> None:
    await scene.visitor.call("POST", "issues/1/comments", {"body": "on it"})
    await scene.visitor.github.delivered()
    (payload,) = scene.receiver.payloads
    assert (payload["sender"]["login"], payload["sender"]["type"]) == ("solvebot[bot]", "Bot")
    assert payload["comment"]["performed_via_github_app"]["id"] == scene.visitor.github.app.app_id


async def test_nobody_is_told_where_the_app_is_not_at_work(scene: Scene) -> None:
    elsewhere = scene.visitor.github.repository("solo/tool", installed=False)
    await elsewhere.open_issue("Bug", by="ann")
    await scene.repo.installation.suspend(by="ann")
    await scene.issue.label("solve-me", by="ann")
    await scene.repo.installation.unsuspend(by="ann")
    scene.visitor.github.app.events = frozenset({"issue_comment"})
    await scene.issue.label("other", by="ann")
    await scene.visitor.github.delivered()
    assert scene.receiver.events == ["installation.suspend", "installation.unsuspend"]


async def test_deliveries_are_lost_and_come_again_under_the_same_guid(scene: Scene) -> None:
    webhooks = scene.visitor.github.webhooks
    webhooks.lose(event="issues")
    await scene.issue.label("solve-me", by="ann")
    await scene.issue.comment("hello", by="ann")
    await scene.visitor.github.delivered()
    assert scene.receiver.events == ["issue_comment.created"]
    arrived, lost = await scene.app("GET", "/app/hook/deliveries")
    assert (arrived["status"], arrived["status_code"]) == ("OK", 202)
    assert (lost["event"], lost["action"], lost["status_code"]) == ("issues", "labeled", 0)
    assert [d["id"] for d in await scene.app("GET", "/app/hook/deliveries?status=failure")] == [lost["id"]]
    await scene.app("POST", f"/app/hook/deliveries/{lost['id']}/attempts")
    await scene.visitor.github.delivered()
    headers, _ = scene.receiver.got[-1]
    assert headers["X-GitHub-Delivery"] == lost["guid"]
    again = (await scene.app("GET", "/app/hook/deliveries"))[0]
    assert (again["guid"], again["redelivery"], again["status"]) == (lost["guid"], True, "OK")
    details = await scene.app("GET", f"/app/hook/deliveries/{again['id']}")
    assert details["request"]["payload"]["label"]["name"] == "solve-me"
    assert details["response"]["payload"] == "thank you"
    scene.visitor.clock.goes_on(days=3, seconds=1)
    assert await scene.app("GET", "/app/hook/deliveries") == []


async def test_deliveries_are_listed_by_cursor(scene: Scene) -> None:
    for number in range(5):
        await scene.issue.comment(str(number), by="ann")
    await scene.visitor.github.delivered()
    seen: list[int] = []
    path: str | None = "/app/hook/deliveries?per_page=2"
    while path is not None:
        headers = {"Authorization": f"Bearer {scene.visitor.app_token()}"}
        async with scene.visitor.session.get(path, headers=headers) as page:
            seen += [delivery["id"] for delivery in await page.json()]
            path = str(page.links["next"]["url"]) if "next" in page.links else None
    assert seen == [delivery.id for delivery in reversed(scene.visitor.github.webhooks.deliveries)]


async def test_deliveries_come_twice(scene: Scene) -> None:
    scene.visitor.github.webhooks.duplicate()
    await scene.issue.comment("one", by="ann")
    await scene.issue.comment("two", by="ann")
    await scene.visitor.github.delivered()
    guids = [headers["X-GitHub-Delivery"] for headers, _ in scene.receiver.got]
    assert [guids.count(guid) for guid in dict.fromkeys(guids)] == [2, 1]


@pytest.mark.parametrize(("reverse", "bodies"), [(False, ["one", "two"]), (True, ["two", "one"])])
async def test_deliveries_are_held_back_and_reordered(scene: Scene, reverse: bool, bodies: list[str]) -> None:
    webhooks = scene.visitor.github.webhooks
    webhooks.hold()
    await scene.issue.comment("one", by="ann")
    await scene.issue.comment("two", by="ann")
    await scene.visitor.github.delivered()
    assert scene.receiver.got == []
    webhooks.release(reverse=reverse)
    await scene.visitor.github.delivered()
    assert [payload["comment"]["body"] for payload in scene.receiver.payloads] == bodies


async def test_a_bad_answer_is_remembered(scene: Scene) -> None:
    scene.receiver.status = 500
    await scene.issue.comment("one", by="ann")
    await scene.visitor.github.delivered()
    scene.visitor.github.webhooks.url = "http://127.0.0.1:1/webhook"
    await scene.issue.comment("two", by="ann")
    await scene.visitor.github.delivered()
    statuses = [(d.status, d.status_code) for d in scene.visitor.github.webhooks.deliveries]
    assert statuses == [("Invalid HTTP Response: 500", 500), ("failed to connect to host", 0)]


# --------------------------------------------------------------------------------------------------- waiting, reading


async def test_a_story_reads_what_the_bot_says(scene: Scene) -> None:
    github = scene.visitor.github
    waiting = asyncio.create_task(github.next_comment(scene.issue))
    for text in ("first", "second", "third"):
        await scene.visitor.call("POST", "issues/1/comments", {"body": text})
    await scene.issue.comment("by a person", by="ann")
    assert (await waiting).body == "first"
    assert (await github.next_comment(scene.issue)).body == "second"
    assert github.unread() == ["octo/widgets#1: third"]


async def test_a_story_waits_for_an_edit(scene: Scene) -> None:
    posted = (await scene.visitor.call("POST", "issues/1/comments", {"body": "working"})).body
    (comment,) = scene.issue.bot_comments
    waiting = asyncio.create_task(scene.visitor.github.wait_for(lambda: comment.body == "done"))
    await scene.visitor.call("PATCH", f"issues/comments/{posted['id']}", {"body": "done"})
    assert await waiting


async def test_waiting_in_vain_tells_what_was_there(scene: Scene) -> None:
    await scene.issue.comment("is anybody there?", by="ann")
    await scene.visitor.github.delivered()
    with pytest.raises(TimeoutError) as caught:
        await scene.visitor.github.next_comment(scene.issue, timeout=0.01)
    assert "is anybody there?" in str(caught.value)
    assert "issue_comment.created OK" in str(caught.value)
