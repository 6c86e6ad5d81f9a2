"""An ASGI application on a loopback port of its own, in the loop that asks for it.

uvicorn's protocol without uvicorn's server: that one handles the program's signals, and takes a fifth of a second to
end, which a test suite pays hundreds of times.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

_GRACE = 2.0  # seconds that answers under way get when the server ends


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """Yields "http://127.0.0.1:port", where it listens already."""
    door = Door(app)
    await door.open()
    try:
        yield door.url
    finally:
        await door.close()


class Deferred:
    """An application whose address must be known before it can be made: `app` is set later."""

    def __init__(self) -> None:
        self.app: ASGIApp = PlainTextResponse("not yet\n", 503)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class Door:
    """An application's port, which can be shut and opened again."""

    def __init__(self, app: ASGIApp, *, keep_alive: int = 5) -> None:
        """`keep_alive`: seconds that a connection may be idle."""
        self._config = uvicorn.Config(
            app, lifespan="off", ws="none", access_log=False, log_config=None, timeout_keep_alive=keep_alive
        )
        self._config.load()
        self._state = ServerState()
        self._port = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def is_open(self) -> bool:
        return self._server is not None and self._server.is_serving()

    async def open(self) -> None:
        """The same port every time."""
        listener = _listener(self._port)
        self._port = listener.getsockname()[1]
        self._server = await asyncio.get_running_loop().create_server(
            lambda: _Droppable(config=self._config, server_state=self._state, app_state={}), sock=listener
        )

    async def shut(self) -> None:
        """Refuse connections, and break off those that are there."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        await _finish(self._state)


async def drop(request: Request) -> None:
    """End the connection of a request without an answer, as a crash on the other side would."""
    request.state.transport.abort()
    await gone(request)


async def gone(request: Request) -> None:
    """Until the caller is no longer there. The body must have been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


class _Droppable(HttpToolsProtocol):
    """Lets the application reach its connection, for `drop`."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


async def _finish(state: ServerState) -> None:
    for connection in list(state.connections):
        connection.shutdown()
    if state.tasks:
        _, late = await asyncio.wait(state.tasks, timeout=_GRACE)
        for task in late:
            task.cancel()
    await asyncio.sleep(0)  # connections that were told to close do so now


def _listener(port: int = 0) -> socket.socket:
    """TCP by name: for a socket of protocol 0 asyncio does not turn Nagle off, and each answer takes 40 ms longer."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    return listener
