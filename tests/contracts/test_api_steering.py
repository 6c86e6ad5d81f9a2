"""What is asked through the API: checked before it is taken, taken once, and as durable as a comment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from bot.core.model import IssueRef, Permission, SolveId, SolveOptions
from bot.core.trigger.event_reader import read_event
from bot.core.trigger.events import API_EVENT, Requested, Wish
from bot.github.webhook import is_listened
from tests.contracts.api_world import PRIVATE, ApiWorld, api_world
from tests.contracts.github_world import repo_of

ISSUE = "https://github.com/octo/secret/issues/1"


@pytest.fixture
async def api(tmp_path: Path, sqlite_url: str) -> AsyncIterator[ApiWorld]:
    async with api_world(tmp_path, sqlite_url, is_slowed_down=False) as world:
        for _ in range(8):
            await world.private.open_issue("It breaks", "Traceback: …", by="sam")
        yield world


async def asked(api: ApiWorld) -> list[Requested]:
    """What waits in the inbox, as the intake reads it."""
    events = [read_event(row.event, row.record) for row in await api.inbox.waiting(10)]
    assert all(isinstance(event, Requested) for event in events)
    return [event for event in events if isinstance(event, Requested)]


async def test_a_solve_is_asked_for(api: ApiWorld) -> None:
    options = {
        "models": ["sonnet", "m"],
        "attempts": 2,
        "budget": 1.5,
        "minutes": 90,
        "repro": "make crash",
        "draft": True,
    }
    body = {"issue": ISSUE, "options": options}
    answer = await api.post("/solves", await api.token("will"), body, Idempotency_Key="k1")
    assert answer.status_code == 202
    request = answer.json()
    assert (request["state"], request["solve"], request["answer"]) == ("pending", None, "")
    assert answer.headers["location"] == f"/api/v1/requests/{request['id']}"
    [event] = await asked(api)
    assert event.issue == IssueRef(repo_of(api.private), 1)
    assert (event.title, event.body, event.is_pull_request) == ("It breaks", "Traceback: …", False)
    assert (event.by, event.at, event.request) == (api.person("will"), api.time.now(), request["id"])
    assert event.options == SolveOptions(("sonnet", "m"), 2, dollars=1.5, minutes=90.0, repro="make crash", draft=True)


async def test_a_bug_without_an_issue(api: ApiWorld) -> None:
    body = {"repository": "octo/secret", "title": " It breaks ", "text": "Badly.", "options": {"base": "release-1"}}
    answer = await api.post("/solves", await api.token("will"), body, Idempotency_Key="k1")
    assert answer.status_code == 202
    [event] = await asked(api)
    assert event.issue == IssueRef(repo_of(api.private), 0)
    assert (event.title, event.body, event.options) == ("It breaks", "Badly.", SolveOptions(base="release-1"))


@pytest.mark.parametrize(
    ("path", "body", "wish"),
    [
        ("cancel", None, Wish.CANCEL),
        ("retry", None, Wish.RETRY),
        ("retry", {"options": {"attempts": 3}}, Wish.RETRY),
        ("use", {"candidate": "b"}, Wish.USE),
        ("approve", None, Wish.APPROVE),
        ("approve", {"candidate": "b"}, Wish.APPROVE),
        ("reject", {"why": "too large"}, Wish.REJECT),
        ("revise", {"text": "Say it louder."}, Wish.REVISE),
    ],
)
async def test_a_solve_is_steered(api: ApiWorld, path: str, body: dict[str, object] | None, wish: Wish) -> None:
    answer = await api.post(f"/solves/{PRIVATE}/{path}", await api.token("will"), body, Idempotency_Key="k1")
    assert (answer.status_code, answer.json()["solve"]) == (202, PRIVATE)
    [event] = await asked(api)
    assert (event.wish, event.solve) == (wish, PRIVATE)
    assert event.issue.number == (8 if wish is Wish.REVISE else 3)  # of the pull request, or of the issue
    assert event.candidate == (2 if body and "candidate" in body else 0)
    assert event.text == {**(body or {})}.get("why" if wish is Wish.REJECT else "text", "")
    assert event.options == (SolveOptions(attempts=3) if path == "retry" and body else None)


async def test_the_same_key_asks_once(api: ApiWorld) -> None:
    token, body = await api.token("will"), {"issue": ISSUE}
    first = await api.post("/solves", token, body, Idempotency_Key="k1")
    again = await api.post("/solves", token, body, Idempotency_Key="k1")
    assert first.json() == again.json()
    assert len(await asked(api)) == 1
    await api.inbox.handed([first.json()["id"]])
    await api.post("/solves", token, body, Idempotency_Key="k1")
    assert await api.inbox.waiting(10) == []  # the engine has it: nobody asks it to look once more
    other = await api.post(f"/solves/{PRIVATE}/cancel", token, None, Idempotency_Key="k1")
    assert (other.status_code, other.json()["title"]) == (409, "The key was used before")
    anothers = await api.post("/solves", await api.token("ada"), body, Idempotency_Key="k1")
    assert anothers.json()["id"] != first.json()["id"]


async def test_what_came_of_it_is_for_who_asked(api: ApiWorld) -> None:
    token = await api.token("will")
    id = (await api.post("/solves", token, {"issue": ISSUE}, Idempotency_Key="k1")).json()["id"]
    await api.store.requests.answered(id, api.time.now(), solve=SolveId("s-9"), refused=False, answer="It is begun.")
    shown = (await api.get(f"/requests/{id}", token)).json()
    assert (shown["state"], shown["solve"], shown["answer"]) == ("accepted", "s-9", "It is begun.")
    assert (await api.get(f"/requests/{id}", await api.token("ada"))).status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "title"),
    [
        ({"issue": "https://github.com/octo/secret/issues/99"}, 422, "No such issue"),
        ({"issue": "https://github.com/octo/secret/pull/1"}, 422, "No such issue"),
        ({"issue": "https://elsewhere.example/octo/secret/issues/1"}, 422, "No such issue"),
        ({"issue": "https://github.com/octo/none/issues/1"}, 404, "Not found"),
        ({"issue": ISSUE, "options": {"attempts": 99}}, 422, "The request is not valid"),
        ({"issue": ISSUE, "options": {"strategies": ["guess"]}}, 422, "An option is wrong"),
        ({"issue": ISSUE, "options": {"base": "a..b"}}, 422, "An option is wrong"),
        ({"issue": ISSUE, "options": {"sudo": True}}, 422, "The request is not valid"),
        ({"issue": ISSUE, "by": "ada"}, 422, "The request is not valid"),
        ({}, 422, "The request is not valid"),
        ({"repository": "octo/secret", "title": " "}, 422, "The request is not valid"),
        ({"issue": ISSUE, "title": "It breaks"}, 422, "The request is not valid"),
        ({"repository": "octo/none", "title": "It breaks", "text": "x"}, 404, "Not found"),
        ([], 422, "The request is not valid"),
    ],
)
async def test_what_cannot_be_done_is_said_at_once(api: ApiWorld, body: object, status: int, title: str) -> None:
    answer = await api.post("/solves", await api.token("will"), body, Idempotency_Key="k1")
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert await api.inbox.waiting(10) == []


async def test_every_request_has_a_key(api: ApiWorld) -> None:
    answer = await api.post("/solves", await api.token("will"), {"issue": ISSUE})
    assert (answer.status_code, answer.json()["title"]) == (422, "The request is not valid")
    assert "Idempotency-Key" in answer.json()["detail"]


async def test_a_body_has_an_end(api: ApiWorld) -> None:
    body = {"text": "x" * 100_000}
    answer = await api.post(f"/solves/{PRIVATE}/revise", await api.token("will"), body, Idempotency_Key="k1")
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


async def test_what_the_repository_asks_of_those_who_command_counts_here_too(api: ApiWorld) -> None:
    await api.private.commit("main", {".github/solvebot.yml": "who: admin\n"}, "Only admins")
    answer = await api.post("/solves", await api.token("will"), {"issue": ISSUE}, Idempotency_Key="k1")
    assert answer.status_code == 403
    assert f"{Permission.ADMIN} permission" in answer.json()["detail"]
    await api.private.commit("main", {".github/solvebot.yml": "who: read\n"}, "Everybody")
    answer = await api.post("/solves", await api.token("rita"), {"issue": ISSUE}, Idempotency_Key="k2")
    assert answer.status_code == 202


def test_no_webhook_can_say_that_it_is_a_request() -> None:
    assert not is_listened(API_EVENT)


@pytest.mark.parametrize("record", [{}, {"wish": "solve"}, {"issue": 1}, {"issue": {"repo": None}, "by": []}])
def test_a_record_of_another_shape_is_left_alone(record: dict[str, object]) -> None:
    assert not isinstance(read_event(API_EVENT, msgspec.json.decode(msgspec.json.encode(record))), Requested)
