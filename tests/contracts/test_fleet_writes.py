"""Several workers write to GitHub: each has a hub and a board of its own, and they share one database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from bot.core.model import IssueRef, Person, Solve, SolveId, SolveOptions, Status, Trigger, TriggerKind
from bot.core.resilience.turns import take
from bot.core.text.outgoing import Redactor
from bot.github.github import Hub
from bot.ports import Unavailable
from bot.status_comment import StatusBoard
from bot.store.store import SqlStore, opened
from tests.contracts.github_world import MARKER, World, world

__all__ = ["world"]

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
WORKERS = 3


def solve_of(issue: IssueRef) -> Solve:
    trigger = Trigger(TriggerKind.LABEL, "l1", Person("ada", 42), NOON)
    return Solve(SolveId("s-1"), issue, "It crashes", "Traceback ...", trigger, SolveOptions(), NOON)


@pytest.fixture
async def stores(database_url: str) -> AsyncIterator[list[SqlStore]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(opened(database_url)) for _ in range(WORKERS)]


def hub_of(world: World, store: SqlStore) -> Hub:
    return Hub(
        world.pool,
        world.identity,
        world.time,
        api_url=world.github.url,
        server_url=world.github.url,
        write_interval=0.0,
        turns=store.turns,
    )


async def test_workers_that_all_find_no_comment_post_one(world: World, stores: list[SqlStore]) -> None:
    issue, there = await world.open_issue()
    solve = solve_of(issue)
    await stores[0].accept(solve)
    boards = [StatusBoard(hub_of(world, store), store, Redactor()) for store in stores]
    await asyncio.gather(*(board.refresh(solve.id) for board in boards))
    assert len(there.comments) == 1
    assert len(world.requests("*/comments", "POST")) == 1


async def test_an_older_text_does_not_win(world: World, stores: list[SqlStore]) -> None:
    """A worker is stopped while its text waits for the turn; meanwhile the solve ends, and has its last word."""
    issue, there = await world.open_issue()
    solve = solve_of(issue)
    await stores[0].accept(solve)
    slow, quick = (StatusBoard(hub_of(world, store), store, Redactor()) for store in stores[:2])
    await quick.refresh(solve.id)
    await stores[0].noted(solve.id, "There is news.")
    async with hub_of(world, stores[2]).turn(issue.repo):
        waiting = asyncio.create_task(slow.refresh(solve.id))
        await asyncio.sleep(0)
        await stores[1].ended(solve.id, Status.FAILED, at=NOON, error="It broke.")
    await quick.refresh(solve.id)
    await waiting
    [comment] = there.comments
    assert "It broke." in comment.body


async def test_what_one_worker_has_said_no_other_says_again(world: World, stores: list[SqlStore]) -> None:
    issue, _ = await world.open_issue()
    solve = solve_of(issue)
    await stores[0].accept(solve)
    for store in stores:
        await StatusBoard(hub_of(world, store), store, Redactor()).refresh(solve.id)
    assert len(world.requests("*/comments*", "POST")) == 1
    assert world.requests("*/comments/*", "PATCH") == []


async def test_writes_of_workers_are_never_at_the_same_time(world: World, stores: list[SqlStore]) -> None:
    issue, there = await world.open_issue()
    await asyncio.gather(
        *(
            hub_of(world, store).say(issue, f"<!-- {number}{each} -->", marker=f"<!-- {number}{each} -->")
            for number, store in enumerate(stores)
            for each in range(3)
        )
    )
    assert len(there.comments) == 3 * WORKERS


async def test_pull_requests_and_comments_are_looked_for_in_the_turn(world: World, stores: list[SqlStore]) -> None:
    issue, there = await world.open_issue()
    await world.push("solvebot/1")
    hubs = [hub_of(world, store) for store in stores]
    opened_pulls = await asyncio.gather(
        *(hub.open_pull(issue, branch="solvebot/1", base="main", title="Fix", body="", draft=False) for hub in hubs)
    )
    assert len({pull.number for pull in opened_pulls}) == 1
    assert len(world.requests("*/pulls", "POST")) == 1
    said = await asyncio.gather(*(hub.say(issue, MARKER, marker=MARKER) for hub in hubs))
    assert len({comment.id for comment in said}) == len(there.comments) == 1


async def test_who_has_lost_the_turn_does_not_write(world: World, stores: list[SqlStore]) -> None:
    """Stopped in the middle of it, for longer than a turn lasts."""
    issue, there = await world.open_issue()
    hub = hub_of(world, stores[0])
    async with hub.turn(issue.repo) as held:
        held._confirmed -= 60  # type: ignore[attr-defined]  # for so long nothing happened here

        def steal(turn, now):  # type: ignore[no-untyped-def]
            return take(type(turn)(), "another", now)

        await stores[1].turns.change(f"github {issue.repo.installation}", steal)
        with pytest.raises(Unavailable):
            await hub.say(issue, MARKER, marker=MARKER)
    assert there.comments == []
