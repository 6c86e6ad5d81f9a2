"""The engine against DBOS itself: waiting for children, and what retention leaves behind."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.clock import SystemClock
from bot.engine import Engine, EngineOptions, WorkflowState, step

CHILDREN = 3


class Family:
    """A parent waits for its children, who end when they are told to."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.told: dict[str, asyncio.Event] = {}
        self.ended: dict[str, list[str]] = {}
        self.started = asyncio.Semaphore(0)
        self.noticed = asyncio.Semaphore(0)

    async def parent(self, name: str) -> None:
        ids = [f"{name}-{number}" for number in range(CHILDREN)]
        self.told |= {id: asyncio.Event() for id in ids}
        children = {id: await self._engine.queue("child", id, id) for id in ids}
        while children:
            over = await self._engine.first_of(list(children.values()))
            self.ended.setdefault(name, []).append(over)
            self.noticed.release()
            del children[over]

    async def child(self, name: str) -> None:
        await self.wait(name)

    @step("wait")
    async def wait(self, name: str) -> str:
        self.started.release()
        await self.told[name].wait()
        return name


@asynccontextmanager
async def a_family(directory: Path) -> AsyncIterator[tuple[Engine, Family]]:
    url = f"sqlite:///{directory / 'engine.sqlite'}"
    engine = Engine(EngineOptions(url, worker_runs=100, queue_poll=0.01, result_poll=0.01), SystemClock())
    family = Family(engine)
    engine.register("parent", family.parent)
    engine.register("child", family.child)
    await engine.launch()
    try:
        yield engine, family
    finally:
        await engine.close()


async def times(number: int, happened: asyncio.Semaphore) -> None:
    async with asyncio.timeout(30):
        for _ in range(number):
            await happened.acquire()


async def until_over(engine: Engine) -> None:
    async with asyncio.timeout(30):
        while await engine.active():  # noqa: ASYNC110 - the engine's state is in its database
            await asyncio.sleep(0.01)


async def test_many_parents_are_each_told_which_of_their_children_ended(tmp_path: Path) -> None:
    async with a_family(tmp_path) as (engine, family):
        parents = [f"p{number}" for number in range(8)]
        for parent in parents:
            await engine.start("parent", parent, parent)
        await times(len(parents) * CHILDREN, family.started)
        for number in reversed(range(CHILDREN)):
            for parent in parents:
                family.told[f"{parent}-{number}"].set()
            await times(len(parents), family.noticed)
        await until_over(engine)

    backwards = list(reversed(range(CHILDREN)))
    assert family.ended == {parent: [f"{parent}-{number}" for number in backwards] for parent in parents}


async def test_a_waiting_parent_is_interrupted_when_it_is_cancelled(tmp_path: Path) -> None:
    async with a_family(tmp_path) as (engine, family):
        await engine.start("parent", "p", "p")
        await times(CHILDREN, family.started)
        await engine.cancel("p")
        await until_over(engine)
        assert await engine.state("p") is WorkflowState.CANCELLED
        assert "p" not in family.ended


async def test_retention_takes_the_steps_along(tmp_path: Path) -> None:
    async with a_family(tmp_path) as (engine, family):
        await engine.start("parent", "p", "p")
        await times(CHILDREN, family.started)
        for number in range(CHILDREN):
            family.told[f"p-{number}"].set()
        await until_over(engine)
        assert await engine.delete_before((datetime.now(UTC) + timedelta(minutes=1)).isoformat()) == 1

    with closing(sqlite3.connect(tmp_path / "engine.sqlite")) as database:
        for table in ("workflow_status", "operation_outputs"):
            assert database.execute(f"select count(*) from {table}").fetchone() == (0,)
