"""Access tokens, and what was asked with them, at rest on both databases."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.core.access import AccessToken, Scope
from bot.core.model import Person, SolveId
from bot.ports import Request
from bot.store.store import SqlStore, opened
from tests.contracts.test_store import NOON

pytestmark = pytest.mark.usefixtures("every_plan_is_checked")

MINUTE = timedelta(minutes=1)
TOKEN = AccessToken("a1", "dashboard ✓", Person("ann", 9), frozenset({Scope.READ}), NOON, NOON + 60 * MINUTE)
OTHER = AccessToken("b2", "", Person("bob", 2**40), frozenset(Scope), NOON + MINUTE, NOON + 60 * MINUTE)
REQUEST = Request("api-1", "digest", 9, 2**40, NOON, solve=SolveId("s-1"))


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    async with opened(database_url) as store:
        await store.tokens.create(TOKEN, "d1")
        await store.tokens.create(OTHER, "d2")
        yield store


async def test_a_token_comes_back_whole(store: SqlStore) -> None:
    assert await store.tokens.find("a1") == (TOKEN, "d1")
    assert await store.tokens.find("c3") is None
    assert await store.tokens.owned() == [OTHER, TOKEN]
    assert await store.tokens.owned(9) == [TOKEN]


async def test_that_it_was_used_is_noted_once_a_minute(store: SqlStore) -> None:
    for seconds, noted in ((0, 0), (59, 0), (61, 61)):
        await store.tokens.used("a1", NOON + timedelta(seconds=seconds))
        [token] = await store.tokens.owned(9)
        assert token.last_used_at == NOON + timedelta(seconds=noted)


async def test_it_is_revoked_once_and_by_its_owner(store: SqlStore) -> None:
    assert not await store.tokens.revoke("b2", NOON, owner=9)
    assert await store.tokens.revoke("a1", NOON + MINUTE, owner=9)
    assert not await store.tokens.revoke("a1", NOON + 2 * MINUTE)
    assert not await store.tokens.revoke("c3", NOON)
    [token] = await store.tokens.owned(9)
    assert token.revoked_at == NOON + MINUTE
    assert not token.is_valid(NOON + MINUTE)


async def test_the_same_request_is_kept_once(store: SqlStore) -> None:
    assert await store.requests.ask(REQUEST) == REQUEST
    again = dataclasses.replace(REQUEST, digest="another", asked_at=NOON + MINUTE)
    assert await store.requests.ask(again) == REQUEST
    assert await store.requests.request("api-2") is None


async def test_its_first_answer_stands(store: SqlStore) -> None:
    await store.requests.ask(dataclasses.replace(REQUEST, solve=None))
    for answer, solve in (("It is begun.", SolveId("s-2")), ("Or not.", None)):
        await store.requests.answered("api-1", NOON + MINUTE, solve=solve, refused=not solve, answer=answer)
    assert await store.requests.request("api-1") == dataclasses.replace(
        REQUEST, solve=SolveId("s-2"), answered_at=NOON + MINUTE, answer="It is begun."
    )


async def test_old_requests_go(store: SqlStore) -> None:
    await store.requests.ask(REQUEST)
    assert await store.purge(NOON) == 0
    assert await store.purge(NOON + MINUTE) == 1
    assert await store.requests.request("api-1") is None
