"""The API reads: who sees what, in which form, and what is said where there is nothing to see."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.model import Status
from bot.core.resilience.circuit_breaker import WELL
from bot.web.api.rates import PER_ADDRESS
from tests.contracts.api_world import MODEL_KEY, PRIVATE, PUBLIC, ApiWorld, api_world


@pytest.fixture
async def api(tmp_path: Path, sqlite_url: str) -> AsyncIterator[ApiWorld]:
    async with api_world(tmp_path, sqlite_url) as world:
        yield world


async def ids(api: ApiWorld, login: str, query: str = "") -> list[str]:
    answer = await api.as_(login, f"/solves{query}")
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["items"]]


async def test_a_token_shows_the_solves_that_its_owner_may_read(api: ApiWorld) -> None:
    assert await ids(api, "rita") == [PUBLIC, PRIVATE]
    assert await ids(api, "sam") == [PUBLIC]  # a stranger to the private one


async def test_what_may_not_be_read_is_not_counted_and_no_cursor_names_it(api: ApiWorld) -> None:
    page = (await api.as_("sam", "/solves?size=1")).json()
    assert [item["id"] for item in page["items"]] == [PUBLIC]
    assert page["next"] == ""
    assert [row["key"] for row in (await api.as_("sam", "/usage?by=repository&days=30")).json()] == ["octo/web"]
    assert [row["repo"]["name"] for row in (await api.as_("sam", "/repositories")).json()["items"]] == ["octo/web"]


async def test_pages_go_on_where_the_one_before_ended(api: ApiWorld) -> None:
    first = (await api.as_("rita", "/solves?size=1")).json()
    assert await ids(api, "rita", f"?size=1&after={first['next']}") == [PRIVATE]


@pytest.mark.parametrize("cursor", ["x", "Li4v", "JyBvciAxPTEgLS0", "%00", "MjAyNi0xMS0yMCBz"])
async def test_a_cursor_that_nobody_gave_is_refused(api: ApiWorld, cursor: str) -> None:
    answer = await api.as_("rita", f"/solves?after={cursor}")
    assert (answer.status_code, answer.json()["title"]) == (422, "No such page")


async def test_without_a_token_there_is_a_document_that_says_what_to_do(api: ApiWorld) -> None:
    answer = await api.get("/solves")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json() == {
        "type": "/api/v1/docs#problem-not-signed-in",
        "status": 401,
        "title": "Nobody is signed in",
        "detail": "There is no valid access token.",
        "remedy": "Send `Authorization: Bearer <token>`. A token is made on the page /tokens.",
    }


async def test_a_token_in_an_address_is_none(api: ApiWorld) -> None:
    token = await api.token("rita")
    for query in (f"?access_token={token}", f"?token={token}", f"?authorization=Bearer%20{token}"):
        assert (await api.get(f"/solves{query}")).status_code == 401


async def test_a_token_of_which_a_part_is_wrong_is_none(api: ApiWorld) -> None:
    token = await api.token("rita")
    for wrong in (token[:-1], token[:-1] + ("A" if token[-1] != "A" else "B"), token.upper(), "sbt_", "Basic eA=="):
        assert (await api.get("/me", wrong)).status_code == 401


async def test_the_token_itself_is_kept_nowhere(api: ApiWorld, sqlite_url: str) -> None:
    token = await api.token("rita")
    assert (await api.get("/me", token)).status_code == 200
    kept = Path(sqlite_url.removeprefix("sqlite:///"))
    for file in kept.parent.glob(kept.name + "*"):
        assert token.encode() not in file.read_bytes()
        assert token.rpartition("_")[2].encode() not in file.read_bytes()


async def test_a_token_ends_when_it_says_or_when_it_is_revoked(api: ApiWorld) -> None:
    token = await api.token("rita", lasts=timedelta(hours=1))
    assert (await api.get("/me", token)).status_code == 200
    api.time.goes_on(minutes=61)
    assert (await api.get("/me", token)).status_code == 401
    assert (await api.get("/me", await api.token("rita", revoked=True))).status_code == 401


async def test_when_a_token_was_used_is_known(api: ApiWorld) -> None:
    await api.get("/me", await api.token("rita"))
    [token] = await api.store.tokens.owned(api.person("rita").id)
    assert token.last_used_at == api.time.now()


async def test_permission_that_is_lost_is_noticed_within_a_minute(api: ApiWorld) -> None:
    token = await api.token("rita")
    assert (await api.get(f"/solves/{PRIVATE}", token)).status_code == 200
    api.private.grant("rita", "none")
    api.time.goes_on(seconds=61)
    assert (await api.get(f"/solves/{PRIVATE}", token)).status_code == 404


async def test_a_solve_with_all_about_it(api: ApiWorld) -> None:
    shown = (await api.as_("rita", f"/solves/{PRIVATE}")).json()
    assert (shown["summary"]["status"], shown["phase"]) == ("completed", "published")
    assert [run["letter"] for run in shown["runs"]] == ["A", "B"]
    assert shown["runs"][0]["is_champion"] is True
    assert shown["environment"]["test"] == "pytest -q"
    assert shown["tests"] == [
        {
            "name": "tests::a",
            "origin": "script",
            "group": "A's script a.py",
            "author": "A",
            "passed_by": ["A"],
            "failed_by": ["B"],
        }
    ]


async def test_the_decision_says_what_each_kind_of_evidence_counted(api: ApiWorld) -> None:
    shown = (await api.as_("rita", f"/solves/{PRIVATE}/decision")).json()
    assert (shown["champion"], shown["outcome"]) == ("A", "draft")
    [candidate] = shown["candidates"]
    terms = {term["name"]: term["log_odds"] for term in candidate["terms"]}
    assert terms["constant"] == -1.71
    assert sum(terms.values()) == pytest.approx(candidate["total"], abs=0.01)


async def test_a_run_and_its_parts(api: ApiWorld) -> None:
    run = f"/solves/{PRIVATE}/runs/b"
    token = await api.token("rita")
    shown = (await api.get(run, token)).json()
    assert (shown["run"]["model"], shown["run"]["steps"], shown["conversation"]) == ("sonnet", 7, [])
    patch = await api.get(f"{run}/patch", token)
    assert (patch.text, patch.headers["content-type"]) == ("diff --git a b\n+✓\n", "text/plain; charset=utf-8")
    assert (await api.get(f"{run}/evidence", token)).json()["regressions"] == ["a"]
    assert (await api.get(f"{run}/trajectory", token)).content == b"z"
    assert (await api.get(f"/solves/{PRIVATE}/runs/c", token)).status_code == 404


async def test_a_conversation(api: ApiWorld) -> None:
    messages = [
        {"role": "system", "content": "You fix bugs."},
        {
            "role": "assistant",
            "content": "Look.",
            "extra": {"actions": [{"command": "ls", "tool_call_id": "1"}], "cost": 0.5, "seconds": 2},
        },
        {"role": "tool", "tool_call_id": "1", "content": "a.py", "extra": {"returncode": 0, "seconds": 1}},
        {"role": "exit", "content": "Submitted"},
    ]
    kept = gzip.compress(json.dumps({"messages": messages}).encode())
    [run, _] = (await api.store.facts(PRIVATE)).runs  # type: ignore[union-attr]
    await api.store.run_ended(run.id, Status.COMPLETED, at=api.time.now(), exit_status=None, trajectory=kept)
    task, agent, end = (await api.as_("rita", f"/solves/{PRIVATE}/runs/A/log")).json()
    assert (task["speaker"], task["text"]) == ("task", "You fix bugs.")
    assert (agent["number"], agent["dollars"], agent["text"]) == (1, 0.5, "Look.")
    assert agent["commands"] == [{"command": "ls", "output": "a.py", "exit_code": 0, "seconds": 1.0}]
    assert (end["speaker"], end["text"]) == ("end", "Submitted")


async def test_who_has_it_already_is_told_so(api: ApiWorld) -> None:
    token = await api.token("rita")
    first = await api.get(f"/solves/{PRIVATE}", token)
    assert first.headers["cache-control"] == "private, no-cache"
    again = await api.get(f"/solves/{PRIVATE}", token, If_None_Match=first.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    await api.store.noted(PRIVATE, "something new")
    assert (await api.get(f"/solves/{PRIVATE}", token, If_None_Match=first.headers["etag"])).status_code == 200


async def test_a_secret_is_never_shown(api: ApiWorld) -> None:
    await api.store.noted(PRIVATE, f"the key is {MODEL_KEY}, the token ghp_{'a1B2' * 9}")
    for path in (f"/solves/{PRIVATE}", "/settings", "/audit"):
        text = (await api.as_("ada", path)).text
        assert MODEL_KEY not in text
        assert "ghp_" not in text


async def test_settings_have_names_and_sources(api: ApiWorld) -> None:
    shown = {item["name"]: item for item in (await api.as_("ada", "/settings")).json()}
    assert shown["ADMINS"]["value"] == "ada"
    assert (shown["MODEL_API_KEY"]["source"], shown["MODEL_API_KEY"]["value"]) == ("set", "")
    assert (shown["MAX_DOLLARS"]["source"], shown["MAX_DOLLARS"]["value"]) == ("default", "2.0")
    assert shown["DATABASE_URL"]["is_secret"] is True


async def test_strangers_who_guess_are_slowed_down(api: ApiWorld) -> None:
    for _ in range(PER_ADDRESS.amount):
        assert (await api.get("/me", "sbt_000000000000_" + "A" * 43)).status_code == 401
    answer = await api.get("/me")
    assert (answer.status_code, answer.json()["title"]) == (429, "Too many requests")
    assert 0 < int(answer.headers["retry-after"]) <= 60
    assert (await api.as_("rita", "/me")).status_code == 200  # whoever shows a token is another matter


async def test_where_github_does_not_answer_nothing_is_shown(api: ApiWorld) -> None:
    token = await api.token("rita")
    api.github.faults.add("GET", "*/permission", status=503, times=None)
    answer = await api.get(f"/solves/{PRIVATE}", token)
    assert (answer.status_code, answer.json()["title"]) == (503, "Not available")


async def test_a_delivery_is_given_to_the_engine_once_more_and_that_is_written_down(api: ApiWorld) -> None:
    await api.inbox.put("g-1", "issues", b'{"a": 1}')
    await api.inbox.handed(["g-1"])
    token = await api.token("ada")
    assert (await api.post("/deliveries/g-1/redeliver", token, Idempotency_Key="k")).status_code == 202
    [row] = await api.inbox.waiting(5)
    assert (row.guid, row.record, row.attempt) == ("g-1", {"a": 1}, 1)
    [entry] = (await api.get("/audit", token)).json()["items"]
    assert (entry["actor"], entry["action"], entry["subject"]) == ("ada", "delivery.redelivered", "g-1")
    assert (await api.post("/deliveries/g-2/redeliver", token, Idempotency_Key="k")).status_code == 404


async def test_a_service_that_is_left_alone_is_asked_again(api: ApiWorld) -> None:
    token = await api.token("ada")
    assert (await api.post("/providers/e2b/reset", token, Idempotency_Key="k")).status_code == 404  # it does well
    await api.fail_provider("e2b")
    assert (await api.post("/providers/e2b/reset", token, Idempotency_Key="k")).status_code == 200
    assert await api.store.ledger.health("e2b") == WELL


async def test_documentation_asks_no_other_host(api: ApiWorld) -> None:
    page = await api.get("/docs")
    assert page.status_code == 200
    assert "://" not in page.text
    assert "<script>" not in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]
    for asset in ("assets/swagger-ui-bundle.js", "assets/swagger-ui.css", "docs/start.js", "openapi.json"):
        assert (await api.get(f"/{asset}")).status_code == 200, asset


@pytest.mark.parametrize("path", ["/nothing", "/solves/", "/solves/a%2Fb", "/assets/../secrets", "/solves/x/runs/AB"])
async def test_what_is_not_there_is_a_problem_document_too(api: ApiWorld, path: str) -> None:
    answer = await api.as_("rita", path)
    assert answer.status_code in (404, 422)
    assert answer.headers["content-type"] == "application/problem+json"
