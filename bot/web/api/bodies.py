"""Bodies have an end: starlette says so in plain text, before any of our handlers is asked."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.core.render import problems
from bot.web.api.problems import MEDIA_TYPE, MOST_BYTES, answer

_TOO_LARGE = 413


class Bounded:
    """The same answer as a problem document, like all others."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        said = False

        async def tell(message: Message) -> None:
            nonlocal said
            if message["type"] == "http.response.start" and _is_too_large(message):
                said = True
                await answer(problems.too_large(MOST_BYTES))(scope, receive, send)
            elif not said:
                await send(message)

        await self._app(scope, receive, tell)


def _is_too_large(start: Message) -> bool:
    return start["status"] == _TOO_LARGE and Headers(raw=start["headers"]).get("content-type") != MEDIA_TYPE
