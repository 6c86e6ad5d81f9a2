"""The workers of a fleet, as operators see them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
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


@pytest.mark.usefixtures("every_plan_is_checked")
async def test_workers_are_known_by_their_signs_of_life(database_url: str) -> None:
    """There are none on SQLite, where one process does it all."""
    is_fleet = database_url.startswith("postgresql")
    async with opened(database_url) as store:
        assert await store.workers() == []
        if is_fleet:
            await asyncio.to_thread(beat, database_url, "one", "two")
        assert [worker.id for worker in await store.workers()] == (["two", "one"] if is_fleet else [])


async def test_operators_see_them(tmp_path: Path, postgres_url: str) -> None:
    await asyncio.to_thread(beat, postgres_url, "machine-7")
    async with pages_world(tmp_path, postgres_url) as world, Browser() as browser:
        assert "<code>machine-7</code>" in (await world.enter(browser, "ada", "/operations")).text
