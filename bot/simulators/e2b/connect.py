"""The Connect protocol over JSON, as far as envd speaks it: messages in frames, errors by name."""

from __future__ import annotations

import base64
import errno
import json
from collections.abc import Mapping
from typing import Any

from bot.simulators.e2b.calls import Call, Fields, Refusal
from bot.simulators.e2b.machine import GuestError

STREAM = "application/connect+json"
_END = 2  # flag of the last frame
_STATUS = {
    "invalid_argument": 400,
    "unauthenticated": 401,
    "permission_denied": 403,
    "not_found": 404,
    "already_exists": 409,
    "resource_exhausted": 429,
    "internal": 500,
    "unimplemented": 501,
    "unavailable": 503,
    "deadline_exceeded": 504,
}
_CODES = {
    errno.ENOENT: "not_found",
    errno.ESRCH: "not_found",
    errno.EEXIST: "already_exists",
    errno.EACCES: "permission_denied",
    errno.EPERM: "permission_denied",
    errno.ENOSPC: "resource_exhausted",
    errno.EISDIR: "invalid_argument",
    errno.ENOTDIR: "invalid_argument",
    errno.ENODEV: "invalid_argument",
    errno.ENXIO: "invalid_argument",
    errno.EINVAL: "invalid_argument",
    errno.ELOOP: "invalid_argument",
    errno.ENAMETOOLONG: "invalid_argument",
}


def refuse(code: str, message: str) -> Refusal:
    return Refusal(_STATUS[code], message, code)


def translated(error: GuestError, what: str) -> Refusal:
    return refuse(_CODES.get(error.number, "internal"), f"{what}: {error}")


def frame(message: Mapping[str, Any], *, flags: int = 0) -> bytes:
    body = json.dumps(message, separators=(",", ":")).encode()
    return bytes((flags,)) + len(body).to_bytes(4, "big") + body


def end_frame(code: str = "", message: str = "") -> bytes:
    return frame({"error": {"code": code, "message": message}} if code else {}, flags=_END)


def read_message(call: Call, *known: str) -> Fields:
    """The only one of a unary call, or the first frame of a stream."""
    streamed = call.request.headers.get("content-type", "") == STREAM
    if streamed:
        if len(call.body) < 5 or call.body[0] != 0:
            raise refuse("invalid_argument", "protocol error: incomplete envelope")
        call.body = call.body[5 : 5 + int.from_bytes(call.body[1:5], "big")]
    elif call.request.headers.get("content-type", "") != "application/json":
        raise Refusal(415, "unsupported media type")
    return call.fields(*known)


def chunk(stream: str, data: bytes) -> bytes:
    return frame({"event": {"data": {stream: base64.b64encode(data).decode()}}})


def deadline(call: Call) -> float | None:
    """Seconds until the caller has had enough; None: never."""
    milliseconds = call.request.headers.get("connect-timeout-ms")
    return int(milliseconds) / 1000 if milliseconds else None
