"""The workers of a fleet, as operators see them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa

from bot.heartbeat import Heartbeat
from bot.store.store import opened
from tests.browser import Browser
from tests.contracts.pages_world import pages_world


def beat(url: str, *workers: str) -> None:
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    for worker in workers:
        Heartbeat(engine, worker, dead_after=30.0).first()
    engine.dispose()


async def test_workers_are_known_by_their_signs_of_life(postgres_url: str) -> None:
    async with opened(postgres_url) as store:
        assert await store.workers() == []
        await asyncio.to_thread(beat, postgres_url, "one", "two")
        assert [worker.id for worker in await store.workers()] == ["two", "one"]


async def test_where_one_process_does_it_all_there_are_none(sqlite_url: str) -> None:
    async with opened(sqlite_url) as store:
        assert await store.workers() == []


async def test_operators_see_them(tmp_path: Path, postgres_url: str) -> None:
    await asyncio.to_thread(beat, postgres_url, "machine-7")
    async with pages_world(tmp_path, postgres_url) as world, Browser() as browser:
        assert "<code>machine-7</code>" in (await world.enter(browser, "ada", "/operations")).text
