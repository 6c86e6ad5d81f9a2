"""What a call of a model costs while many are under way: `python -m tests.benchmarks.model_calls URL KEY`.

Beside it the same bytes through the HTTP library alone: the difference is what our client adds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec

from bot.adapters import http_session
from bot.agent.mini import TOOLS
from bot.agent.model import ChatModel, Provider
from bot.agent.wire import encode_request
from bot.core.model import ModelSpec, Prices
from tests.benchmarks.child import Said, answering, say

AT_ONCE = 200
CALLS = 5  # of each run
HISTORY = 30_000  # bytes that are sent along with each call

SPEC = ModelSpec("brief", "simulator", "simulated/brief", prices=Prices(1.0, 4.0))
MESSAGES = [{"role": "system", "content": "You fix issues."}, {"role": "user", "content": "x" * HISTORY}]


def ours(session: aiohttp.ClientSession, url: str, key: str) -> Callable[[], Awaitable[object]]:
    model = ChatModel(session, {"simulator": Provider(url, key)}, concurrency=AT_ONCE)
    return lambda: model.complete(SPEC, MESSAGES, temperature=0.0, tools=TOOLS)


def bare(session: aiohttp.ClientSession, url: str, key: str) -> Callable[[], Awaitable[object]]:
    body = encode_request(SPEC, MESSAGES, 0.0, TOOLS)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}

    async def call() -> object:
        async with session.post(f"{url}/chat/completions", data=body, headers=headers) as response:
            return msgspec.json.decode(await response.read())

    return call


async def cpu_of(call: Callable[[], Awaitable[object]]) -> float:
    """Seconds for each call."""

    async def run() -> None:
        for _ in range(CALLS):
            await call()

    before = time.process_time()
    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(run())
    return (time.process_time() - before) / (AT_ONCE * CALLS)


async def main(url: str, key: str) -> None:
    async with http_session() as session:
        calls = {"ours": ours(session, url, key), "bare": bare(session, url, key)}
        for call in calls.values():
            await cpu_of(call)  # connections are opened here, and not counted

        async def answer(question: Said) -> Said:
            return {"cpu": await cpu_of(calls[question["who"]])}

        say()
        await answering(answer)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
