"""Many solves at once in one process: all of them end as if each had been alone, and nothing is left over."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot.core.model import Status
from tests.benchmarks.scripts import FILES, Gate
from tests.stories.world import LOOK, MAINTAINER, a_world

RUNS = 3  # of each solve
LONG = 240.0  # seconds; a busy machine takes its time over 60 runs


@pytest.fixture
def directory() -> Iterator[Path]:
    with TemporaryDirectory(prefix="solvebot-scale-") as name:
        Path(name).chmod(0o755)  # sandboxes run as other users
        yield Path(name)


@pytest.mark.timeout(2 * LONG)
@pytest.mark.parametrize("solves", [8, pytest.param(20, marks=pytest.mark.long)])
async def test_many_solves_at_once_all_end_with_one_pull_request_each(directory: Path, solves: int) -> None:
    gate = Gate()
    async with a_world(directory, scripts=gate.scripts(), files=FILES, worker_runs=solves * RUNS) as world:
        world.unread_is_fine = True
        issues = [await world.repo.open_issue(f"No name, no greeting, number {n}", by="sam") for n in range(solves)]
        for issue in issues:
            await issue.label("solve-me", by=MAINTAINER)
        async with asyncio.timeout(LONG):
            while world.models.under_way < solves * RUNS:  # noqa: ASYNC110 - all runs are alive together
                await asyncio.sleep(LOOK)
            gate.open()
            while await world.bot.bot.engine.active():  # noqa: ASYNC110
                await asyncio.sleep(LOOK)

        facts = [await world.facts(issue) for issue in issues]
        assert [solve.status for solve in facts if solve] == [Status.COMPLETED] * solves
        assert all(len(solve.runs) == RUNS for solve in facts if solve)
        fixed = [re.findall(r"Fixes #\d+", pull.state.body or "") for pull in world.repo.pulls]
        assert sorted(fixed) == sorted([f"Fixes #{issue.number}"] for issue in issues)
        for issue in issues:
            assert len(issue.bot_comments) == 1
            assert [reaction.content for reaction in issue.reactions] == ["eyes", "rocket"]
