"""Sessions of people who look at pages, at rest, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.model import Person
from bot.core.web_session import LIFETIME, begun, digest
from bot.store.store import SqlStore, opened

pytestmark = pytest.mark.usefixtures("every_plan_is_checked")

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ANN = Person("ann", 2**41)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    async with opened(database_url) as store:
        yield store


async def test_a_session_is_found_by_its_digest_until_it_ends(store: SqlStore) -> None:
    session = begun("a secret", ANN, NOON)
    await store.web_sessions.begin(session)
    assert await store.web_sessions.find(digest("a secret"), NOON) == session
    assert await store.web_sessions.find("a secret", NOON) is None
    assert await store.web_sessions.find(digest("a secret"), NOON + LIFETIME) is None
    await store.web_sessions.end(digest("a secret"))
    await store.web_sessions.end(digest("a secret"))
    assert await store.web_sessions.find(digest("a secret"), NOON) is None


async def test_those_that_are_over_are_forgotten_with_the_next_one(store: SqlStore) -> None:
    await store.web_sessions.begin(begun("old", ANN, NOON))
    await store.web_sessions.begin(begun("new", ANN, NOON + LIFETIME + timedelta(seconds=1)))
    assert await store.web_sessions.find(digest("old"), NOON) is None
    assert await store.web_sessions.find(digest("new"), NOON) is not None
