"""What it costs that many have the page of one solve open: when nothing happens, and when much does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

import aiohttp

from tests.benchmarks.child import Child, child

MODULE = "tests.benchmarks.pages_process"
QUIET = 45.0  # seconds in which nothing happens: so long that everybody is looked at again
EVENTS, EVERY = 100, 0.1
LOADS = 20


@dataclass(frozen=True, slots=True)
class Cost:
    """`quiet`, `busy`: processor seconds in a second. `delays`: of events, in seconds, from the writing on."""

    followers: int
    quiet: float
    quiet_questions: float  # in a second
    busy: float
    events_a_second: float
    delays: Sequence[float]
    questions_about_events: float  # for each event
    memory: int  # bytes, of the process
    page: float  # processor seconds of one load of the page


async def measure(followers: int) -> Cost:
    async with child(MODULE) as server, AsyncExitStack() as stack:
        cookies = {"solvebot": str(server.hello["cookie"])}
        connector, no_limit = aiohttp.TCPConnector(limit=0), aiohttp.ClientTimeout(total=None)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, cookies=cookies, timeout=no_limit)
        )
        page = f"{server.hello['url']}/solves/{server.hello['solve']}"
        loads = await _loads(session, page, server)
        streams = [await stack.enter_async_context(session.get(f"{page}/events")) for _ in range(followers)]
        quiet, questions = await _quiet(server)
        before, begun, memory = server.cpu(), perf_counter(), server.memory().proportional
        about = int((await server.ask())["about_events"])
        told = asyncio.gather(*(_delays(answer) for answer in streams))
        after = await server.ask(write=EVENTS, every=EVERY, mark="busy")
        delays = [delay for each in await told for delay in each]
        seconds = perf_counter() - begun
        return Cost(
            followers,
            quiet,
            questions,
            (server.cpu() - before).own / seconds,
            EVENTS / seconds,
            delays,
            (int(after["about_events"]) - about) / EVENTS,
            memory,
            loads,
        )


async def _loads(session: aiohttp.ClientSession, page: str, server: Child) -> float:
    async def load() -> None:
        async with session.get(page) as answer:
            assert answer.status == 200
            await answer.read()

    await load()
    before = server.cpu()
    for _ in range(LOADS):
        await load()
    return (server.cpu() - before).own / LOADS


async def _quiet(server: Child) -> tuple[float, float]:
    asked, before = int((await server.ask())["questions"]), server.cpu()
    await asyncio.sleep(QUIET)
    own = (server.cpu() - before).own
    return own / QUIET, (int((await server.ask())["questions"]) - asked) / QUIET


async def _delays(answer: aiohttp.ClientResponse) -> list[float]:
    """Of each event, until the last one."""
    found: list[float] = []
    async for data in _data(answer):
        found.append((datetime.now(UTC) - datetime.fromisoformat(data["at"])).total_seconds())
        if str(data["data"].get("note", "")).endswith(f"-{EVENTS - 1}."):
            break
    return found


async def _data(answer: aiohttp.ClientResponse) -> AsyncIterator[Any]:
    async for line in answer.content:
        if line.startswith(b"data: {") and b'"seq"' in line:
            yield json.loads(line.removeprefix(b"data: "))
