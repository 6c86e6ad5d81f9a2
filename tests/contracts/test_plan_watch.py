"""The watch over what plans allow, on a real ledger."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import structlog

from bot.core.model import SandboxId
from bot.core.resilience.plan_usage import Plan, Quota
from bot.core.resilience.sandbox_leases import Lease, LeaseKey, Operation, Outcome
from bot.ports import Ledger
from bot.sandbox.plan_usage import PlanWatch
from bot.store.store import opened

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Time:
    def __init__(self) -> None:
        self.at = NOON

    def now(self) -> datetime:
        return self.at


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with opened(database_url) as store:
        yield store.ledger


async def borrow(ledger: Ledger, *numbers: int) -> None:
    for number in numbers:
        lease = Lease(LeaseKey(f"k-{number}"), SandboxId(f"s-{number}"), "e2b", NOON, NOON)
        assert await ledger.intend(lease, at_most=99)


def created(minutes: float) -> Operation:
    return Operation("e2b", "create", 1, NOON + timedelta(minutes=minutes), 0.5, Outcome.DONE)


async def test_the_last_hour_and_what_we_have_now(ledger: Ledger) -> None:
    await borrow(ledger, 1, 2)
    await ledger.count([created(-61), created(-59), created(-1)])
    watch = PlanWatch(ledger, Time(), [Plan("e2b", 1.0, 20), Plan("e2b:eu", 0.0, 5)])
    assert await watch.quotas() == [
        Quota("e2b", "machines", 2, 20),
        Quota("e2b", "creations", 2, 3600),
        Quota("e2b:eu", "machines", 0, 5),
    ]


async def test_each_crossing_is_warned_of_once(ledger: Ledger) -> None:
    watch = PlanWatch(ledger, Time(), [Plan("e2b", 1.0, 5)])
    warnings = []
    with structlog.testing.capture_logs() as events:
        for change in (borrow(ledger, 1, 2, 3), borrow(ledger, 4), borrow(ledger, 5), ledger.returned(LeaseKey("k-4"))):
            await change
            await watch.tidy()
            warnings.append(len(events))
        await ledger.returned(LeaseKey("k-5"))
        await watch.tidy()
        await borrow(ledger, 6)
        await watch.tidy()
    assert warnings == [0, 1, 1, 1]
    common = {"event": "sandbox.quota", "log_level": "warning", "provider": "e2b", "quota": "machines"}
    assert events == [{**common, "used": 4, "most": 5, "remaining": 1}] * 2


async def test_requests_are_forgotten_after_an_hour(ledger: Ledger) -> None:
    time = Time()
    await ledger.count([created(0), created(30)])
    watch = PlanWatch(ledger, time, [])
    for minutes, left in ((59, 2), (61, 1), (91, 0)):
        time.at = NOON + timedelta(minutes=minutes)
        await watch.tidy()
        assert len(await ledger.operations(NOON)) == left
