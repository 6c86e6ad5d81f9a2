"""Users of a sandbox, and where what they call a path lies."""

from __future__ import annotations

import base64
import binascii
import posixpath

from bot.simulators.e2b.calls import Call
from bot.simulators.e2b.connect import refuse

HOMES = {"user": "/home/user", "root": "/root"}


def caller(call: Call) -> str:
    """Named by Basic authentication without a password. Raises `Refusal`."""
    scheme, _, encoded = call.request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return "user"
    try:
        name = base64.b64decode(encoded, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError) as error:
        raise refuse("unauthenticated", "invalid Authorization header") from error
    return known(name)


def known(name: str) -> str:
    if name not in HOMES:
        raise refuse("unauthenticated", f"error looking up user '{name}': user: unknown user {name}")
    return name


def resolve(path: str, user: str) -> str:
    """Absolute; "~" and relative paths are in the user's home."""
    home = HOMES[user]
    if path == "~" or path.startswith("~/"):
        path = home + path[1:]
    return posixpath.normpath(posixpath.join(home, path))
