"""Deliveries per second: ours verified, decoded and on the disk before the answer, beside servers that do no work.

Servers and loader are processes of their own; the servers take turns in one run, and what is told are medians of the
ratios of neighbours, because the speed of a machine drifts.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.app import SystemClock
from bot.inbox import open_inbox
from bot.store.migrate import migrate
from bot.web.webhook import Receiver
from tests.benchmarks.child import Child, Said, answering, child, say

SECRET = b"the secret of a benchmark"
CONNECTIONS = 32
ROUNDS = 5
DELIVERIES = 2000  # of each server in each round
SERVERS = ("solvebot", "starlette", "uvicorn")


@dataclass(frozen=True, slots=True)
class Rate:
    per_second: float
    cpu: float  # seconds of the server for one delivery


@dataclass(frozen=True, slots=True)
class Compared:
    """For one mix of deliveries: our medians, and what each other server gets of the same, ours divided by its."""

    relevant: float  # share of the deliveries that become a row
    ours: Rate
    rates: dict[str, float]
    cpus: dict[str, float]


async def compare(relevant: float) -> Compared:
    rates: dict[str, list[Rate]] = {name: [] for name in SERVERS}
    async with AsyncExitStack() as stack:
        servers = {name: await stack.enter_async_context(_server(name)) for name in SERVERS}
        for _ in range(ROUNDS + 1):
            for name, server in servers.items():
                rates[name].append(await _load(server, relevant))
    measured = {name: found[1:] for name, found in rates.items()}  # the first round warms up
    ours = measured["solvebot"]
    others = {name: found for name, found in measured.items() if name != "solvebot"}
    rate_ratios = {
        n: statistics.median(a.per_second / b.per_second for a, b in zip(ours, r, strict=True))
        for n, r in others.items()
    }
    cpu_ratios = {n: statistics.median(a.cpu / b.cpu for a, b in zip(ours, r, strict=True)) for n, r in others.items()}
    middle = Rate(statistics.median(r.per_second for r in ours), statistics.median(r.cpu for r in ours))
    return Compared(relevant, middle, rate_ratios, cpu_ratios)


async def _load(server: Child, relevant: float) -> Rate:
    """A closed loop over so many connections; the payloads are made and signed before the clock starts."""
    requests = [_delivery(number, number < relevant * DELIVERIES) for number in range(DELIVERIES)]
    requests = [requests[(number * 7919) % DELIVERIES] for number in range(DELIVERIES)]  # mixed, the same way always
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    before = server.cpu()
    async with aiohttp.ClientSession(connector=connector) as session:
        started = time.perf_counter()
        await asyncio.gather(*(_send(session, server, requests[at::CONNECTIONS]) for at in range(CONNECTIONS)))
        seconds = time.perf_counter() - started
    return Rate(DELIVERIES / seconds, (server.cpu() - before).own / DELIVERIES)


async def _send(session: aiohttp.ClientSession, server: Child, requests: list[tuple[bytes, dict[str, str]]]) -> None:
    for body, headers in requests:
        async with session.post(server.hello["url"], data=body, headers=headers) as answer:
            await answer.read()
            assert answer.status == 202, answer.status


def _delivery(number: int, relevant: bool) -> tuple[bytes, dict[str, str]]:
    """12 kB, as GitHub's are."""
    event = {
        "action": "labeled",
        "label": {"name": "solve-me"},
        "issue": {"number": number, "title": "It breaks", "body": "x" * 2000, "state": "open", "locked": False,
                  "updated_at": "2026-01-01T00:00:00Z"},
        "repository": {"id": 1, "full_name": "octo/greet", "owner": {"padding": "y" * 9000}},
        "installation": {"id": 2},
        "sender": {"login": "ann", "id": 3, "type": "User"},
    }  # fmt: skip
    body = json.dumps(event).encode()
    return body, {
        "Content-Type": "application/json",
        "X-GitHub-Event": "issues" if relevant else "check_run",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "X-Hub-Signature-256": "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest(),
    }


@asynccontextmanager
async def _server(name: str) -> AsyncIterator[Child]:
    with tempfile.TemporaryDirectory(prefix="solvebot-bench-") as directory:
        async with child("tests.benchmarks.deliveries", name, directory) as server:
            yield server


# ------------------------------------------------------------------------------------------------------- the servers


async def _bare(_scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def _route(request: Request) -> PlainTextResponse:
    await request.body()
    return PlainTextResponse("", 202)


async def _serve(name: str, directory: Path) -> None:
    apps: dict[str, ASGIApp] = {
        "uvicorn": _bare,
        "starlette": Starlette(routes=[Route("/webhook", _route, methods=["POST"])]),
    }
    if name == "solvebot":
        url = f"sqlite:///{directory / 'solvebot.sqlite'}"
        migrate(url)
        apps[name] = Receiver([SECRET], await open_inbox(url, SystemClock()), apps["starlette"])
    config = uvicorn.Config(
        apps[name], port=0, http="httptools", lifespan="off", access_log=False, log_config=None, date_header=False
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    say(url=f"http://127.0.0.1:{port}/webhook")

    async def answer(_question: Said) -> Said:
        return {}

    await answering(answer)
    server.should_exit = True
    await serving


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(sys.argv[1], Path(sys.argv[2])))
