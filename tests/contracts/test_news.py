"""Who follows is woken by what another process has written, and finds what woke nobody."""

from __future__ import annotations

import asyncio

import psycopg

from bot.core.model import SolveId
from bot.core.text.outgoing import Redactor
from bot.store.news import CHANNEL, News
from bot.store.store import SqlStore, opened
from bot.web.events import Feed
from tests.contracts.test_store import solve

NEVER = 3600.0  # seconds: whoever is told within them was woken


async def told(store: SqlStore, writer: SqlStore) -> list[str]:
    """What a follower hears of three words, of a feed that asks by itself no more than once an hour."""
    feed = Feed(store.views, Redactor(), poll=NEVER)
    heard: list[str] = []
    async with asyncio.timeout(60), feed.following(None) as follower:
        for word in ("one", "two", "three"):
            await writer.noted(SolveId("s-1"), word)
            heard.append(str((await follower.queue.get()).data["note"]))
    return heard


async def test_who_follows_in_the_same_process_is_woken(sqlite_url: str) -> None:
    async with opened(sqlite_url) as store:
        await store.accept(solve("s-1"))
        assert await told(store, store) == ["one", "two", "three"]


async def test_who_follows_on_postgres_is_woken_by_another_process(postgres_url: str) -> None:
    async with opened(postgres_url) as store, opened(postgres_url) as writer:
        await store.accept(solve("s-1"))
        assert await told(store, writer) == ["one", "two", "three"]


async def test_a_connection_that_was_cut_is_made_anew(postgres_url: str) -> None:
    async with opened(postgres_url) as store, store.views.news() as news, asyncio.timeout(60):
        await news.beyond(0, NEVER)  # it listens
        cut = "select pg_terminate_backend(pid) from pg_stat_activity where query = %s"
        async with await psycopg.AsyncConnection.connect(postgres_url, autocommit=True) as other:
            count = news.count()
            assert (await other.execute(cut, (f"listen {CHANNEL}",))).rowcount == 1
            await news.beyond(count, NEVER)  # it listens again, and says that something may have happened
            count = news.count()
            await other.execute(f"notify {CHANNEL}")
            await news.beyond(count, NEVER)


async def test_what_is_told_between_two_looks_wakes_at_once() -> None:
    news = News()
    count = news.count()
    news.tell()
    async with asyncio.timeout(60):
        await news.beyond(count, NEVER)
    before = news.count()
    await news.beyond(before, 0.001)
    assert news.count() == before
