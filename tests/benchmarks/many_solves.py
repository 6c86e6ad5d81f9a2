"""Many solves at once in one process of the bot: do all end, what does one cost, who has to wait meanwhile."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sqlite3
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tests.benchmarks.child import Child, Cpu, Memory, Said, child
from tests.benchmarks.scripts import MANY
from tests.benchmarks.simulated_world import SECRET

RUNS = 3  # of each solve
REPOSITORIES = 10
PATIENCE = 600.0  # seconds until a benchmark says that the solves do not end
_EVERY = 0.05  # seconds between two deliveries of the slow stream
_MARGIN = 8  # solves with one step a run, and again with many


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of solves that were asked for together."""

    end: Said
    cpu: Cpu
    engine_steps: int
    agent_steps: int
    late: list[float]  # seconds that the event loop's timer came too late


@dataclass(slots=True)
class Acknowledged:
    """Seconds until the answer to a delivery."""

    durable: list[float] = field(default_factory=list)
    dropped: list[float] = field(default_factory=list)
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    solves: int
    isolated: bool
    idle: Memory
    gathered: int  # runs that were alive together
    crowded: Memory
    after: Memory
    batch: Batch
    acknowledged: Acknowledged
    acknowledged_idle: Acknowledged
    step: Cpu  # one more step of an agent


@dataclass(frozen=True, slots=True)
class Stage:
    data: Path
    bot: Child
    world: Child
    place: Said  # repository and installation that deliveries are about

    def counted(self) -> tuple[int, int]:
        """Steps in the engine's record, and model calls in ours."""
        return (
            _count(self.data / "engine.sqlite", "select count(*) from operation_outputs"),
            _count(self.data / "solvebot.sqlite", "select coalesce(sum(steps), 0) from solve_runs"),
        )


def _count(database: Path, question: str) -> int:
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        return int(connection.execute(question).fetchone()[0])


async def measure(solves: int) -> Result:
    async with _stage(solves) as stage:
        idle = stage.bot.memory()
        with_nothing_to_do = await _stream_for(stage, 2.0)
        stream = _Stream(stage)
        streaming = asyncio.create_task(stream.flow())
        await stage.bot.ask()
        before, counted = stage.bot.cpu(), stage.counted()
        await stage.world.ask(ask=solves, **{"for": ""})
        gathered = await stage.world.ask(gathered=solves * RUNS, within=PATIENCE)
        crowded = stage.bot.memory()
        end = await stage.world.ask(over_within=PATIENCE)
        batch = await _batch(stage, end, before, counted)
        streaming.cancel()
        after = stage.bot.memory()
        step = await _one_more_step(stage)
        isolated = bool(stage.bot.hello["isolated"])
    return Result(
        solves, isolated, idle, gathered["gathered"], crowded, after, batch, stream.taken, with_nothing_to_do, step
    )


async def _one_more_step(stage: Stage) -> Cpu:
    """The same solves with a few steps and with many: what the difference costs, for each step."""
    few = await _commented(stage, "brief")
    many = await _commented(stage, "patient")
    steps = many.agent_steps - few.agent_steps
    assert steps == _MARGIN * RUNS * (MANY - 1), (many.end, few.end)
    more = many.cpu - few.cpu
    return Cpu(more.own / steps, more.children / steps)


async def _commented(stage: Stage, model: str) -> Batch:
    before, counted = stage.bot.cpu(), stage.counted()
    await stage.world.ask(ask=_MARGIN, **{"for": f"/solve model={model} attempts={RUNS}"})
    end = await stage.world.ask(over_within=PATIENCE)
    return await _batch(stage, end, before, counted)


async def _batch(stage: Stage, end: Said, before: Cpu, counted: tuple[int, int]) -> Batch:
    cpu = stage.bot.cpu() - before
    engine, agent = stage.counted()
    late = (await stage.bot.ask())["late"]
    return Batch(end, cpu, engine - counted[0], agent - counted[1], late)


@asynccontextmanager
async def _stage(solves: int) -> AsyncIterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="solvebot-bench-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # sandboxes run as other users
        repositories = str(min(solves, REPOSITORIES))
        async with child("tests.benchmarks.simulated_world", str(directory / "github"), repositories) as world:
            data = directory / "bot"
            async with child("tests.benchmarks.bot_process", env=_settings(world.hello, data, solves)) as bot:
                place = await world.ask(deliver_to=f"{bot.hello['url']}/webhook")
                yield Stage(data, bot, world, place)


def _settings(world: Said, data: Path, solves: int) -> dict[str, str]:
    """`serve`'s own, but for two: all runs at once, and no pause between writes, which only GitHub wants."""
    return {
        "GITHUB_APP_ID": world["app"],
        "GITHUB_PRIVATE_KEY": world["key"],
        "GITHUB_WEBHOOK_SECRET": SECRET,
        "GITHUB_API_URL": world["github"],
        "GITHUB_SERVER_URL": world["github"],
        "GITHUB_WRITE_INTERVAL": "0",
        "MODEL_BASE_URL": world["model"],
        "MODEL_API_KEY": world["token"],
        "MODEL_PROVIDER": "simulator",
        "WORKER_RUNS": str(solves * RUNS),
        "SWEEP_INTERVAL": "0",
        "SETUP_HOSTS": "none",
        "DATA_DIR": str(data),
    }


# ----------------------------------------------------------------------------------------- deliveries meanwhile


async def _stream_for(stage: Stage, seconds: float) -> Acknowledged:
    stream = _Stream(stage)
    streaming = asyncio.create_task(stream.flow())
    await asyncio.sleep(seconds)
    streaming.cancel()
    return stream.taken


class _Stream:
    """Every other one is nothing for us; the others are about an issue without a solve: a row and a workflow."""

    def __init__(self, stage: Stage) -> None:
        self._url = f"{stage.bot.hello['url']}/webhook"
        self._place = stage.place
        self.taken = Acknowledged()

    async def flow(self) -> None:
        """At fixed times, whatever the answers take."""
        loop = asyncio.get_running_loop()
        async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
            due = loop.time()
            for number in range(1_000_000):
                group.create_task(self._deliver(session, number))
                due += _EVERY
                await asyncio.sleep(due - loop.time())

    async def _deliver(self, session: aiohttp.ClientSession, number: int) -> None:
        ours = number % 2 == 0
        body = self._closed(number) if ours else b'{"action": "completed"}'
        headers = {
            "Content-Type": "application/json",
            "X-GitHub-Event": "issues" if ours else "check_run",
            "X-GitHub-Delivery": str(uuid.uuid4()),
            "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest(),
        }
        started = time.perf_counter()
        async with session.post(self._url, data=body, headers=headers) as answer:
            await answer.read()
        self.taken.failed += answer.status != 202
        (self.taken.durable if ours else self.taken.dropped).append(time.perf_counter() - started)

    def _closed(self, number: int) -> bytes:
        event = {
            "action": "closed",
            "issue": {
                "number": 1_000_000 + number,
                "title": "Another",
                "state": "closed",
                "updated_at": "2026-01-01T00:00:00Z",
            },
            "repository": {"id": self._place["repository"], "full_name": "octo/greet-0"},
            "installation": {"id": self._place["installation"]},
            "sender": {"login": "ann", "id": 1, "type": "User"},
        }
        return json.dumps(event).encode()
