"""Every route and everybody who may come: who is let in, who sees nothing, who is sent away.

The rows are compared with the table of routes, so that no route is without its row.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts

from bot.core.access import Scope
from bot.web.api.application import application
from tests.contracts.api_world import PRIVATE, ApiWorld, api_world
from tests.contracts.test_store import SPEC

OPEN = 200, 200, 200, 200
"""Answers to a stranger to the private repository, to who may read it, write to it, and to an administrator."""
READS = 404, 200, 200, 200
STEERS = 404, 403, 202, 202
OPERATES = 403, 403, 403, 200
S = f"/solves/{PRIVATE}"


@dataclass(frozen=True, slots=True)
class Row:
    """`path`: about the private repository, where it is about one."""

    path: str
    expected: tuple[int, int, int, int]
    body: object = None


ROWS: Mapping[str, Row] = {
    "GET /me": Row("/me", OPEN),
    "GET /solves": Row("/solves", OPEN),  # what is in them: test_api.py
    "GET /repositories": Row("/repositories", OPEN),
    "GET /repositories/{id}": Row("/repositories/SECRET", READS),
    "GET /repositories/{id}/estimate": Row("/repositories/SECRET/estimate?models=sonnet", READS),
    "POST /repositories/{id}/configuration": Row("/repositories/SECRET/configuration", STEERS, {"text": "attempts: 2"}),
    "POST /repositories/{id}/configuration/check": Row(
        "/repositories/SECRET/configuration/check", READS, {"text": "attempts: 99"}
    ),
    "GET /models": Row("/models", OPEN),
    "GET /models/record": Row("/models/record", OPEN),
    "GET /usage": Row("/usage", OPEN),
    "GET /solves/{id}": Row(S, READS),
    "GET /solves/{id}/decision": Row(f"{S}/decision", READS),
    "GET /solves/{id}/runs/{letter}": Row(f"{S}/runs/A", READS),
    "GET /solves/{id}/runs/{letter}/patch": Row(f"{S}/runs/A/patch", READS),
    "GET /solves/{id}/runs/{letter}/evidence": Row(f"{S}/runs/A/evidence", READS),
    "GET /solves/{id}/runs/{letter}/log": Row(f"{S}/runs/A/log", READS),
    "GET /solves/{id}/runs/{letter}/trajectory": Row(f"{S}/runs/A/trajectory", READS),
    "GET /requests/{id}": Row(f"/requests/api-{'0' * 32}", (404, 404, 404, 404)),  # whose it is: test_api_steering.py
    "POST /solves": Row("/solves", STEERS, {"issue": "https://github.com/octo/secret/issues/1"}),
    "POST /solves/{id}/cancel": Row(f"{S}/cancel", STEERS),
    "POST /solves/{id}/retry": Row(f"{S}/retry", STEERS),
    "POST /solves/{id}/use": Row(f"{S}/use", STEERS, {"candidate": "B"}),
    "POST /solves/{id}/approve": Row(f"{S}/approve", STEERS),
    "POST /solves/{id}/reject": Row(f"{S}/reject", STEERS, {"why": "too large"}),
    "POST /solves/{id}/revise": Row(f"{S}/revise", STEERS, {"text": "Say it louder."}),
    "GET /workers": Row("/workers", OPERATES),
    "GET /budgets": Row("/budgets", OPERATES),
    "GET /queue": Row("/queue", OPERATES),
    "GET /deliveries": Row("/deliveries", OPERATES),
    "GET /audit": Row("/audit", OPERATES),
    "GET /sandboxes": Row("/sandboxes", OPERATES),
    "GET /settings": Row("/settings", OPERATES),
    "POST /deliveries/{guid}/redeliver": Row("/deliveries/g-1/redeliver", (403, 403, 403, 202)),
    "POST /providers/{name}/reset": Row("/providers/e2b/reset", (403, 403, 403, 200)),
}
FOLLOWED = "GET /solves/{id}/events"  # has no end: test_api_events.py asks as the same people
DOCUMENTATION = {"GET /docs", "GET /docs/start.js", "GET /openapi.json", "* /assets"}  # for anybody


@pytest.fixture
async def api(tmp_path: Path, sqlite_url: str) -> AsyncIterator[ApiWorld]:
    async with api_world(tmp_path, sqlite_url, is_slowed_down=False) as world:
        for _ in range(8):  # the issues and the pull request that rows are about
            await world.private.open_issue("It breaks", "", by="sam")
        await world.inbox.put("g-1", "issues", b"{}")
        await world.store.save_model(SPEC)
        await world.fail_provider("e2b")
        yield world


def test_no_route_is_without_its_row(api: ApiWorld) -> None:
    contexts = list(iter_route_contexts(application(api.services).routes))
    methods = {f"{method} {each.path}" for each in contexts for method in each.methods or {"*"}}
    assert methods - {name for name in methods if name.startswith("HEAD ")} == {*ROWS, FOLLOWED, *DOCUMENTATION}


async def ask(api: ApiWorld, name: str, token: str) -> int:
    row = ROWS[name]
    if name.startswith("GET "):
        return (await api.get(row.path.replace("SECRET", str(api.private.id)), token)).status_code
    path = row.path.replace("SECRET", str(api.private.id))
    return (await api.post(path, token, row.body, Idempotency_Key=name.replace(" ", "-"))).status_code


async def test_who_may(api: ApiWorld) -> None:
    people = [await api.token(login) for login in ("sam", "rita", "will", "ada")]
    answers = {name: tuple([await ask(api, name, token) for token in people]) for name in ROWS}
    assert answers == {name: row.expected for name, row in ROWS.items()}


async def test_who_shows_no_valid_token_gets_nothing(api: ApiWorld) -> None:
    revoked, over = await api.token("ada", revoked=True), await api.token("ada", lasts=-timedelta(seconds=1))
    for token in ("", "sbt_000000000000_" + "A" * 43, revoked, over):
        assert {name: await ask(api, name, token) for name in ROWS} == dict.fromkeys(ROWS, 401)
        assert (await api.get(f"{S}/events", token)).status_code == 401


async def test_a_token_without_the_scope_is_for_less(api: ApiWorld) -> None:
    """One may only read, one all but read; its owner may everything."""
    reading = await api.token("ada", frozenset({Scope.READ}))
    others = await api.token("ada", frozenset({Scope.STEER, Scope.OPERATE}))
    for name, row in ROWS.items():
        await api.fail_provider("e2b")
        needs_more = (name.startswith("POST ") and row.expected != READS) or row.expected == OPERATES
        expected = (403 if needs_more else row.expected[-1], 403)
        assert (await ask(api, name, reading), await ask(api, name, others)) == expected, name
