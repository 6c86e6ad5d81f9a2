"""Many who want to know whether something still holds ask the database once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.core.access import EVERY_SCOPE, AccessToken
from bot.core.model import Person
from bot.core.web_session import begun
from bot.ports import Unavailable
from bot.store.store import opened
from bot.web.together import Together
from tests.contracts.test_store import NOON

ANN = Person("ann", 9)


async def test_who_asks_at_the_same_time_asks_together() -> None:
    asked: list[frozenset[str]] = []

    async def look(keys: frozenset[str]) -> frozenset[str]:
        asked.append(keys)
        return keys & {"a", "c"}

    still = Together(look)
    assert await asyncio.gather(*map(still.holds, "abca")) == [True, False, True, True]
    assert await still.holds("b") is False
    assert asked == [frozenset("abc"), frozenset("b")]


async def test_what_goes_wrong_is_told_to_all_and_asked_again_later() -> None:
    answers: Iterator[Unavailable | frozenset[str]] = iter([Unavailable("away"), frozenset("a")])

    async def look(_: frozenset[str]) -> frozenset[str]:
        answer = next(answers)
        if isinstance(answer, Unavailable):
            raise answer
        return answer

    still = Together(look)
    found = await asyncio.gather(*map(still.holds, "ab"), return_exceptions=True)
    assert [type(each) for each in found] == [Unavailable, Unavailable]
    assert await still.holds("a")


@pytest.mark.usefixtures("every_plan_is_checked")
async def test_which_sessions_and_tokens_are_neither_over_nor_ended(database_url: str) -> None:
    async with opened(database_url) as store:
        sessions = [begun(secret, ANN, NOON) for secret in ("one", "two")]
        for session in sessions:
            await store.web_sessions.begin(session)
        await store.web_sessions.end(sessions[1].digest)
        digests = [session.digest for session in sessions]
        assert await store.web_sessions.valid([*digests, "none"], NOON) == {digests[0]}
        assert await store.web_sessions.valid(digests, sessions[0].expires_at) == frozenset()
        for id in ("a", "b"):
            token = AccessToken(id, "", ANN, EVERY_SCOPE, NOON, NOON + timedelta(hours=1))
            await store.tokens.create(token, "digest")
        await store.tokens.revoke("b", NOON)
        assert await store.tokens.valid(["a", "b", "c"], NOON) == {"a"}
        assert await store.tokens.valid(["a"], NOON + timedelta(hours=1)) == frozenset()
