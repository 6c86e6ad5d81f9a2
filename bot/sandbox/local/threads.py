"""What blocks, for an event loop that must not; and what ends when nobody waits for it any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import AbstractContextManager, asynccontextmanager
from typing import TypeVar

T = TypeVar("T")


@asynccontextmanager
async def in_thread(scope: AbstractContextManager[T]) -> AsyncIterator[T]:
    """Enter and leave it in a thread. What was entered is left, also when nobody waits for it any more."""
    entering = asyncio.create_task(asyncio.to_thread(scope.__enter__))
    try:
        yield await asyncio.shield(entering)
    finally:
        await asyncio.shield(_leave(entering, scope))


async def _leave(entering: asyncio.Task[T], scope: AbstractContextManager[T]) -> None:
    await asyncio.wait({entering})
    if entering.exception() is None:
        await asyncio.to_thread(scope.__exit__, None, None, None)


async def to_the_end(work: Coroutine[None, None, T]) -> T:
    """Done also when nobody waits for it any more, who hears of that when it is done."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def end(tasks: Collection[asyncio.Task[None]]) -> None:
    """All of them, also those that the others begin meanwhile."""
    while tasks:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
