"""What becomes of a branch when nobody wants its pull request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.branch_cleanup import Branches
from bot.simulators.github import SimIssue
from tests.stories.pulls import a_pull
from tests.stories.world import World, a_world


@dataclass(frozen=True, slots=True)
class Later:
    by: timedelta

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


async def nothing(world: World, pull: SimIssue) -> None:
    pass


async def reopens(world: World, pull: SimIssue) -> None:
    await pull.reopen(by="ann")


async def reopens_unheard(world: World, pull: SimIssue) -> None:
    world.github.webhooks.lose(event="pull_request")
    await pull.reopen(by="ann")


async def pushes(world: World, pull: SimIssue) -> None:
    await world.repo.commit(pull.pull.head, {"mine.txt": "mine\n"}, "Mine", by="ann")


async def deletes(world: World, pull: SimIssue) -> None:
    await world.repo.delete_branch(pull.pull.head, by="ann")


@pytest.mark.parametrize(
    ("days", "deed", "kept"),
    [
        (6.9, nothing, True),
        (7.1, nothing, False),
        (7.1, reopens, True),
        (7.1, reopens_unheard, True),
        (7.1, pushes, True),
        (7.1, deletes, False),
        (38, nothing, True),
    ],
)
async def test_a_branch_that_nobody_wants_goes_after_a_week(
    tmp_path: Path, days: float, deed: Callable[[World, SimIssue], Awaitable[None]], kept: bool
) -> None:
    async with a_world(tmp_path) as world:
        store, github = world.bot.bot.world.store, world.bot.bot.world.github
        pull = await a_pull(world.github, world.repo, store)
        await pull.close(by="ann")
        await world.settled()
        await deed(world, pull)
        await world.settled()
        branches = Branches(github, store, Later(timedelta(days=days)))
        await branches.tidy()
        await branches.tidy()
        assert (pull.pull.head in world.repo.branches) is kept


async def test_a_branch_that_we_merged_the_base_into_is_still_ours(tmp_path: Path) -> None:
    async with a_world(tmp_path) as world:
        store, github = world.bot.bot.world.store, world.bot.bot.world.github
        pull = await a_pull(world.github, world.repo, store)
        await world.repo.commit("main", {"notes.txt": "news\n"}, "News")
        await world.comment(pull, "/solve update")
        await world.said(pull, "was merged in")
        await pull.close(by="ann")
        await world.settled()
        await Branches(github, store, Later(timedelta(days=7.1))).tidy()
        assert pull.pull.head not in world.repo.branches
