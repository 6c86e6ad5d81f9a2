"""What goes wrong on purpose in the E2B simulator, and what the real SDK makes of it.

The expectations are what the SDK does with the service: they are what our adapter has to live with.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from e2b import (
    AsyncSandbox,
    AuthenticationException,
    CommandExitException,
    NotEnoughSpaceException,
    RateLimitException,
    SandboxException,
    SandboxNotFoundException,
    SandboxNotRunningException,
    SandboxUnreachableException,
    ServiceBusyException,
    TimeoutException,
)

from bot.simulators.e2b.faults import (
    CUT_AT_START,
    CUT_IN_OUTPUT,
    DROP_AFTER,
    DROP_BEFORE,
    HANG,
    NOT_FOUND,
    PORT_CLOSED,
    SILENT,
    VANISH,
    ZOMBIE,
    Failure,
    Faults,
    answer,
    html,
    slow,
)
from bot.simulators.e2b.server import OPERATIONS
from tests.contracts.e2b_world import Account, account, until

pytestmark = pytest.mark.namespaces
Deed = Callable[[Account, AsyncSandbox], Awaitable[object]]


@pytest.fixture
async def acme() -> AsyncIterator[Account]:
    async with account() as acme:
        yield acme


@pytest.fixture
async def sandbox(acme: Account) -> AsyncSandbox:
    return await acme.create()


async def run(acme: Account, sandbox: AsyncSandbox) -> object:
    return await sandbox.commands.run("true", timeout=0)


CONTROL: dict[str, Deed] = {
    "create": lambda acme, sandbox: acme.create(),
    "connect": lambda acme, sandbox: acme.sandboxes.connect(sandbox.sandbox_id),
    "list": lambda acme, sandbox: acme.sandboxes.list().next_items(),
    "info": lambda acme, sandbox: sandbox.get_info(),
    "kill": lambda acme, sandbox: sandbox.kill(),
    "timeout": lambda acme, sandbox: sandbox.set_timeout(60),
    "pause": lambda acme, sandbox: sandbox.pause(),
    "snapshot": lambda acme, sandbox: sandbox.create_snapshot(),
    "list_snapshots": lambda acme, sandbox: acme.sandboxes.list_snapshots().next_items(),
    "delete_snapshot": lambda acme, sandbox: acme.sandboxes.delete_snapshot("snap_1"),
    "fork": lambda acme, sandbox: sandbox.fork(),
    "network": lambda acme, sandbox: sandbox.update_network({}),
    "metrics": lambda acme, sandbox: sandbox.get_metrics(),
}
INSIDE: dict[str, Deed] = {
    "start": run,
    "list_processes": lambda acme, sandbox: sandbox.commands.list(),
    "signal": lambda acme, sandbox: sandbox.commands.kill(1),
    "send_input": lambda acme, sandbox: sandbox.commands.send_stdin(1, "x"),
    "close_stdin": lambda acme, sandbox: sandbox.commands.close_stdin(1),
    "connect_process": lambda acme, sandbox: sandbox.commands.connect(1, timeout=0),
    "stat": lambda acme, sandbox: sandbox.files.get_info("/"),
    "list_directory": lambda acme, sandbox: sandbox.files.list("/"),
    "make_directory": lambda acme, sandbox: sandbox.files.make_dir("x"),
    "move": lambda acme, sandbox: sandbox.files.rename("x", "y"),
    "remove": lambda acme, sandbox: sandbox.files.remove("x"),
}


@pytest.mark.parametrize("operation", CONTROL)
async def test_every_operation_of_the_control_plane_can_fail(
    acme: Account, sandbox: AsyncSandbox, operation: str
) -> None:
    acme.service.faults.add(operation, answer(500, "boom"))
    with pytest.raises(SandboxException, match="boom") as failed:
        await CONTROL[operation](acme, sandbox)
    assert failed.value.status_code == 500
    assert acme.requests(operation)[-1:] == [500]
    assert list(acme.service.machines) == [sandbox.sandbox_id]


@pytest.mark.parametrize("operation", INSIDE)
async def test_every_operation_inside_can_fail(acme: Account, sandbox: AsyncSandbox, operation: str) -> None:
    acme.service.faults.add(operation, answer(429, "slowly"))
    with pytest.raises(RateLimitException, match="slowly"):
        await INSIDE[operation](acme, sandbox)
    assert acme.requests(operation) == [429]


@pytest.mark.parametrize(
    ("failure", "times", "expected", "requests"),
    [
        (answer(429), 2, None, 3),
        (answer(429), None, RateLimitException, 4),
        (answer(429, should_retry="false"), None, RateLimitException, 1),
        (answer(429, retry_after="1"), 1, None, 2),
        (answer(503), None, ServiceBusyException, 4),
        (answer(502), None, SandboxException, 4),
        (answer(504), None, SandboxException, 4),
        (answer(500), None, SandboxException, 1),
        (answer(500, should_retry="true"), 1, None, 2),
        (html(500), None, json.JSONDecodeError, 1),
        (html(502), None, SandboxException, 4),
        (answer(400), None, SandboxException, 1),
        (answer(401), None, AuthenticationException, 1),
        (answer(403), None, SandboxException, 1),
        (DROP_BEFORE, None, httpx.TransportError, 1),
    ],
)
async def test_what_the_sdk_makes_of_a_failing_creation(
    acme: Account, failure: Failure, times: int | None, expected: type[Exception] | None, requests: int
) -> None:
    acme.service.faults.add("create", failure, times=times)
    if expected is None:
        await acme.create()
    else:
        with pytest.raises(expected) as failed:
            await acme.create()
        if type(failed.value) is SandboxException:
            assert failed.value.status_code == failure.status
    assert len(acme.requests("create")) == requests
    assert len(acme.service.machines) == (expected is None)


async def test_an_answer_lost_after_the_effect_leaves_an_orphan(acme: Account) -> None:
    acme.service.faults.add("create", DROP_AFTER)
    with pytest.raises(httpx.RemoteProtocolError):
        await acme.create(metadata={"run": "r-1"})
    (listed,) = await acme.sandboxes.list().next_items()
    assert listed.metadata == {"run": "r-1"}
    assert acme.requests("create") == [0]
    acme.service.faults.add("kill", DROP_AFTER)
    with pytest.raises(httpx.TransportError):
        await acme.sandboxes.kill(listed.sandbox_id)
    assert acme.service.machines == {}


@pytest.mark.parametrize("failure", [slow(20), HANG])
async def test_an_answer_that_takes_too_long(acme: Account, failure: Failure) -> None:
    acme.service.faults.add("create", failure)
    with pytest.raises(httpx.ReadTimeout):
        await acme.create(request_timeout=0.2)


@pytest.mark.parametrize(
    ("failure", "expected", "probes"),
    [
        (answer(429), RateLimitException, 0),
        (answer(500), SandboxException, 0),
        (NOT_FOUND, SandboxNotRunningException, 0),
        (PORT_CLOSED, SandboxUnreachableException, 0),
        (html(502), SandboxUnreachableException, 1),
        (html(503), SandboxUnreachableException, 1),
        (CUT_AT_START, SandboxUnreachableException, 1),
        (CUT_IN_OUTPUT, SandboxUnreachableException, 1),
    ],
)
async def test_what_the_sdk_makes_of_a_failing_command(
    acme: Account, sandbox: AsyncSandbox, failure: Failure, expected: type[Exception], probes: int
) -> None:
    acme.service.faults.add("start", failure)
    with pytest.raises(expected):
        await sandbox.commands.run("echo x", timeout=0)
    assert len(acme.requests("start")) == 1
    assert len(acme.requests("health")) == probes
    assert (await sandbox.commands.run("echo x", timeout=0)).stdout == "x\n"


async def test_a_stream_that_is_cut_leaves_the_command_running(acme: Account, sandbox: AsyncSandbox) -> None:
    acme.service.faults.add("start", CUT_IN_OUTPUT)
    handle = await sandbox.commands.run("echo x; read line; exit 5", background=True, stdin=True, timeout=0)
    with pytest.raises(SandboxException):
        await handle.wait()
    again = await sandbox.commands.connect(handle.pid, timeout=0)
    await again.send_stdin("go\n")
    with pytest.raises(CommandExitException) as ended:
        await again.wait()
    assert (ended.value.exit_code, handle.stdout) == (5, "")


async def test_a_start_that_is_dropped_after_the_effect_runs(acme: Account, sandbox: AsyncSandbox) -> None:
    acme.service.faults.add("start", DROP_AFTER)
    with pytest.raises(SandboxException):
        await sandbox.commands.run("exec sleep 300", timeout=0)
    assert len(await sandbox.commands.list()) == 1


async def test_nobody_follows_a_start_that_was_dropped(acme: Account, sandbox: AsyncSandbox) -> None:
    """So its output is dropped as well, and it can end."""
    acme.service.faults.add("start", DROP_AFTER)
    with pytest.raises(SandboxException):
        await sandbox.commands.run("head -c 9000000 /dev/zero; touch through", timeout=0)
    await until(lambda: sandbox.files.exists("through"))


async def test_a_start_that_is_dropped_before_does_not_run(acme: Account, sandbox: AsyncSandbox) -> None:
    acme.service.faults.add("start", DROP_BEFORE)
    with pytest.raises(SandboxException):
        await sandbox.commands.run("exec sleep 300", timeout=0)
    assert await sandbox.commands.list() == []


async def test_a_sandbox_that_vanishes_under_a_command(acme: Account, sandbox: AsyncSandbox) -> None:
    acme.service.faults.add("start", VANISH)
    with pytest.raises(SandboxNotRunningException):
        await sandbox.commands.run("exec sleep 300", timeout=0)
    assert acme.service.machines == {}


async def test_a_sandbox_that_vanishes_before_anything(acme: Account, sandbox: AsyncSandbox) -> None:
    acme.service.faults.add("info", VANISH)
    with pytest.raises(SandboxNotFoundException):
        await sandbox.get_info()
    other = await acme.create()
    acme.service.vanish(other.sandbox_id)
    with pytest.raises(SandboxNotRunningException):
        await other.files.read("x")


async def test_a_zombie_is_listed_and_answers_nothing(acme: Account) -> None:
    acme.service.faults.add("create", ZOMBIE)
    zombie, well = await acme.create(), await acme.create()
    assert len(await acme.sandboxes.list().next_items()) == 2
    with pytest.raises(SandboxUnreachableException):
        await zombie.commands.run("true", timeout=0)
    with pytest.raises(SandboxUnreachableException):
        await zombie.files.write("x", "x")
    assert (await well.commands.run("true", timeout=0)).exit_code == 0
    assert await zombie.kill()


async def test_a_sandbox_in_which_nothing_answers(acme: Account) -> None:
    acme.service.faults.add("create", SILENT)
    silent = await acme.create()
    with pytest.raises(TimeoutException):
        await silent.commands.run("true", timeout=0, request_timeout=0.1)
    with pytest.raises(httpx.ReadTimeout):
        await silent.files.write("x", "x", request_timeout=0.1)
    waiting = asyncio.create_task(silent.files.write("x", "x"))
    await until(lambda: acme.sandboxes.list().next_items())
    assert await silent.kill()
    with pytest.raises(SandboxNotRunningException):
        await waiting


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (answer(429), RateLimitException),
        (answer(500), SandboxException),
        (answer(507), NotEnoughSpaceException),
        (NOT_FOUND, SandboxNotRunningException),
        (PORT_CLOSED, SandboxUnreachableException),
        (DROP_BEFORE, httpx.RemoteProtocolError),
    ],
)
@pytest.mark.parametrize("operation", ["files_read", "files_write"])
async def test_what_the_sdk_makes_of_failing_files(
    acme: Account, sandbox: AsyncSandbox, operation: str, failure: Failure, expected: type[Exception]
) -> None:
    await sandbox.files.write("x", "before")
    acme.service.faults.add(operation, failure)
    with pytest.raises(expected):
        await (sandbox.files.read("x") if operation == "files_read" else sandbox.files.write("x", "after"))
    assert await sandbox.files.read("x") == "before"
    assert len(acme.requests(operation)) == 2


async def test_a_write_whose_answer_is_lost_was_written(acme: Account, sandbox: AsyncSandbox) -> None:
    acme.service.faults.add("files_write", DROP_AFTER)
    with pytest.raises(httpx.RemoteProtocolError):
        await sandbox.files.write("x", "written")
    assert await sandbox.files.read("x") == "written"


async def test_what_hangs_goes_on_when_it_is_released(acme: Account, sandbox: AsyncSandbox) -> None:
    fault = acme.service.faults.add("start", HANG, sandbox=sandbox.sandbox_id)
    other = await acme.create()
    running = asyncio.create_task(sandbox.commands.run("echo late", timeout=0))

    async def hangs() -> bool:
        return (await other.commands.run("true")).exit_code == 0 and fault.hits == 1

    await until(hangs)
    fault.release()
    assert (await running).stdout == "late\n"


async def test_while_the_service_is_down_everything_is_unavailable(acme: Account, sandbox: AsyncSandbox) -> None:
    await acme.service.down()
    with pytest.raises(ServiceBusyException):
        await acme.create(retries=0)
    with pytest.raises(SandboxUnreachableException):
        await sandbox.commands.run("true", timeout=0)
    await acme.service.up()
    assert (await sandbox.commands.run("echo still there")).stdout == "still there\n"


async def test_while_nobody_can_connect(acme: Account, sandbox: AsyncSandbox) -> None:
    handle = await sandbox.commands.run("read line; exit 4", background=True, stdin=True, timeout=0)
    await acme.service.down(refuse=True)
    with pytest.raises(SandboxUnreachableException):
        await handle.wait()
    with pytest.raises(httpx.ConnectError):
        await acme.create(retries=0)
    await acme.service.up()
    again = await sandbox.commands.connect(handle.pid, timeout=0)
    await again.send_stdin("go\n")
    with pytest.raises(CommandExitException) as ended:
        await again.wait()
    assert ended.value.exit_code == 4


def test_chance_is_the_same_every_time() -> None:
    """What the n-th call meets depends on the seed, the operation and n, not on what else happened."""
    chances = {"create": {answer(503): 0.2, DROP_AFTER: 0.1}, "start": {VANISH: 0.5}}

    def drawn(seed: int, other_calls: int) -> list[Failure | None]:
        faults, met = Faults(OPERATIONS), []
        faults.random(seed, chances)
        for _ in range(300):
            for _ in range(other_calls):
                faults.take("start", "")
            fault = faults.take("create", "")
            met.append(fault.failure if fault else None)
        return met

    assert drawn(1, 0) == drawn(1, 2) != drawn(2, 0)
    assert 35 < drawn(1, 0).count(answer(503)) < 85
    assert 12 < drawn(1, 0).count(DROP_AFTER) < 50
    faults = Faults(OPERATIONS)
    faults.random(1, chances)
    assert all(faults.take("kill", "") is None for _ in range(100))
    faults.clear()
    assert all(faults.take("start", "") is None for _ in range(100))


def test_a_fault_of_nothing_is_a_mistake() -> None:
    faults = Faults(OPERATIONS)
    with pytest.raises(ValueError, match="delete_sandbox"):
        faults.add("delete_sandbox", DROP_AFTER)
    with pytest.raises(ValueError, match="spawn"):
        faults.random(1, {"spawn": {VANISH: 1.0}})
    assert {*CONTROL, *INSIDE, "health", "files_read", "files_write"} <= OPERATIONS
