"""Runs of somebody with few go before those of somebody with many, whoever came first."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from bot.clock import SystemClock
from bot.engine import Engine, EngineOptions, step

MANY = 6


class Line:
    """One at a time. The first holds the place until everybody is in line."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.order: list[str] = []
        self.full = asyncio.Event()
        self.ahead = dict.fromkeys("abf", 0)

    async def parent(self, names: str) -> None:
        children = [
            await self._engine.queue("child", name, name, ahead=partial(self._ahead, name[0])) for name in names.split()
        ]
        while children:
            over = await self._engine.first_of(children)
            children = [child for child in children if child.id != over]

    async def _ahead(self, whose: str) -> int:
        self.ahead[whose] += 1
        return self.ahead[whose] - 1

    async def child(self, name: str) -> None:
        await self.serve(name)

    @step("serve")
    async def serve(self, name: str) -> None:
        self.order.append(name)
        if name == "first":
            await self.full.wait()


async def test_who_has_few_does_not_wait_behind_who_has_many(tmp_path: Path) -> None:
    options = EngineOptions(f"sqlite:///{tmp_path / 'engine.sqlite'}", worker_runs=1, queue_poll=0.01, result_poll=0.01)
    engine = Engine(options, SystemClock())
    line = Line(engine)
    engine.register("parent", line.parent)
    engine.register("child", line.child, queued=True)
    await engine.launch()
    try:
        await engine.start("parent", "p0", "first")
        async with asyncio.timeout(30):
            while not line.order:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.01)
            await engine.start("parent", "p1", " ".join(f"a{number}" for number in range(MANY)))
            while line.ahead["a"] < MANY:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
            await engine.start("parent", "p2", "b0 b1")
            while line.ahead["b"] < 2 or len(await engine.active()) < 3 + 1 + MANY + 2:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
            line.full.set()
            while await engine.active():  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)
    finally:
        await engine.close()
    assert line.order == ["first", "a0", "b0", "a1", "b1", "a2", "a3", "a4", "a5"]
