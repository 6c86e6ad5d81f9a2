"""POST /webhook, as a raw ASGI callable in front of everything else.

Nothing here has an effect above `verify`, and the answer waits for one durable write and nothing more. What the head
alone refuses costs no more than its head: the body is not waited for, and whatever a stranger sends, no traceback is
written. It is not a Starlette route because request and routing objects cost more than the verification (12 to 18 of
54 µs).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.github.check_records import about_commit
from bot.github.signatures import BadSignature, Delivery, Malformed, check_signature, verify
from bot.github.webhook import slim
from bot.ports import Unavailable

PATH = "/webhook"
MAX_BODY = 25 * 1024 * 1024  # bytes; GitHub sends nothing larger
SMALL = 256 * 1024  # bytes; nearly all of its bodies are smaller
MAX_DIGITS = 8  # of MAX_BODY; GitHub writes no leading zeros

log: structlog.stdlib.BoundLogger = structlog.get_logger()


class Puts(Protocol):
    """The putting side of the inbox."""

    async def put(self, guid: str, event: str, record: bytes) -> None: ...


class Heads(Protocol):
    """Commits of ours, in memory."""

    def is_ours(self, commit: str, guid: str, event: str, record: bytes) -> bool: ...


class NoHeads:
    """Where no checks are looked at."""

    def is_ours(self, commit: str, guid: str, event: str, record: bytes) -> bool:
        return False


class _Answer(NamedTuple):
    status: int
    start: Message
    body: Message


def _answer(status: int, text: str, *headers: tuple[bytes, bytes]) -> _Answer:
    body = f"{text}\n".encode()
    fixed = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    return _Answer(
        status,
        {"type": "http.response.start", "status": status, "headers": [*fixed, *headers]},
        {"type": "http.response.body", "body": body},
    )


_ACCEPTED = _answer(202, "accepted")
_NOT_OURS = _answer(202, "nothing for us in it")
_NOT_POST = _answer(405, "webhooks are sent with POST", (b"allow", b"POST"))
_NOT_JSON = _answer(415, "set the webhook's content type to application/json")
_TOO_LARGE = _answer(413, "GitHub sends at most 25 MB", (b"connection", b"close"))
_TOO_MANY = _answer(503, "too many large bodies at once", (b"retry-after", b"60"), (b"connection", b"close"))
_NOT_STORED = _answer(503, "the inbox cannot be written just now", (b"retry-after", b"60"))
_UNREADABLE = _answer(400, "this cannot be read", (b"connection", b"close"))
_BROKEN = _answer(500, "something broke on our side; the log says what")
_NEEDED = (b"x-github-event", b"x-github-delivery")


class _TooLarge(Exception):
    pass


class _TooMany(Exception):
    pass


class _Disconnected(Exception):
    """The client went away before its body was complete: there is nobody to answer."""


class Receiver:
    """The application's outermost layer: answers `PATH`, and passes all else on to `behind`."""

    def __init__(
        self,
        secrets: Sequence[bytes],
        inbox: Puts,
        behind: ASGIApp,
        *,
        heads: Heads | None = None,
        most_held: int = 4 * MAX_BODY,
    ) -> None:
        """`most_held`: bytes of large bodies in memory at once, because nobody knows yet who sends them.

        Raises `ValueError` without secrets, or with an empty one: then anybody could sign.
        """
        if not secrets or not all(secrets):
            raise ValueError("a webhook secret is needed, and none may be empty")
        self._secrets = tuple(secrets)
        self._inbox = inbox
        self._behind = behind
        self._heads = heads or NoHeads()
        self._most_held = most_held
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            return await self._behind(scope, receive, send)
        try:
            answer = await self._receive(scope, receive)
        except _Disconnected:
            return None
        await send(answer.start)
        await send(answer.body)
        return None

    async def _receive(self, scope: Scope, receive: Receive) -> _Answer:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        refusal = _refused_by_head(scope["method"], headers)
        if refusal is not None:
            return refusal if _is_small(headers) else _closing(refusal)
        delivery = await self._verified(headers, receive)
        if not isinstance(delivery, Delivery):
            return delivery
        try:
            return await self._keep(delivery)
        except Exception:  # the edge: whatever it was, GitHub must see a failure and be able to deliver again
            log.exception("webhook.broke", delivery=delivery.guid)
            return _BROKEN

    async def _verified(self, headers: dict[bytes, bytes], receive: Receive) -> Delivery | _Answer:
        try:
            return verify(self._secrets, headers, await self._read(receive, headers))
        except _TooLarge:
            return _TOO_LARGE
        except _TooMany:
            log.error("webhook.too_many_bodies", bytes=self._held)
            return _TOO_MANY
        except BadSignature as bad:
            return _refused(401, bad.why)
        except Malformed as bad:
            return _refused(400, bad.why)
        except _Disconnected:
            raise
        except Exception as error:  # of a stranger, who gets no page of the log for it
            log.warning("webhook.refused", status=_UNREADABLE.status, why=type(error).__name__)
            return _UNREADABLE

    async def _keep(self, delivery: Delivery) -> _Answer:
        record = slim(delivery)
        if record is None:
            return _NOT_OURS
        commit = about_commit(delivery.event, record)
        if commit is not None and not self._heads.is_ours(commit, delivery.guid, delivery.event, record):
            return _NOT_OURS
        try:
            await self._inbox.put(delivery.guid, delivery.event, record)
        except Unavailable as error:
            log.error("webhook.not_stored", delivery=delivery.guid, problem=str(error))
            return _NOT_STORED
        return _ACCEPTED

    async def _read(self, receive: Receive, headers: dict[bytes, bytes]) -> bytes:
        """The body. The limits hold while reading: a length that was announced is only a reason to refuse earlier."""
        if _announced(headers) > MAX_BODY:
            raise _TooLarge
        parts: list[bytes] = []
        size = held = 0
        try:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _Disconnected
                part: bytes = message.get("body", b"")
                size += len(part)
                if size > MAX_BODY:
                    raise _TooLarge
                if size > SMALL:
                    held += len(part)
                    self._held += len(part)
                    if self._held > self._most_held:
                        raise _TooMany
                parts.append(part)
                if not message.get("more_body", False):
                    return parts[0] if len(parts) == 1 else b"".join(parts)
        finally:
            self._held -= held


def _refused_by_head(method: str, headers: Mapping[bytes, bytes]) -> _Answer | None:
    if method != "POST":
        return _NOT_POST
    if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != b"application/json":
        return _NOT_JSON
    for name in _NEEDED:
        if name not in headers:
            return _refused(400, f"{name.decode()} is missing")
    try:
        check_signature(headers)
    except BadSignature as bad:
        return _refused(401, bad.why)
    return None


def _announced(headers: Mapping[bytes, bytes]) -> int:
    """The length of the body, as far as its sender says; what is no length of ours is more than any."""
    digits = headers.get(b"content-length", b"0")
    return int(digits) if digits.isdigit() and len(digits) <= MAX_DIGITS else MAX_BODY + 1


def _is_small(headers: Mapping[bytes, bytes]) -> bool:
    """Does a body follow that may be let through unseen, so that the answer arrives?"""
    return b"transfer-encoding" not in headers and _announced(headers) <= SMALL


def _closing(answer: _Answer) -> _Answer:
    start = {**answer.start, "headers": [*answer.start["headers"], (b"connection", b"close")]}
    return answer._replace(start=start)


def _refused(status: int, why: str) -> _Answer:
    log.warning("webhook.refused", status=status, why=why)
    return _answer(status, why)
