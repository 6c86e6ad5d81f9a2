"""Every page and everybody who may come, compared with the table of routes, so that no page is without its row."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.core.resilience.circuit_breaker import Health
from tests.browser import Browser
from tests.contracts.pages_world import PRIVATE, PagesWorld, pages_world

PEOPLE = ("mallory", "rita", "will", "ada")
OPEN = 200, 200, 200, 200
"""Answers to a stranger to the private repository, to who may read it, write to it, and to an administrator."""
READS = 404, 200, 200, 200
STEERS = 404, 403, 303, 303
OPERATES = 403, 403, 403, 200
S = f"/solves/{PRIVATE}"


@dataclass(frozen=True, slots=True)
class Row:
    """`path`: about the private repository, where it is about one."""

    path: str
    expected: tuple[int, int, int, int]
    fields: Mapping[str, str] = field(default_factory=dict)


ROWS: Mapping[str, Row] = {
    "GET /": Row("/", OPEN),  # what is in lists: test_pages.py
    "GET /repositories": Row("/repositories", OPEN),
    "GET /repositories/{owner}/{name}": Row("/repositories/octo/secret", READS),
    "GET /repositories/{owner}/{name}/configuration": Row("/repositories/octo/secret/configuration", READS),
    "POST /repositories/{owner}/{name}/configuration": Row(
        "/repositories/octo/secret/configuration", STEERS, {"text": "attempts: 2"}
    ),
    "GET /money": Row("/money", OPEN),
    "GET /operations": Row("/operations", OPERATES),
    "GET /solves/{id}": Row(S, READS),
    "GET /solves/{id}/runs/{letter}": Row(f"{S}/runs/A", READS),
    "GET /solves/{id}/compare": Row(f"{S}/compare?one=A&other=B", READS),
    "GET /start": Row("/start", OPEN),
    "GET /settings": Row("/settings", OPERATES),
    "POST /deliveries/{guid}/redeliver": Row("/deliveries/g-1/redeliver", (403, 403, 403, 303)),
    "POST /providers/{name}/reset": Row("/providers/e2b/reset", (403, 403, 403, 303)),
    "GET /tokens": Row("/tokens", OPEN),  # whose they are: test_pages_tokens.py
    "POST /tokens": Row("/tokens", OPEN, {"name": "mine", "days": "9", "read": "yes"}),
    "POST /tokens/{id}/revoke": Row("/tokens/0/revoke", (404, 404, 404, 404)),
    "GET /requests/{id}": Row(f"/requests/api-{'0' * 32}", (404, 404, 404, 404)),  # whose it is: test_pages_steering.py
    "POST /solves/{id}/cancel": Row(f"{S}/cancel", STEERS),
    "POST /solves/{id}/retry": Row(f"{S}/retry", STEERS),
    "POST /solves/{id}/use": Row(f"{S}/use", STEERS, {"letter": "B"}),
    "POST /solves/{id}/approve": Row(f"{S}/approve", STEERS, {"letter": "A"}),
    "POST /solves/{id}/reject": Row(f"{S}/reject", STEERS, {"text": "too large"}),
    "POST /start": Row(
        "/start", (200, 200, 303, 303), {"issue": "/octo/secret/issues/1"}
    ),  # 200: the form, and why not
}
FOLLOWED = "GET /solves/{id}/events"  # has no end: test_pages.py
WAY_IN = {"GET /sign-in", "GET /signed-in", "POST /sign-out", "GET /static/{digest}/{name}"}  # for anybody


@pytest.fixture
async def world(tmp_path: Path, sqlite_url: str) -> AsyncIterator[PagesWorld]:
    async with pages_world(tmp_path, sqlite_url) as world:
        for _ in range(3):
            await world.private.open_issue("It breaks", "", by="sam")
        await world.inbox.put("g-1", "issues", b"{}")
        failing = Health(99, world.time.now(), world.time.now(), probing=False)
        await world.store.ledger.change_health("e2b", lambda _: failing)
        yield world


def test_no_page_is_without_its_row(world: PagesWorld) -> None:
    methods = {f"{method} {route.path}" for route in world.routes for method in route.methods or {"*"}}
    assert {name for name in methods if not name.startswith("HEAD ")} == {*ROWS, FOLLOWED, *WAY_IN}


async def answers(world: PagesWorld, login: str) -> dict[str, int]:
    async with Browser() as browser:
        page = await world.enter(browser, login)
        token = page.forms[0].fields["form_token"]

        async def ask(name: str, row: Row) -> int:
            if name.startswith("GET "):
                return (await world.get(browser, row.path)).status
            return (await browser.post(f"{world.url}{row.path}", {**row.fields, "form_token": token})).status

        return {name: await ask(name, row) for name, row in ROWS.items()}


@pytest.mark.parametrize("login", PEOPLE)
async def test_who_may(world: PagesWorld, login: str) -> None:
    expected = {name: row.expected[PEOPLE.index(login)] for name, row in ROWS.items()}
    assert await answers(world, login) == expected


async def test_who_is_not_signed_in_is_asked_to_and_nothing_is_done(world: PagesWorld) -> None:
    async with Browser() as browser:
        for name, row in ROWS.items():
            if name.startswith("GET "):
                page = await world.get(browser, row.path)
            else:
                page = await browser.post(f"{world.url}{row.path}", {**row.fields, "form_token": "x"})
            assert (page.status, "Sign in with GitHub" in page.text) == (200, True), name
    assert [row.guid for row in await world.inbox.waiting(10)] == ["g-1"]
