"""However many solves are under way, only so many commands run at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.core.model import SandboxId
from bot.sandbox.local.process import ProcessOptions, ProcessSandboxes
from tests.contracts.local_sandboxes import public_directory

PLACES = 2
WORK = "date +%s%N; sleep 0.2; date +%s%N"


@pytest.fixture
def directory() -> Iterator[Path]:
    with public_directory() as path:
        yield path


async def test_more_than_there_are_places_for_wait_for_their_turn(directory: Path) -> None:
    sandboxes = ProcessSandboxes(ProcessOptions(directory, at_once=PLACES))
    ids = [SandboxId(f"s-{number}") for number in range(6)]
    for id in ids:
        await sandboxes.create(id)
    done = await asyncio.gather(*(sandboxes.run(id, WORK, timeout=20) for id in ids))
    spans = [(int(start), int(end)) for start, end in (finished.output.split() for finished in done)]
    at_once = [sum(start <= moment < end for start, end in spans) for moment, _ in spans]
    assert max(at_once) == PLACES
    for id in ids:
        await sandboxes.close(id)


async def test_waiting_counts_against_no_timeout_and_can_be_cancelled(directory: Path) -> None:
    sandboxes = ProcessSandboxes(ProcessOptions(directory, at_once=1))
    first, second, third = (SandboxId(name) for name in ("first", "second", "third"))
    for id in (first, second, third):
        await sandboxes.create(id)
    busy = asyncio.create_task(sandboxes.run(first, "sleep 2", timeout=20))
    waiting = asyncio.create_task(sandboxes.run(second, "sleep 0.1", timeout=1.5))
    leaving = asyncio.create_task(sandboxes.run(third, "touch it-ran", timeout=20))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert not busy.done()
    finished = await waiting
    assert busy.done()
    assert (finished.exit_code, finished.timed_out) == (0, False)
    assert await sandboxes.read(third, "/workspace/it-ran", limit=1) is None
    for id in (first, second, third):
        await sandboxes.close(id)
