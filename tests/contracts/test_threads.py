"""What is done in threads, when nobody waits for it any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bot.sandbox.local.threads import end, in_thread, to_the_end


async def test_work_is_done_before_its_cancellation_is_heard() -> None:
    begun, go, done = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        go.wait(20)
        done.set()

    task = asyncio.create_task(to_the_end(asyncio.to_thread(work)))
    await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done.is_set()


async def test_what_was_entered_is_left_also_when_nobody_waits_for_it() -> None:
    begun, go, left = threading.Event(), threading.Event(), threading.Event()

    @contextmanager
    def scope() -> Iterator[None]:
        begun.set()
        go.wait(20)
        yield
        left.set()

    async def use() -> None:
        async with in_thread(scope()):
            await asyncio.Event().wait()

    task = asyncio.create_task(use())
    await asyncio.to_thread(begun.wait, 20)
    task.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert left.is_set()


async def test_all_are_ended_also_those_that_the_ended_begin() -> None:
    tasks: set[asyncio.Task[None]] = set()

    async def rest() -> None:
        await asyncio.Event().wait()

    async def begin_another() -> None:
        try:
            await rest()
        finally:
            tasks.add(asyncio.create_task(rest()))

    first = asyncio.create_task(begin_another())
    tasks.add(first)
    for task in (first,):
        task.add_done_callback(tasks.discard)
    await asyncio.sleep(0)
    watching = asyncio.create_task(end(tasks))
    await asyncio.wait({first})
    for task in list(tasks):
        task.add_done_callback(tasks.discard)
    async with asyncio.timeout(20):
        await watching
    assert tasks == set()
