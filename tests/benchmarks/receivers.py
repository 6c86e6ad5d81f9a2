"""What takes deliveries, by name, each in a process of its own: `python -m tests.benchmarks.receivers NAME DIRECTORY`.

`solvebot web` verifies, reads, stores and syncs; the others read the body and answer, and are what its price is
compared with. All run on the loop and the parser that `solvebot web` runs on.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from bot import logs
from bot.clock import SystemClock
from bot.core.text.outgoing import Redactor
from bot.declared_settings import Secret
from bot.inbox import open_inbox
from bot.settings import Settings
from bot.store.migrate import migrate
from bot.web.connection import BoundedProtocol
from bot.web.receiving import for_anybody
from bot.web.serving import keep_for_good
from tests.benchmarks.child import Said, answering, say
from tests.benchmarks.simulated_world import SECRET

SERVERS = BARE, ROUTE, OURS = "bare ASGI app", "Starlette route", "solvebot web"


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


async def _route(request: Request) -> Response:
    await request.body()
    return Response(status_code=202)


@asynccontextmanager
async def _ours(directory: Path) -> AsyncIterator[ASGIApp]:
    settings = Settings(webhook_secrets=(Secret(SECRET),), data=directory)
    await asyncio.to_thread(migrate, settings.store_url)
    inbox = await open_inbox(settings.store_url, SystemClock())
    try:
        yield for_anybody(settings, inbox)
    finally:
        await inbox.close()


@asynccontextmanager
async def _app(name: str, directory: Path) -> AsyncIterator[ASGIApp]:
    match name:
        case "bare ASGI app":
            yield bare
        case "Starlette route":
            yield Starlette(routes=[Route("/webhook", _route, methods=["POST"])])
        case "solvebot web":
            async with _ours(directory) as app:
                yield app


async def _listen(app: ASGIApp, protocol: type[HttpToolsProtocol]) -> str:
    config = uvicorn.Config(app, http=protocol, lifespan="off", access_log=False, log_config=None)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: protocol(config, state, app_state={}), "127.0.0.1", 0)
    return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def main(name: str, directory: Path) -> None:
    logs.configure(format="json", level="WARNING", redact=Redactor())
    async with _app(name, directory) as app:
        url = await _listen(app, BoundedProtocol if name == OURS else HttpToolsProtocol)
        keep_for_good()  # as `solvebot web` does
        say(url=url)

        async def answer(_question: Said) -> Said:
            return {}

        await answering(answer)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], Path(sys.argv[2])))
