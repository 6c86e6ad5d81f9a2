"""The configuration through the API: checked without an effect, and proposed where it is right."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.trigger.event_reader import read_event
from bot.core.trigger.events import Requested, Wish
from tests.contracts.api_world import ApiWorld, api_world


@pytest.fixture
async def api(tmp_path: Path, sqlite_url: str) -> AsyncIterator[ApiWorld]:
    async with api_world(tmp_path, sqlite_url, is_slowed_down=False) as world:
        yield world


@pytest.mark.parametrize(
    ("text", "lines"), [("attempts: 2\n", []), ("attempts: 99\nwho: me\n", [1, 2]), ("a: b: c\n", [1]), ("", [])]
)
async def test_a_text_is_checked(api: ApiWorld, text: str, lines: list[int]) -> None:
    path = f"/repositories/{api.private.id}/configuration/check"
    answer = await api.post(path, await api.token("rita"), {"text": text}, Idempotency_Key="k")
    assert (answer.status_code, [each["line"] for each in answer.json()["mistakes"]]) == (200, lines)
    assert await api.inbox.waiting(10) == []


async def test_a_text_is_proposed_once(api: ApiWorld) -> None:
    path, token = f"/repositories/{api.private.id}/configuration", await api.token("will")
    first, second = [await api.post(path, token, {"text": "attempts: 2\r\n"}, Idempotency_Key="k") for _ in range(2)]
    assert (first.status_code, first.json()) == (202, second.json())
    [row] = await api.inbox.waiting(10)
    event = read_event(row.event, row.record)
    assert isinstance(event, Requested)
    assert (event.wish, event.text, event.issue.number) == (Wish.CONFIGURE, "attempts: 2\n", 0)


@pytest.mark.parametrize(("text", "words"), [("attempts: 99\n", "Line 1:"), ("", "says that already")])
async def test_what_is_not_fit_is_refused_at_once(api: ApiWorld, text: str, words: str) -> None:
    path = f"/repositories/{api.private.id}/configuration"
    answer = await api.post(path, await api.token("will"), {"text": text}, Idempotency_Key="k")
    assert (answer.status_code, words in answer.json()["detail"]) == (422, True)
    assert await api.inbox.waiting(10) == []
