"""An application that is loaded when somebody first asks for it: until then it costs neither time nor memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.types import ASGIApp, Receive, Scope, Send

Open = Callable[[], Awaitable[ASGIApp]]


class Later:
    """Who asks while it is being opened waits for it. What could not be opened is tried again by the next one."""

    def __init__(self, open: Open) -> None:
        self._open = open
        self._opening = asyncio.Lock()
        self._app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await self._opened())(scope, receive, send)

    async def _opened(self) -> ASGIApp:
        async with self._opening:
            if self._app is None:
                self._app = await self._open()
            return self._app
