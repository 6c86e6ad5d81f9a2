"""The ledger of lent sandboxes on both databases: nothing is lent twice, lost or forgotten, whoever asks at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.model import SandboxId, SnapshotId
from bot.core.resilience.circuit_breaker import WELL, Health
from bot.core.resilience.sandbox_leases import (
    WARM,
    Image,
    ImageId,
    Lease,
    LeaseKey,
    MachineId,
    Operation,
    Outcome,
    Used,
)
from bot.ports import Gone, Ledger, Rejected
from bot.store.database import open_database
from bot.store.ledger import SqlLedger

pytestmark = pytest.mark.usefixtures("every_plan_is_checked")

NOON = datetime(2026, 11, 20, 12, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def lease(number: int = 1, *, provider: str = "e2b") -> Lease:
    key, sandbox = LeaseKey(f"k-{number}"), SandboxId(f"s-{number}")
    return Lease(key, sandbox, provider, NOON, NOON + timedelta(minutes=30), image=ImageId("image-1"))


LEASE = lease()
IMAGE = Image(SnapshotId("prepared-s-1"), "e2b", ImageId("image-1"), NOON)


@pytest.fixture
async def ledgers(database_url: str) -> AsyncIterator[list[Ledger]]:
    """Two workers', on the same database."""
    databases = [open_database(database_url) for _ in range(2)]
    yield [SqlLedger(database) for database in databases]
    for database in databases:
        await database.close()


@pytest.fixture
def ledger(ledgers: list[Ledger]) -> Ledger:
    return ledgers[0]


# ----------------------------------------------------------------------------------------------------------- Machines


async def test_a_lease_from_its_beginning_to_its_end(ledger: Ledger) -> None:
    assert await ledger.lease(LEASE.sandbox) is None
    assert await ledger.intend(LEASE, at_most=1)
    assert await ledger.lease(LEASE.sandbox) == LEASE
    later = NOON + timedelta(hours=1)
    await ledger.lent(LEASE.key, MachineId("m-1"))
    await ledger.networked(LEASE.key, True)
    await ledger.extended(LEASE.key, later)
    held = replace(LEASE, machine=MachineId("m-1"), networked=True, expires_at=later)
    assert await ledger.lease(LEASE.sandbox) == held
    await ledger.networked(LEASE.key, False)
    assert await ledger.leases() == [replace(held, networked=False)]
    for _ in range(2):
        await ledger.returned(LEASE.key)
    assert await ledger.leases() == []


async def test_no_more_leases_than_a_provider_lends(ledger: Ledger) -> None:
    assert await ledger.intend(lease(1), at_most=2)
    assert await ledger.intend(lease(2), at_most=2)
    assert not await ledger.intend(lease(3), at_most=2)
    assert await ledger.intend(lease(4, provider="other"), at_most=2)
    assert await ledger.intend(lease(1), at_most=2), "said again after a crash"
    assert [found.key for found in await ledger.leases()] == ["k-1", "k-2", "k-4"]
    await ledger.returned(LeaseKey("k-1"))
    assert await ledger.intend(lease(3), at_most=2)


async def test_the_last_machines_go_to_as_many_as_there_are(ledgers: list[Ledger]) -> None:
    asked = (ledgers[number % 2].intend(lease(number), at_most=5) for number in range(20))
    assert sum(await asyncio.gather(*asked)) == 5
    assert len(await ledgers[0].leases()) == 5


async def test_a_sandbox_has_one_lease(ledger: Ledger) -> None:
    assert await ledger.intend(LEASE, at_most=9)
    with pytest.raises(Rejected):
        await ledger.intend(replace(lease(2), sandbox=LEASE.sandbox), at_most=9)
    assert await ledger.leases() == [LEASE]


async def test_a_lease_that_is_over_is_not_changed(ledger: Ledger) -> None:
    await ledger.intend(LEASE, at_most=1)
    await ledger.returned(LEASE.key)
    await ledger.extended(LEASE.key, NOON)
    for told in (ledger.lent(LEASE.key, MachineId("m-1")), ledger.networked(LEASE.key, True)):
        with pytest.raises(Gone, match="k-1"):
            await told
    assert await ledger.leases() == []


async def test_a_warm_machine_gets_one_owner(ledgers: list[Ledger]) -> None:
    warm = replace(LEASE, sandbox=SandboxId(f"{WARM}1"))
    await ledgers[0].intend(warm, at_most=1)
    owners = [SandboxId(f"s-{number}") for number in range(6)]
    took = await asyncio.gather(*(ledgers[n % 2].hand_over(LEASE.key, owner) for n, owner in enumerate(owners)))
    [owner] = [owner for owner, taken in zip(owners, took, strict=True) if taken]
    found = await ledgers[0].lease(owner)
    assert found == replace(warm, sandbox=owner)
    assert (warm.is_warm, found.is_warm) == (True, False)
    assert await ledgers[0].hand_over(LEASE.key, owner), "said again after a crash"
    await ledgers[0].returned(LEASE.key)
    assert not await ledgers[0].hand_over(LEASE.key, owner), "it is gone"


# ---------------------------------------------------------------------------------------------------------- Snapshots


async def test_an_image_is_kept_under_its_name(ledger: Ledger) -> None:
    newer = replace(IMAGE, image=ImageId("image-2"), taken_at=NOON + SECOND)
    assert await ledger.image(IMAGE.name) is None
    assert await ledger.saved(IMAGE) is None
    assert await ledger.saved(IMAGE) is None, "its own image would be deleted"
    assert await ledger.saved(newer) == IMAGE
    assert await ledger.image(IMAGE.name) == newer
    other = replace(IMAGE, name=SnapshotId("other"))
    await ledger.saved(other)
    assert await ledger.images() == [other, newer]
    for _ in range(2):
        await ledger.deleted(IMAGE.name)
    assert await ledger.images() == [other]


async def test_all_who_share_a_database_are_one_instance(ledgers: list[Ledger]) -> None:
    names = set(await asyncio.gather(*(ledgers[n % 2].instance() for n in range(6))))
    assert len(names) == 1
    assert names.pop().isalnum()


async def test_a_slot_that_a_wrong_clock_has_taken_is_given_again(ledger: Ledger) -> None:
    await ledger.next_slot("e2b", NOON + timedelta(hours=1), every=1.0)
    assert await ledger.next_slot("e2b", NOON, every=1.0) == NOON


async def test_an_image_goes_with_its_last_name(ledger: Ledger) -> None:
    another = SnapshotId("another")
    assert not await ledger.named(IMAGE.name, another)
    await ledger.saved(IMAGE)
    for _ in range(2):
        assert await ledger.named(IMAGE.name, another)
    assert await ledger.image(another) == replace(IMAGE, name=another)
    assert await ledger.saved(replace(IMAGE, image=ImageId("image-2"))) is None, "the other name still needs it"
    assert await ledger.deleted(another) == replace(IMAGE, name=another)
    assert await ledger.deleted(another) is None
    assert await ledger.deleted(IMAGE.name) == replace(IMAGE, image=ImageId("image-2"))


async def test_of_names_that_go_at_once_one_is_the_last(ledgers: list[Ledger]) -> None:
    names = [SnapshotId(f"name-{number}") for number in range(8)]
    await ledgers[0].saved(replace(IMAGE, name=names[0]))
    for name in names[1:]:
        await ledgers[0].named(names[0], name)
    gone = await asyncio.gather(*(ledgers[n % 2].deleted(name) for n, name in enumerate(names)))
    assert [image.image for image in gone if image] == [IMAGE.image]


async def test_of_images_saved_at_once_all_but_one_are_to_be_deleted(ledgers: list[Ledger]) -> None:
    images = [replace(IMAGE, image=ImageId(f"image-{number}")) for number in range(8)]
    replaced = await asyncio.gather(*(ledgers[n % 2].saved(image) for n, image in enumerate(images)))
    kept = await ledgers[0].image(IMAGE.name)
    assert kept is not None
    to_delete = [image.image for image in replaced if image is not None]
    assert sorted([kept.image, *to_delete]) == [image.image for image in images]


# ---------------------------------------------------------------------------------------------- How a provider does


async def test_health_is_shared_and_kept(ledgers: list[Ledger]) -> None:
    ill = Health(5, NOON, NOON + timedelta(minutes=1), probing=True)
    assert await ledgers[0].health("e2b") == WELL
    assert await ledgers[0].change_health("e2b", lambda _: ill) == ill
    assert await ledgers[1].health("e2b") == ill
    assert await ledgers[1].health("other") == WELL
    assert await ledgers[1].change_health("e2b", lambda found: found) == ill
    assert await ledgers[1].change_health("e2b", lambda _: WELL) == WELL
    assert await ledgers[0].health("e2b") == WELL


async def test_no_change_of_health_is_lost(ledgers: list[Ledger]) -> None:
    def one_more(health: Health) -> Health:
        return replace(health, failures=health.failures + 1)

    told = [ledgers[number % 2].change_health("e2b", one_more) for number in range(40)]
    seen = await asyncio.gather(*told)
    assert sorted(health.failures for health in seen) == list(range(1, 41))


async def test_slots_follow_each_other(ledger: Ledger) -> None:
    assert await ledger.next_slot("e2b", NOON, every=0.5) == NOON
    assert await ledger.next_slot("e2b", NOON, every=0.5) == NOON + SECOND / 2
    assert await ledger.next_slot("other", NOON, every=0.5) == NOON
    assert await ledger.next_slot("e2b", NOON + 9 * SECOND, every=0.5) == NOON + 9 * SECOND
    assert await ledger.next_slot("e2b", NOON, every=2.0) == NOON + 11 * SECOND
    assert await ledger.health("e2b") == WELL


async def test_a_slot_is_given_once(ledgers: list[Ledger]) -> None:
    slots = await asyncio.gather(*(ledgers[n % 2].next_slot("e2b", NOON, every=1.0) for n in range(30)))
    assert sorted(slots) == [NOON + n * SECOND for n in range(30)]


# -------------------------------------------------------------------------------------------------------- The account


def operation(second: int, name: str = "execute", outcome: Outcome = Outcome.DONE, seconds: float = 0.25) -> Operation:
    return Operation("e2b", name, 2, NOON + second * SECOND, seconds, outcome, "m-1")


async def test_operations_come_back_and_are_forgotten(ledger: Ledger) -> None:
    told = [operation(second, outcome=outcome) for second, outcome in enumerate(Outcome)]
    await ledger.count(told[3:])
    await ledger.count(told[:3])
    await ledger.count([])
    assert await ledger.operations(NOON) == told
    assert await ledger.operations(told[2].at) == told[2:]
    assert await ledger.forget_operations(told[2].at) == 2
    assert await ledger.operations(NOON) == told[2:]


async def test_the_same_request_twice_is_two(ledger: Ledger) -> None:
    await ledger.count([operation(0), operation(0)])
    assert await ledger.operations(NOON) == [operation(0)] * 2


async def test_usage_is_added_up_by_kind(ledger: Ledger) -> None:
    limited = Outcome.LIMITED
    old, *recent = [operation(0), operation(1), operation(2), operation(3, "create"), operation(4, "create", limited)]
    await ledger.count([old, *recent, replace(operation(5), provider="other")])
    assert sorted(await ledger.usage(recent[0].at), key=str) == [
        Used("e2b", "create", Outcome.DONE, 1, 0.25),
        Used("e2b", "create", limited, 1, 0.25),
        Used("e2b", "execute", Outcome.DONE, 2, 0.5),
        Used("other", "execute", Outcome.DONE, 1, 0.25),
    ]
    assert await ledger.usage(NOON + 9 * SECOND) == []


async def test_more_than_a_statement_takes(ledger: Ledger) -> None:
    """What waited while the database was away is counted at once."""
    await ledger.count([operation(0)] * 10_000)
    assert [used.times for used in await ledger.usage(NOON)] == [10_000]
