"""Leases, machines and who they belong to, whatever happens between asking for one and having it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.clock import SystemClock
from bot.core.model import SandboxId, SnapshotId
from bot.core.resilience.circuit_breaker import WELL, Health
from bot.core.resilience.sandbox_leases import ImageId, LeaseKey
from bot.ports import Crowded, Rejected, SandboxLost, SandboxUnusable, Unavailable
from bot.sandbox.leases import LendingOptions
from bot.simulators.e2b.faults import DROP_AFTER, NOT_FOUND, SILENT, ZOMBIE, Failure, Kind, answer
from bot.simulators.e2b.simulator import World
from bot.simulators.serving import serving
from tests.contracts.lent_sandboxes import Lent, lent, toolchain
from tests.contracts.local_sandboxes import public_directory

pytestmark = pytest.mark.namespaces

A, B = SandboxId("solve-1.a"), SandboxId("solve-1.b")
PREPARED = SnapshotId("solve-1")
SOON = 20.0


@pytest.fixture
async def lender() -> AsyncIterator[Lent]:
    with public_directory() as directory:
        async with lent(directory, options=LendingOptions(probe=1.0)) as lender:
            yield lender


def asked(lender: Lent, operation: str) -> int:
    return sum(logged.operation == operation for logged in lender.service.journal)


class TestCreating:
    async def test_a_machine_whose_creation_was_not_answered_is_adopted(self, lender: Lent) -> None:
        """As after a crash between the request and the record: the same is asked for again."""
        lender.service.faults.add("create", DROP_AFTER)
        with pytest.raises(Unavailable):
            await lender.sandboxes().create(A)
        [orphan] = lender.service.machines
        again = lender.sandboxes()
        await again.create(A)
        assert list(lender.service.machines) == [orphan]
        assert asked(lender, "create") == 1
        assert (await again.run(A, "echo here", timeout=SOON)).output == "here\n"

    async def test_one_that_was_never_made_is_made_under_the_same_key(self, lender: Lent) -> None:
        lender.service.faults.add("create", answer(503))
        with pytest.raises(Unavailable):
            await lender.sandboxes().create(A)
        intended = await lender.ledger.lease(A)
        await lender.sandboxes().create(A)
        lease = await lender.ledger.lease(A)
        assert intended is not None
        assert lease is not None
        assert (lease.key, len(lender.service.machines)) == (intended.key, 1)

    @pytest.mark.parametrize("dead", [ZOMBIE, SILENT], ids=["zombie", "silent"])
    async def test_one_that_is_dead_on_arrival_is_replaced(self, lender: Lent, dead: Failure) -> None:
        lender.service.faults.add("create", dead)
        sandboxes = lender.sandboxes()
        await sandboxes.create(A)
        assert (asked(lender, "create"), len(lender.service.machines)) == (2, 1)
        assert (await sandboxes.run(A, "echo here", timeout=SOON)).output == "here\n"

    async def test_when_all_are_dead_it_can_be_tried_later(self, lender: Lent) -> None:
        fault = lender.service.faults.add("create", ZOMBIE, times=None)
        with pytest.raises(Unavailable):
            await lender.sandboxes().create(A)
        assert (lender.service.machines, await lender.ledger.leases()) == ({}, [])
        fault.times = 0
        await lender.sandboxes().create(A)

    async def test_closed_while_it_is_made_it_is_lost_and_killed(self, lender: Lent) -> None:
        lender.service.faults.add("create", DROP_AFTER)
        with pytest.raises(Unavailable):
            await lender.sandboxes().create(A)
        await lender.sandboxes().close(A)
        assert (lender.service.machines, await lender.ledger.leases()) == ({}, [])

    async def test_a_template_that_is_not_there_is_replaced_by_the_usual_one(self, lender: Lent) -> None:
        lender = replace(lender, options=replace(lender.options, templates=("python=no-such", "base")))
        sandboxes = lender.sandboxes()
        await sandboxes.create(A, ecosystem="python")
        assert (await sandboxes.run(A, "echo here", timeout=SOON)).output == "here\n"

    async def test_a_snapshot_that_the_service_has_lost_is_forgotten_under_all_its_names(self, lender: Lent) -> None:
        sandboxes = lender.sandboxes()
        await sandboxes.create(A)
        await sandboxes.snapshot(A, PREPARED)
        await sandboxes.name_snapshot(PREPARED, SnapshotId("kept"))
        [image] = lender.service.images
        await lender.provider.delete_image(ImageId(image))
        with pytest.raises(SandboxLost):
            await sandboxes.create(B, snapshot=PREPARED)
        assert await sandboxes.snapshots() == []
        assert await sandboxes.living() == [A]

    async def test_what_the_plan_does_not_allow_is_a_refusal(self, lender: Lent) -> None:
        sandboxes = replace(lender, options=replace(lender.options, seconds=25 * 3600)).sandboxes()
        with pytest.raises(Rejected):
            await sandboxes.create(A)
        assert (lender.service.machines, await lender.ledger.leases()) == ({}, [])

    async def test_more_than_the_plan_has_room_for_wait(self, lender: Lent) -> None:
        lender = replace(lender, options=replace(lender.options, at_most=1))
        sandboxes = lender.sandboxes()
        await sandboxes.create(A)
        with pytest.raises(Crowded):
            await sandboxes.create(B)
        assert asked(lender, "create") == 1
        await sandboxes.close(A)
        await sandboxes.create(B)


class TestCommands:
    async def test_one_that_ran_during_our_crash_tells_its_true_result(self, lender: Lent) -> None:
        sandboxes = lender.sandboxes()
        await sandboxes.create(A)
        command = "echo ran >> log; while [ ! -e go ]; do sleep 0.02; done; wc -l < log; exit 3"
        crashed = asyncio.create_task(lender.another_process().run(A, command, timeout=SOON, once="step"))
        async with asyncio.timeout(SOON):
            while await sandboxes.read(A, "/workspace/log", limit=9) is None:
                pass
        again = asyncio.create_task(sandboxes.run(A, command, timeout=SOON, once="step"))
        await sandboxes.write(A, {"go": (b"", "100644")})
        assert await again == await crashed
        assert (again.result().exit_code, again.result().output, again.result().interrupted) == (3, "1\n", False)

    async def test_one_whose_shell_was_killed_says_that_it_was_cut_off(self, lender: Lent) -> None:
        sandboxes = lender.sandboxes()
        await sandboxes.create(A)
        kill = "for p in /proc/[0-9]*; do grep -qs supervisor $p/cmdline && kill -9 ${p#/proc/}; done; sleep 60"
        done = await sandboxes.run(A, kill, timeout=SOON, once="step")
        assert done.interrupted
        assert (await sandboxes.run(A, kill, timeout=SOON, once="step")).interrupted
        assert (await sandboxes.run(A, "echo on", timeout=SOON, once="next")).output == "on\n"

    @pytest.mark.parametrize(
        "forged",
        ["ended 0 " + "1" * 400 + " 0 0", "ended 0 -999999999 0 0", "ended " + "1" * 30 + " 1 0 0", "ended", ""],
        ids=["long", "negative", "code", "short", "empty"],
    )
    async def test_a_result_that_is_none_means_that_the_machine_is_lost(self, lender: Lent, forged: str) -> None:
        sandboxes = lender.sandboxes()
        await sandboxes.create(A)
        forge = f"j=$(ls -d /var/tmp/solvebot/*/); echo '{forged}' > $j/result; kill -9 $(cat $j/pid)"
        with pytest.raises(SandboxLost):
            await sandboxes.run(A, forge, timeout=SOON)

    async def test_a_machine_whose_shell_does_not_answer_is_killed_and_lost(self, lender: Lent) -> None:
        sandboxes = lender.sandboxes()
        await sandboxes.create(A)
        await sandboxes.run(A, "echo 'sleep 600' > /home/user/.bash_profile", timeout=SOON)
        with pytest.raises(SandboxLost):
            await sandboxes.read(A, "/workspace/x", limit=1)
        assert lender.service.machines == {}

    async def test_a_machine_that_vanishes_under_a_command_is_lost(self, lender: Lent) -> None:
        sandboxes = lender.sandboxes()
        await sandboxes.create(A)
        running = asyncio.create_task(sandboxes.run(A, "echo > begun; sleep 600", timeout=600))
        async with asyncio.timeout(SOON):
            while await sandboxes.read(A, "/workspace/begun", limit=9) is None:
                pass
        [machine] = lender.service.machines
        lender.service.vanish(machine)
        with pytest.raises(SandboxLost):
            await running

    async def test_a_stream_that_stays_silent_is_found_out_by_asking_for_the_machines_health(
        self, lender: Lent
    ) -> None:
        lender = replace(lender, provider_options=replace(lender.provider_options, health_interval=0.1))
        sandboxes = lender.another_process()
        await sandboxes.create(A)
        running = asyncio.create_task(sandboxes.run(A, "echo > begun; sleep 600", timeout=600))
        async with asyncio.timeout(SOON):
            while await sandboxes.read(A, "/workspace/begun", limit=9) is None:
                pass
        lender.service.faults.add("health", NOT_FOUND, times=None)
        with pytest.raises(SandboxLost):
            await running


class TestNetwork:
    @pytest.fixture
    async def registry(self) -> AsyncIterator[tuple[Lent, str]]:
        app = Starlette(routes=[Route("/", lambda _: PlainTextResponse("a package"))])
        with public_directory() as directory:
            async with serving(app) as url:
                port = int(url.rpartition(":")[2])
                world = World(toolchain=toolchain(), egress={"registry.test": ("127.0.0.1", port)})
                async with lent(directory, world=world) as lender:
                    yield (
                        lender,
                        "exec 3<>/dev/tcp/registry.test/443 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3",
                    )

    @pytest.mark.parametrize("host", ["registry.test", "registry.test:443"])
    async def test_it_is_there_for_one_command_and_not_for_the_next(
        self, registry: tuple[Lent, str], host: str
    ) -> None:
        lender, fetch = registry
        sandboxes = lender.sandboxes()
        await sandboxes.create(A)
        assert (await sandboxes.run(A, fetch, timeout=SOON)).exit_code != 0
        there = await sandboxes.run(A, fetch, timeout=SOON, network=(host,))
        assert "a package" in there.output
        assert (await sandboxes.run(A, fetch, timeout=SOON)).exit_code != 0
        await sandboxes.run(A, "true", timeout=SOON, network=("registry.test",))
        await sandboxes.snapshot(A, PREPARED)
        await sandboxes.create(B, snapshot=PREPARED)
        assert (await sandboxes.run(B, fetch, timeout=SOON)).exit_code != 0

    @pytest.mark.parametrize("host", ["registry.test", "registry.test:443"])
    async def test_a_service_that_does_not_take_it_away_is_found_out(
        self, registry: tuple[Lent, str], host: str
    ) -> None:
        lender, _ = registry
        sandboxes = lender.sandboxes()
        await sandboxes.create(A)
        command = "echo > begun; while [ ! -e go ]; do sleep 0.02; done"
        running = asyncio.create_task(sandboxes.run(A, command, timeout=SOON, network=(host,)))
        async with asyncio.timeout(SOON):
            while await sandboxes.read(A, "/workspace/begun", limit=9) is None:
                pass
        lender.service.faults.add("network", Failure(Kind.ANSWER, 204))  # said, and not done
        await sandboxes.write(A, {"go": (b"", "100644")})
        with pytest.raises(SandboxUnusable):
            await running
        assert lender.service.machines == {}


class TestTending:
    async def test_a_machine_that_nobody_holds_is_killed(self, lender: Lent) -> None:
        sandboxes = lender.sandboxes()
        await sandboxes.create(A)
        lease = await lender.ledger.lease(A)
        assert lease is not None
        await lender.ledger.returned(lease.key)
        await sandboxes.tend()
        assert lender.service.machines == {}

    async def test_one_that_is_being_made_is_left_alone(self, lender: Lent) -> None:
        lender.service.faults.add("create", DROP_AFTER)
        with pytest.raises(Unavailable):
            await lender.sandboxes().create(A)
        await lender.sandboxes().tend()
        assert len(lender.service.machines) == 1

    async def test_machines_of_others_are_none_of_our_business(self, lender: Lent) -> None:
        other = lender.as_another_instance()
        await other.create(B)
        await lender.ledger.returned(LeaseKey("unknown"))
        for lease in await lender.ledger.leases():
            await lender.ledger.returned(lease.key)
        await lender.sandboxes().tend()
        assert len(lender.service.machines) == 1

    async def test_a_life_is_extended_as_long_as_somebody_holds_it(self, lender: Lent) -> None:
        lender = replace(lender, options=replace(lender.options, seconds=600))
        sandboxes = lender.sandboxes()
        await sandboxes.create(A)
        lease = await lender.ledger.lease(A)
        assert lease is not None
        await lender.ledger.extended(lease.key, SystemClock().now() + timedelta(seconds=200))
        await sandboxes.tend()
        lender.service.clock.advance(599)
        assert len(lender.service.machines) == 1
        lender.service.clock.advance(2)
        with pytest.raises(SandboxLost):
            await sandboxes.run(A, "true", timeout=SOON)

    async def test_a_snapshot_that_nobody_knows_goes_at_the_second_look(self, lender: Lent) -> None:
        sandboxes = lender.sandboxes()
        await sandboxes.create(A)
        await sandboxes.snapshot(A, PREPARED)
        await lender.ledger.deleted(PREPARED)
        await sandboxes.tend()
        assert len(lender.service.images) == 1, "somebody may be about to write it down"
        await sandboxes.tend()
        assert lender.service.images == {}

    async def test_while_the_service_is_away_closing_is_postponed(self, lender: Lent) -> None:
        sandboxes = lender.sandboxes()
        await sandboxes.create(A)
        await lender.service.down()
        await sandboxes.close(A)
        await sandboxes.tend()
        await lender.service.up()
        assert len(lender.service.machines) == 1
        await sandboxes.tend()
        assert lender.service.machines == {}


class TestRegions:
    async def test_new_ones_go_where_it_is_well_and_stay_there(self, lender: Lent) -> None:
        sandboxes = lender.regions("e2b:a", "e2b:b")
        now = SystemClock().now()
        away = Health(5, now, now + timedelta(minutes=1))
        await lender.ledger.change_health("e2b:a", lambda _: away)
        await sandboxes.create(A)
        await sandboxes.snapshot(A, PREPARED)
        await lender.ledger.change_health("e2b:a", lambda _: WELL)
        await sandboxes.create(B, snapshot=PREPARED)
        assert (await sandboxes.run(B, "echo here", timeout=SOON)).output == "here\n"
        assert {lease.sandbox: lease.provider for lease in await lender.ledger.leases()} == {A: "e2b:b", B: "e2b:b"}
        await sandboxes.create(A)
        lease = await lender.ledger.lease(A)
        assert lease is not None
        assert lease.provider == "e2b:a"

    async def test_what_is_left_of_a_region_that_was_taken_from_the_settings_is_forgotten(self, lender: Lent) -> None:
        both = lender.regions("e2b:a", "e2b:b")
        await both.create(A)
        await both.snapshot(A, PREPARED)
        one = lender.regions("e2b:b")
        assert not await one.name_snapshot(PREPARED, SnapshotId("kept"))
        await one.close(A)
        await one.drop_snapshot(PREPARED)
        assert (await one.living(), await one.snapshots()) == ([], [])


class TestPool:
    async def test_a_warm_machine_is_handed_out_and_another_one_made(self, lender: Lent) -> None:
        lender = replace(lender, options=replace(lender.options, warm=1))
        sandboxes = lender.sandboxes()
        await sandboxes.tend()
        [warm] = lender.service.machines
        assert await sandboxes.living() == []
        await sandboxes.create(A)
        assert list(lender.service.machines) == [warm]
        await sandboxes.tend()
        assert len(lender.service.machines) == 2

    async def test_one_that_has_died_meanwhile_is_not_handed_out(self, lender: Lent) -> None:
        lender = replace(lender, options=replace(lender.options, warm=1))
        sandboxes = lender.sandboxes()
        await sandboxes.tend()
        [warm] = lender.service.machines
        lender.service.vanish(warm)
        await sandboxes.create(A)
        assert (await sandboxes.run(A, "echo here", timeout=SOON)).output == "here\n"


async def test_a_wrong_key_is_told_at_once_with_the_remedy(lender: Lent) -> None:
    with pytest.raises(SandboxUnusable) as refused:
        await lender.with_key("e2b_wrong").check()
    assert "E2B_API_KEY" in refused.value.remedy
    assert "e2b_wrong" not in str(refused.value)


async def test_a_service_that_is_away_does_not_keep_the_bot_from_starting(lender: Lent, tmp_path: Path) -> None:
    await lender.service.down(refuse=True)
    await lender.sandboxes().check()
    await lender.service.up()
