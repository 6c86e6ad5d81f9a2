"""What a sandbox costs: made from a snapshot, one command run in it, and gone; beside a shell without any walls."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bot.adapters import local_sandboxes
from bot.core.model import SandboxId, SnapshotId
from bot.ports import Sandboxes
from bot.settings import Settings
from tests.stories.world import isolated_where_possible

PREPARED, SOURCE, ROOM = SnapshotId("prepared"), SandboxId("source"), SandboxId("room")
FILL = "for d in $(seq 10); do mkdir $d; for f in $(seq 20); do echo $f > $d/$f; done; done"
_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Result:
    """Medians, in seconds; the ratio is the median of the pairs'."""

    isolated: bool
    create: float
    run: float
    shell: float
    ratio: float


async def measure(pairs: int) -> Result:
    with tempfile.TemporaryDirectory(prefix="solvebot-bench-") as name:
        Path(name).chmod(0o755)
        settings = await isolated_where_possible(Settings(data=Path(name)).with_found_bubblewrap())
        boxes = local_sandboxes(settings)
        await boxes.check()
        await boxes.create(SOURCE)
        await boxes.run(SOURCE, FILL, timeout=_SECONDS)
        await boxes.snapshot(SOURCE, PREPARED)
        shells, creates, runs = [], [], []
        for _ in range(pairs):
            shells.append(await _shell())
            creates.append(await _create(boxes))
            runs.append(await _run(boxes))
        for id in (SOURCE, ROOM):
            await boxes.close(id)
        await boxes.drop_snapshot(PREPARED)
    ratio = median((create + run) / shell for create, run, shell in zip(creates, runs, shells, strict=True))
    isolated = not settings.run_untrusted_code_without_isolation
    return Result(isolated, median(creates), median(runs), median(shells), ratio)


async def _create(boxes: Sandboxes) -> float:
    started = time.perf_counter()
    await boxes.create(ROOM, snapshot=PREPARED)
    return time.perf_counter() - started


async def _run(boxes: Sandboxes) -> float:
    started = time.perf_counter()
    assert (await boxes.run(ROOM, "true", timeout=_SECONDS)).exit_code == 0
    return time.perf_counter() - started


async def _shell() -> float:
    started = time.perf_counter()
    shell = await asyncio.create_subprocess_exec("bash", "-c", "true")
    assert await shell.wait() == 0
    return time.perf_counter() - started
