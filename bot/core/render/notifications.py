"""Why the operator's own address was not told of something, for the operator."""

from __future__ import annotations


def answered(status: int) -> str:
    return f"It answered {status}; any of 200 to 299 says that it was taken."


def private_address(host: str) -> str:
    return f"{host} is in a private network. NOTIFY_PRIVATE=true allows that."


def unreachable(kind: str) -> str:
    return f"It cannot be reached: {kind}."
