"""Deliveries that are read from the App's list: each comes once, in its order, whatever happens in between."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.inbox import Inbox, open_inbox
from bot.polling import Polling
from bot.ports import Unavailable
from bot.simulators.github import SimIssue
from bot.store.migrate import migrate
from tests.contracts.github_world import World, world

__all__ = ["world"]

NOBODY = "http://127.0.0.1:9/webhook"


@dataclass
class Laptop:
    """GitHub's webhooks do not reach it."""

    world: World
    issue: SimIssue
    inbox: Inbox
    polling: Polling

    async def labelled(self, name: str = "solve-me") -> None:
        await self.issue.label(name, by="ann")
        await self.world.github.delivered()

    async def actions(self) -> list[str]:
        return [f"{row.event}.{row.record.get('action')}" for row in await self.inbox.waiting(1000)]

    async def handed(self) -> list[int]:
        """What waits is taken; returns how often each was before."""
        rows = await self.inbox.waiting(1000)
        await self.inbox.handed([row.guid for row in rows])
        return [row.attempt for row in rows]

    def started_again(self) -> Polling:
        return Polling(self.world.hub, self.inbox, self.world.time)


@pytest.fixture
async def laptop(tmp_path: Path, world: World) -> AsyncIterator[Laptop]:
    url = f"sqlite:///{tmp_path}/bot.sqlite"
    migrate(url)
    _, issue = await world.open_issue()
    world.github.webhooks.url = NOBODY
    inbox = await open_inbox(url, world.time)
    yield Laptop(world, issue, inbox, Polling(world.hub, inbox, world.time))
    await inbox.close()


async def test_what_nobody_took_is_taken_once_and_in_order(laptop: Laptop) -> None:
    await laptop.labelled("bug")
    await laptop.labelled()
    await laptop.polling.look()
    assert await laptop.actions() == ["issues.labeled", "issues.labeled"]
    assert await laptop.handed() == [0, 0]
    await laptop.polling.look()
    assert await laptop.actions() == []
    await laptop.issue.comment("/solve", by="ann")
    await laptop.issue.comment("well, well", by="ann")
    await laptop.world.github.delivered()
    await laptop.polling.look()
    assert await laptop.actions() == ["issue_comment.created"]


async def test_a_bot_that_was_away_takes_what_it_missed_and_nothing_twice(laptop: Laptop) -> None:
    await laptop.labelled("bug")
    await laptop.polling.look()
    await laptop.handed()
    await laptop.labelled()
    laptop.world.time.goes_on(hours=30)
    again = laptop.started_again()
    await again.look()
    assert await laptop.actions() == ["issues.labeled"]
    assert await laptop.handed() == [0]
    await again.look()
    assert await laptop.actions() == []


async def test_a_redelivery_is_another_try(laptop: Laptop) -> None:
    await laptop.labelled()
    await laptop.polling.look()
    await laptop.handed()
    laptop.world.github.webhooks.redeliver(laptop.world.github.webhooks.deliveries[-1])
    await laptop.world.github.delivered()
    await laptop.polling.look()
    await laptop.polling.look()
    assert await laptop.handed() == [1]


async def test_hundreds_of_deliveries_are_read_page_by_page(laptop: Laptop) -> None:
    for number in range(130):
        await laptop.issue.label(f"label {number}", by="ann")
    await laptop.world.github.delivered()
    await laptop.polling.look()
    assert len(await laptop.handed()) == 130


async def test_what_fails_in_the_middle_is_taken_at_the_next_look(laptop: Laptop) -> None:
    await laptop.labelled("bug")
    await laptop.labelled()
    second = laptop.world.github.webhooks.deliveries[-1].id
    laptop.world.github.faults.add("GET", f"/app/hook/deliveries/{second}", status=502, times=10)
    with pytest.raises(Unavailable):
        await laptop.polling.look()
    assert await laptop.handed() == [0]
    laptop.world.github.faults.clear()
    await laptop.polling.look()
    assert await laptop.handed() == [0]


async def test_what_github_no_longer_has_is_left_out(laptop: Laptop) -> None:
    await laptop.labelled("bug")
    await laptop.labelled()
    first = laptop.world.github.webhooks.deliveries[-2].id
    laptop.world.github.faults.add("GET", f"/app/hook/deliveries/{first}", status=404, times=10)
    await laptop.polling.look()
    assert await laptop.handed() == [0]
