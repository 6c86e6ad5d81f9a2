"""An ASGI application on a loopback port of its own, in the loop that asks for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_GRACE = 2  # seconds that answers under way get when the server ends


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Yields "http://127.0.0.1:port". The socket listens before anyone can know of it, so nobody has to wait."""
    listener = _listener()
    server = _Server(
        uvicorn.Config(
            app,
            http=_Droppable,
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=_GRACE,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listener.close()


async def drop(request: Request) -> None:
    """End the connection of a request without an answer, as a crash on the other side would."""
    request.state.transport.abort()
    await gone(request)


async def gone(request: Request) -> None:
    """Until the caller is no longer there. The body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals belong to the program that the simulator is part of."""
        yield


class _Droppable(HttpToolsProtocol):
    """Lets the application reach its connection, for `drop`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


def _listener() -> socket.socket:
    """TCP by name: for a socket of protocol 0 asyncio does not turn Nagle off, and each answer takes 40 ms longer."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    return listener
