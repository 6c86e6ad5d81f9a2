"""ETags for what is asked: who has the same already is told so. Nothing is kept by others on the way."""

from __future__ import annotations

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_NOT_THEIRS = (b"content-length", b"content-type")  # of the body that is not sent


class Tagged:
    """Answers 304 where `If-None-Match` names what would be sent. Streams are let through as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        answer = _Answer(Headers(scope=scope).get("if-none-match", ""), send)
        await self._app(scope, receive, answer.send)


class _Answer:
    def __init__(self, known: str, send: Send) -> None:
        self._known = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        self._send = send
        self._start: Message | None = None

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message["headers"])
            headers.setdefault("Cache-Control", "private, no-cache")
            if message["status"] == 200 and headers.get("content-type", "").startswith("application/json"):
                self._start = message
                return
        elif self._start is not None:
            message = await self._begin(self._start, message)
        await self._send(message)

    async def _begin(self, start: Message, message: Message) -> Message:
        """Such answers come in one piece."""
        self._start = None
        tag = f'"{hashlib.sha256(message.get("body", b"")).hexdigest()[:32]}"'
        MutableHeaders(raw=start["headers"])["ETag"] = tag
        if tag not in self._known:
            await self._send(start)
            return message
        kept = [(name, value) for name, value in start["headers"] if name.lower() not in _NOT_THEIRS]
        await self._send({**start, "status": 304, "headers": kept})
        return {**message, "body": b"", "more_body": False}
