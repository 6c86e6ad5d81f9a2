"""The status comment while the service for sandboxes is away: on GitHub as the simulator has it, from a real ledger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.core.model import Person, Solve, SolveId, SolveOptions, Status, Trigger, TriggerKind
from bot.core.resilience.circuit_breaker import WELL, Health
from bot.core.text.outgoing import Redactor
from bot.sandbox.resilience import outage_of
from bot.status_comment import StatusBoard
from bot.store.store import opened
from tests.contracts.github_world import World, world

__all__ = ["world"]

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
AWAY = "has not answered since 12:00 UTC on 2026-11-21"


async def test_the_comment_tells_of_an_outage_as_long_as_there_is_one(world: World, sqlite_url: str) -> None:
    issue, there = await world.open_issue()
    trigger = Trigger(TriggerKind.LABEL, "l1", Person("ada", 42), NOON)
    solve = Solve(SolveId("s-1"), issue, "It crashes", "Traceback ...", trigger, SolveOptions(), NOON)
    async with opened(sqlite_url) as store:
        await store.accept(solve)
        board = StatusBoard(world.hub, store, Redactor(), lambda _id: outage_of(store.ledger, ["e2b"]))

        async def said() -> str:
            await board.refresh(solve.id)
            [comment] = there.comments
            return comment.body

        assert AWAY not in await said()
        await store.ledger.change_health("e2b", lambda _: Health(5, NOON, NOON + timedelta(minutes=1)))
        assert AWAY in await said()
        await store.ledger.change_health("e2b", lambda _: WELL)
        assert AWAY not in await said()
        await store.ledger.change_health("e2b", lambda _: Health(9, NOON, NOON + timedelta(minutes=1)))
        await store.ended(solve.id, Status.FAILED, at=NOON, error="It broke.")
        assert AWAY not in await said()


async def test_one_that_answers_is_enough(sqlite_url: str) -> None:
    async with opened(sqlite_url) as store:
        await store.ledger.change_health("e2b", lambda _: Health(5, NOON, NOON + timedelta(minutes=1)))
        assert await outage_of(store.ledger, ["e2b", "e2b:eu"]) is None
        assert await outage_of(store.ledger, ["e2b"]) is not None
        assert await outage_of(store.ledger, []) is None
