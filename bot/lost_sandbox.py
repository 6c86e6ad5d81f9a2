"""What is begun anew when the sandbox goes away under it, as one in a hundred does where they are lent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from bot.ports import SandboxLost

T = TypeVar("T")

MOST_LOST = 3  # in a row; then it is what runs in them

log = structlog.get_logger()


async def again_when_lost(what: str, attempt: Callable[[int], Awaitable[T]]) -> T:
    """`attempt` gets the number of sandboxes lost so far, and is responsible for a new one. Raises `SandboxLost`."""
    for lost in range(MOST_LOST - 1):
        try:
            return await attempt(lost)
        except SandboxLost as error:
            log.warning("sandbox.lost", during=what, times=lost + 1, reason=str(error))
    return await attempt(MOST_LOST - 1)
