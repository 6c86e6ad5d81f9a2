"""`solvebot sandboxes`, by those who are called when something is wrong: against E2B as the simulator has it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot import adapters
from bot.core.model import SandboxId
from bot.core.resilience.circuit_breaker import WELL, Health
from bot.core.resilience.sandbox_leases import WARM, Lease, LeaseKey, MachineId, Operation, Outcome
from bot.sandbox.provider import Machine, Wanted
from bot.sandboxes_command import State, compared
from bot.settings import Settings
from bot.simulators.e2b import E2B, World, e2b
from tests.contracts.local_sandboxes import public_directory
from tests.stories.shell import SameProcess, Shell
from tests.stories.world import isolated_where_possible

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANN, SAM = SandboxId("s-ann"), SandboxId("s-sam")


@dataclass(slots=True)
class Stage:
    service: E2B
    settings: Settings
    solvebot: Shell


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    settings = Settings(data=tmp_path / "bot", sandbox=("e2b",)).with_found_bubblewrap()
    settings = await isolated_where_possible(settings)
    world = World(isolated=not settings.run_untrusted_code_without_isolation)
    with public_directory() as directory:
        async with e2b(directory, bubblewrap=settings.bubblewrap, world=world) as service:
            env = {
                "DATA_DIR": str(settings.data),
                "SANDBOX": "e2b",
                "E2B_API_KEY": service.key,
                "E2B_API_URL": service.url,
                "E2B_CREATIONS_PER_SECOND": "5",
            }
            yield Stage(service, Settings.from_env(env, serving=False), SameProcess(tmp_path, env))
            assert service.errors == []


async def listed(solvebot: Shell) -> list[list[str]]:
    code, out, err = await solvebot("sandboxes", "list")
    assert code == 0, err
    assert err == ""
    return sorted(line.split() for line in out.splitlines()[1:])


async def borrow(stage: Stage) -> list[str]:
    """A sandbox, and a machine that is nobody's; their machines' names."""
    async with adapters.the_store(stage.settings) as store, adapters.lending(stage.settings, store) as lending:
        await lending.sandboxes.create(ANN)
        lease = await store.ledger.lease(ANN)
        assert lease is not None
        assert lease.machine is not None
        nobodys = await lending.providers[0].create(Wanted(LeaseKey("nobody"), 600))
    return [lease.machine, nobodys]


async def test_what_is_lent_is_listed_and_killed(stage: Stage) -> None:
    anns, nobodys = await borrow(stage)
    table = await listed(stage.solvebot)
    assert [row[:-2] for row in table if row[0] == "s-ann"] == [["s-ann", "e2b", anns, "used", "off"]]
    assert [row[:-2] for row in table if row[0] != "s-ann"] == [["e2b", nobodys, "orphan"]]
    code, out, err = await stage.solvebot("sandboxes", "kill", "s-ann", "s-bob")
    assert (code, out) == (1, "")
    assert "there is no sandbox s-bob" in err
    assert set(stage.service.machines) == {anns, nobodys}, "nothing is killed when one name is wrong"
    code, out, err = await stage.solvebot("sandboxes", "kill", "s-ann", nobodys)
    assert (code, sorted(out.splitlines()), err) == (0, sorted([f"{nobodys} is gone.", "s-ann is gone."]), "")
    assert dict(stage.service.machines) == {}
    assert (await stage.solvebot("sandboxes", "list"))[1] == "No service lends us anything at the moment.\n"


async def test_while_the_service_is_away_the_ledger_is_shown(stage: Stage) -> None:
    [anns, _] = await borrow(stage)
    await stage.service.down()
    for _ in range(2):
        code, out, err = await stage.solvebot("sandboxes", "list")
        assert code == 1
        assert "Traceback" not in err
        assert f"s-ann    e2b       {anns}  unseen" in out
        assert "e2b does not answer" in out
    assert "has not answered since" in out, "six failures: it is left alone"
    code, out, err = await stage.solvebot("sandboxes", "kill", "s-ann")
    assert (code, out) == (1, "")
    assert "Nothing is lost" in err
    await stage.service.up()
    code, out, _ = await stage.solvebot("sandboxes", "reset-breaker")
    assert (code, out.startswith("e2b was left alone; it has failed ")) == (0, True)
    assert "used" in (await stage.solvebot("sandboxes", "list"))[1]


async def test_a_breaker_is_reset_by_name(stage: Stage) -> None:
    async with adapters.the_store(stage.settings) as store:
        await store.ledger.change_health("e2b", lambda _: Health(5, NOON, NOON + timedelta(days=999)))
        code, _, err = await stage.solvebot("sandboxes", "reset-breaker", "e3b")
        assert code == 1
        assert "there is no provider e3b, only e2b" in err
        assert (await store.ledger.health("e2b")).is_open
        assert (await stage.solvebot("sandboxes", "reset-breaker", "e2b"))[0] == 0
        assert await store.ledger.health("e2b") == WELL
        code, out, _ = await stage.solvebot("sandboxes", "reset-breaker", "e2b")
        assert out == "e2b was not left alone; it has failed 0 times in a row. From now on it is asked.\n"


async def test_usage_of_the_last_hour_and_of_the_plan(stage: Stage) -> None:
    at = datetime.now(UTC)
    told = [("create", Outcome.DONE, 0.5)] * 3 + [("create", Outcome.UNCLEAR, 2.5), ("execute", Outcome.LIMITED, 0.1)]
    async with adapters.the_store(stage.settings) as store:
        await store.ledger.count([Operation("e2b", name, 1, at, s, outcome) for name, outcome, s in told])
        await store.ledger.count([Operation("e2b", "kill", 1, at - timedelta(hours=2), 0.1, Outcome.DONE)])
    process = Shell(stage.solvebot.directory, stage.solvebot.env)
    code, out, err = await process("sandboxes", "usage")
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "e2b create 4 3 1 0 0 1.00" in lines
    assert "e2b execute 1 0 0 1 0 0.10" in lines
    assert "e2b machines at a time 0 20 20" in lines
    assert "e2b creations in an hour 4 18000 17996" in lines
    assert lines[-2:] == ["e2b: answers.", "No runs are queued."]
    assert "kill" not in out


async def test_where_no_service_lends_anything(tmp_path: Path) -> None:
    code, _, err = await Shell(tmp_path, {"DATA_DIR": str(tmp_path / "bot")})("sandboxes", "list")
    assert code == 1
    assert "SANDBOX does not name e2b" in err


async def test_a_key_that_is_refused_is_told_with_what_to_do(stage: Stage) -> None:
    stage.solvebot.env["E2B_API_KEY"] = "e2b_" + "0" * 40
    code, _, err = await stage.solvebot("sandboxes", "list")
    assert code == 1
    assert "Set a valid E2B_API_KEY" in err
    assert "Traceback" not in err


def lease(sandbox: str, machine: str | None) -> Lease:
    held = MachineId(machine) if machine else None
    return Lease(LeaseKey(f"k-{sandbox}"), SandboxId(sandbox), "e2b", NOON, NOON, machine=held)


MINE = Machine(MachineId("m-1"), LeaseKey("k-s-ann"), NOON + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("held", "machines", "expected"),
    [
        (lease("s-ann", "m-1"), [MINE], [(State.USED, "m-1")]),
        (lease(f"{WARM}1", "m-1"), [MINE], [(State.WARM, "m-1")]),
        (lease("s-ann", None), [MINE], [(State.ASKED_FOR, "m-1")]),
        (lease("s-ann", None), [], [(State.ASKED_FOR, None)]),
        (lease("s-ann", "m-1"), [], [(State.GONE, "m-1")]),
        (lease("s-ann", "m-1"), None, [(State.UNSEEN, "m-1")]),
        (lease("s-ann", "m-2"), [MINE], [(State.GONE, "m-2"), (State.ORPHAN, "m-1")]),
        (None, [MINE], [(State.ORPHAN, "m-1")]),
        (None, None, []),
    ],
)
def test_the_ledger_and_the_service_are_compared(
    held: Lease | None, machines: list[Machine] | None, expected: list[tuple[State, str | None]]
) -> None:
    elsewhere = Lease(LeaseKey("k-9"), SAM, "e2b:eu", NOON, NOON, machine=MachineId("m-9"))
    found = compared("e2b", [elsewhere, *([held] if held else [])], machines)
    assert [(one.state, one.machine) for one in found] == expected
