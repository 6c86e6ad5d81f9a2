"""The second solve of a repository does not set it up again, as long as it would come to the same."""

from __future__ import annotations

from pathlib import Path

from bot.core.model import Status
from tests.stories.world import MAINTAINER, World, a_world, line_up

SET_UP = "date +%N > ~/set-up"  # another each time
TEST = "cat ~/set-up; sh tests/test.sh"


async def set_up_in(world: World) -> str:
    """When the workspace of a new solve was set up, as its tests say."""
    issue = await world.issue()
    await world.label(issue)
    facts = await world.over(issue)
    assert facts.status is Status.COMPLETED, facts.error
    assert facts.baseline is not None
    await world.said(issue, "#")
    return facts.baseline.tail.splitlines()[0]


async def test_the_same_commit_is_set_up_once(tmp_path: Path) -> None:
    files = line_up("fixer", test=TEST, extra=f"setup: ['{SET_UP}']\n")
    async with a_world(tmp_path, files=files) as world:
        first = await set_up_in(world)
        assert await set_up_in(world) == first
        await world.bot.worker.tidy()
        assert len(await world.bot.bot.world.sandboxes.snapshots()) == 1
        await world.repo.commit("main", {"README": b"another"}, "Another", by=MAINTAINER)
        assert await set_up_in(world) != first
        await world.bot.worker.tidy()
        assert len(await world.bot.bot.world.sandboxes.snapshots()) == 1


async def test_a_set_up_that_failed_is_tried_again(tmp_path: Path) -> None:
    files = line_up("fixer", test=TEST, extra=f"setup: ['{SET_UP}', 'false']\n")
    async with a_world(tmp_path, files=files) as world:
        first = await set_up_in(world)
        assert await set_up_in(world) != first
