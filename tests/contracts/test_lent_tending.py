"""What `tend` does when one of several services fails it, and about what was left half done."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.model import SandboxId, SnapshotId
from bot.core.resilience.sandbox_leases import LeaseKey
from bot.ports import Unavailable
from bot.sandbox.e2b.machines import E2BOptions, E2BProvider
from bot.sandbox.leases import LendingOptions
from bot.sandbox.provider import Wanted
from bot.sandbox.remote import LeasedSandboxes
from bot.simulators.e2b import BOUNDLESS, World
from bot.simulators.e2b.faults import answer
from tests.contracts.fault_bench import Time
from tests.contracts.lent_sandboxes import Lent, lent, toolchain
from tests.contracts.local_sandboxes import public_directory

pytestmark = pytest.mark.namespaces
A = SandboxId("solve-1.a")
PREPARED = SnapshotId("solve-1.prepared")


@pytest.fixture
async def lender() -> AsyncIterator[Lent]:
    with public_directory() as directory:
        async with lent(Path(directory), world=World(plan=BOUNDLESS, toolchain=toolchain())) as service:
            yield service


def another(lender: Lent, name: str, *, key: str = "") -> E2BProvider:
    """The same service under another name, with machines and snapshots of its own."""
    return E2BProvider(E2BOptions(key or lender.service.key, name, name, api_url=lender.service.url))


async def test_snapshots_that_nobody_knows_are_deleted_at_every_service(lender: Lent) -> None:
    providers = [another(lender, "first"), another(lender, "second")]
    boxes = LeasedSandboxes(providers, lender.ledger, Time(), lender.options)
    for provider in providers:
        machine = await provider.create(Wanted(LeaseKey(f"key-{provider.name}"), 600))
        await provider.save(machine, "forgotten")
    assert len(lender.service.images) == 2
    await boxes.tend()
    assert len(lender.service.images) == 2  # somebody may be about to write it down
    await boxes.tend()
    assert lender.service.images == {}


async def test_a_key_that_is_refused_does_not_keep_the_others_from_being_tended(lender: Lent) -> None:
    refused = another(lender, "first", key="e2b_" + "0" * 40)
    well = another(lender, "second")
    await well.create(Wanted(LeaseKey("orphan"), 600))
    assert len(lender.service.machines) == 1
    await LeasedSandboxes([refused, well], lender.ledger, Time(), lender.options).tend()
    assert lender.service.machines == {}


async def test_a_warm_machine_that_could_not_be_made_is_not_taken_for_one(lender: Lent) -> None:
    boxes = LeasedSandboxes([lender.provider], lender.ledger, Time(), replace(lender.options, warm=1))
    lender.service.faults.add("create", answer(503))
    await boxes.tend()
    assert (lender.service.machines, await lender.ledger.leases()) == ({}, [])
    await boxes.tend()
    (machine,) = lender.service.machines
    assert [lease.machine for lease in await lender.ledger.leases()] == [machine]


async def test_a_warm_machine_whose_maker_died_is_made_by_another_one(lender: Lent) -> None:
    """As long as its maker may still be at it, nobody else is."""
    time, options = Time(), LendingOptions(warm=1)
    boxes = LeasedSandboxes([lender.provider], lender.ledger, time, options)
    lender.service.faults.add("create", answer(503))
    with pytest.raises(Unavailable):
        await boxes.create(A)
    (intent,) = await lender.ledger.leases()
    await lender.ledger.returned(intent.key)
    warm = replace(intent, key=LeaseKey("of-the-dead"), sandbox=SandboxId(":warm:0"))
    assert await lender.ledger.intend(warm, at_most=1)
    await boxes.tend()
    assert lender.service.machines == {}
    time.at += timedelta(minutes=2, seconds=1)
    await boxes.tend()
    assert len(lender.service.machines) == 1
    assert [lease.key for lease in await lender.ledger.leases()] != [warm.key]
