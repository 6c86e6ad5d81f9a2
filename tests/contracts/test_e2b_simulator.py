"""The control plane of the E2B simulator, as the real SDK sees it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from e2b import (
    AsyncSandbox,
    AuthenticationException,
    NotFoundException,
    PtySize,
    RateLimitException,
    SandboxException,
    SandboxNotFoundException,
    SandboxQuery,
    SandboxState,
)

from bot.simulators.e2b import BOUNDLESS, HOBBY, Clock, Plan, World
from bot.simulators.e2b.faults import DROP_AFTER, HANG
from tests.contracts.e2b_world import Account, account, until

pytestmark = pytest.mark.namespaces


@pytest.fixture
async def acme() -> AsyncIterator[Account]:
    async with account() as acme:
        yield acme


async def ids_of(acme: Account, **query: object) -> list[str]:
    """Page by page, in the order of the service."""
    paginator, found = acme.sandboxes.list(**query), []  # type: ignore[arg-type]
    while paginator.has_next:
        found += [info.sandbox_id for info in await paginator.next_items()]
    return found


async def test_a_sandbox_is_made_found_and_killed(acme: Account) -> None:
    sandbox = await acme.create(timeout=120, metadata={"run": "r-1"}, envs={"COLOUR": "teal"})
    info = await sandbox.get_info()
    assert (info.template_id, info.state, info.metadata) == ("base", SandboxState.RUNNING, {"run": "r-1"})
    assert info.end_at - info.started_at == timedelta(seconds=120)
    assert (await sandbox.commands.run("echo $COLOUR")).stdout == "teal\n"
    again = await acme.sandboxes.connect(sandbox.sandbox_id)
    assert (await again.commands.run("echo $COLOUR")).stdout == "teal\n"
    assert await sandbox.is_running()
    assert await sandbox.kill()
    assert not await sandbox.kill()
    assert not await sandbox.is_running()
    assert acme.service.machines == {}
    with pytest.raises(SandboxNotFoundException):
        await acme.sandboxes.connect(sandbox.sandbox_id)


async def test_pages_of_what_there_is(acme: Account) -> None:
    made = [(await acme.create(metadata={"n": str(n)})).sandbox_id for n in range(5)]
    assert await ids_of(acme, limit=2) == made[::-1]
    assert await ids_of(acme, limit=2, order="asc") == made
    assert acme.requests("list") == [200] * 6
    with pytest.raises(SandboxException, match="limit"):
        await acme.sandboxes.list(limit=101).next_items()


async def test_metadata_with_odd_characters_is_found(acme: Account) -> None:
    wanted = {"solve": "owner/repo#1 & more=100%", "ключ": "ü+ä"}
    sandbox = await acme.create(metadata=wanted)
    await acme.create(metadata={"solve": "other"})
    assert await ids_of(acme, query=SandboxQuery(metadata=wanted)) == [sandbox.sandbox_id]
    assert await ids_of(acme, query=SandboxQuery(metadata={"solve": "owner"})) == []


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"template": "nobody-made-it"}, 404),
        ({"timeout": 24 * 3600 + 1}, 400),
        ({"metadata": {"n": 1}}, 400),
        ({"network": {"allow_out": ["example.com"]}}, 400),
        ({"network": {"deny_out": ["example.com"]}}, 400),
        ({"idempotency_key": "x", "timeout": -1}, 400),
    ],
)
async def test_what_is_wrong_is_refused(acme: Account, options: dict[str, object], status: int) -> None:
    with pytest.raises(SandboxException) as refused:
        await acme.create(**options)
    assert refused.value.status_code == status
    assert acme.service.machines == {}


async def test_a_wrong_key(acme: Account) -> None:
    stranger = acme.with_key("e2b_0123")
    with pytest.raises(AuthenticationException, match="401"):
        await stranger.create()
    with pytest.raises(AuthenticationException):
        await stranger.list().next_items()
    assert acme.requests("create") == [401]


async def test_a_wrong_token(acme: Account) -> None:
    ours, other = await acme.create(), await acme.create()
    acme.service.machines[ours.sandbox_id].token = "another one"
    with pytest.raises(AuthenticationException):
        await ours.commands.run("true")
    with pytest.raises(AuthenticationException):
        await ours.files.read("/etc/passwd")
    assert (await other.commands.run("true")).exit_code == 0
    assert await ours.is_running()  # health asks for no token


async def test_other_templates_that_are_known() -> None:
    async with account(World(plan=BOUNDLESS, templates=("base", "python-312"))) as acme:
        sandbox = await acme.create(template="python-312")
        assert (await sandbox.get_info()).name == "python-312"


async def test_the_same_key_makes_one_sandbox(acme: Account) -> None:
    first, second = await asyncio.gather(*(acme.create(idempotency_key="run-1") for _ in range(2)))
    third = await acme.create(idempotency_key="run-2")
    assert first.sandbox_id == second.sandbox_id != third.sandbox_id
    assert len(acme.service.machines) == 2


async def test_a_lost_answer_is_found_again_by_its_key(acme: Account) -> None:
    acme.service.faults.add("create", DROP_AFTER)
    with pytest.raises(httpx.TransportError):
        await acme.create(idempotency_key="run-1")
    (orphan,) = acme.service.machines
    assert (await acme.create(idempotency_key="run-1")).sandbox_id == orphan


async def test_time_to_live(acme: Account) -> None:
    sandbox = await acme.create(timeout=60)
    other = await acme.create(timeout=600)
    acme.service.clock.advance(59)
    assert await sandbox.is_running()
    await sandbox.set_timeout(10)
    acme.service.clock.advance(11)
    assert not await sandbox.is_running()
    assert list(acme.service.machines) == [other.sandbox_id]
    with pytest.raises(SandboxNotFoundException):
        await sandbox.get_info()
    with pytest.raises(SandboxNotFoundException):
        await sandbox.set_timeout(60)


async def test_connecting_lengthens_a_life_and_never_shortens_it(acme: Account) -> None:
    sandbox = await acme.create(timeout=600)
    await acme.sandboxes.connect(sandbox.sandbox_id, timeout=10)
    assert (await sandbox.get_info()).end_at > datetime.now(UTC) + timedelta(seconds=300)
    await acme.sandboxes.connect(sandbox.sandbox_id, timeout=3000)
    assert (await sandbox.get_info()).end_at > datetime.now(UTC) + timedelta(seconds=2000)


async def test_time_passes_by_itself(acme: Account) -> None:
    sandbox = await acme.create(timeout=2)
    machine = acme.service.machines[sandbox.sandbox_id].machine
    assert machine is not None
    await machine.ended
    assert acme.service.machines == {}


async def test_a_paused_sandbox_waits_and_goes_on(acme: Account) -> None:
    sandbox = await acme.create(timeout=60)
    count = await sandbox.commands.run("n=0; while :; do n=$((n+1)); echo $n >n; done", background=True, timeout=0)
    await until(lambda: sandbox.files.exists("n"))
    assert await sandbox.pause()
    assert not await sandbox.pause()
    assert (await sandbox.get_info()).state is SandboxState.PAUSED
    assert await ids_of(acme, query=SandboxQuery(state=[SandboxState.PAUSED])) == [sandbox.sandbox_id]
    assert await ids_of(acme, query=SandboxQuery(state=[SandboxState.RUNNING])) == []
    assert not await sandbox.is_running()
    with pytest.raises(SandboxException):
        await count.wait()  # nobody is connected any more
    acme.service.clock.advance(100_000)  # time does not pass for it
    again = await acme.sandboxes.connect(sandbox.sandbox_id, timeout=60)
    assert [process.pid for process in await again.commands.list()] == [count.pid]

    async def changed() -> bool:
        first, second = [(await again.commands.run("cat n")).stdout for _ in range(2)]
        return first != second

    assert await until(changed)
    assert acme.requests("connect") == [201]


async def test_a_sandbox_may_pause_when_its_time_is_over_and_wake_up_when_it_is_asked(acme: Account) -> None:
    lifecycle = {"on_timeout": "pause", "auto_resume": True}
    sandbox = await acme.create(timeout=60, lifecycle=lifecycle)
    sleeper = await acme.create(timeout=60, lifecycle={"on_timeout": "pause"})
    acme.service.clock.advance(61)
    assert {info.state for info in await acme.sandboxes.list().next_items()} == {SandboxState.PAUSED}
    assert (await sandbox.commands.run("echo awake")).stdout == "awake\n"
    assert (await sandbox.get_info()).state is SandboxState.RUNNING
    assert not await sleeper.is_running()
    assert await sleeper.kill()


async def test_rebooting_keeps_files_and_no_process(acme: Account) -> None:
    sandbox = await acme.create()
    await sandbox.commands.run("echo kept >kept; sleep 300 >/dev/null 2>&1 &")
    await sandbox.pause(mode="filesystem")
    again = await acme.sandboxes.connect(sandbox.sandbox_id, on_resume="reboot")
    assert (await again.commands.run("cat kept; pgrep -c sleep || true")).stdout == "kept\n0\n"


async def test_a_snapshot_starts_others(acme: Account) -> None:
    sandbox = await acme.create()
    await sandbox.commands.run("mkdir -p deep && echo one >deep/file && chmod 700 deep && ln -s /etc/shadow link")
    image = await sandbox.create_snapshot()
    await sandbox.files.write("deep/file", "two")
    await sandbox.kill()
    first, second = await asyncio.gather(*(acme.create(template=image.snapshot_id) for _ in range(2)))
    await first.files.write("deep/file", "first")
    assert await second.files.read("deep/file") == "one\n"
    assert (await second.commands.run("stat -c %U:%a deep; readlink link")).stdout == "user:700\n/etc/shadow\n"
    assert (await second.get_info()).template_id == image.snapshot_id


async def test_a_sandbox_killed_while_it_is_copied_leaves_no_image(acme: Account) -> None:
    sandbox = await acme.create()
    await sandbox.files.write("large", b"x" * 20_000_000)
    copying = asyncio.create_task(sandbox.create_snapshot())
    await until(lambda: _is_asked(acme, sandbox))
    await sandbox.kill()
    try:
        image = await copying
    except SandboxNotFoundException:
        assert acme.service.images == {}
    else:  # the copy was faster
        assert await acme.sandboxes.delete_snapshot(image.snapshot_id)


async def test_a_snapshot_deleted_while_others_start_from_it(acme: Account) -> None:
    sandbox = await acme.create()
    await sandbox.files.write("large", b"x" * 20_000_000)
    image = await sandbox.create_snapshot()
    starting = [asyncio.create_task(acme.create(template=image.snapshot_id)) for _ in range(3)]
    await until(lambda: _is_starting(acme))
    assert await acme.sandboxes.delete_snapshot(image.snapshot_id)
    for started in await asyncio.gather(*starting):
        assert (await started.commands.run("stat -c %s large")).stdout == "20000000\n"
    with pytest.raises(SandboxException, match="404"):
        await acme.create(template=image.snapshot_id)


async def _is_starting(acme: Account) -> bool:
    """All three, or done already."""
    running = await ids_of(acme)
    return acme.requests("create").count(201) + acme.service.starting == 4 and running != []


async def _is_asked(acme: Account, sandbox: AsyncSandbox) -> bool:
    await sandbox.get_info()
    return acme.service.machines[sandbox.sandbox_id].changing.locked() or acme.requests("snapshot") != []


async def test_snapshots_are_listed_named_and_deleted(acme: Account) -> None:
    sandbox, other = await acme.create(), await acme.create()
    image, _ = await sandbox.create_snapshot("solvebot-base"), await other.create_snapshot()
    found = await acme.sandboxes.list_snapshots(sandbox_id=sandbox.sandbox_id).next_items()
    assert [(snapshot.snapshot_id, snapshot.names) for snapshot in found] == [(image.snapshot_id, ["solvebot-base"])]
    assert (await acme.create(template="solvebot-base")).sandbox_id in acme.service.machines
    assert await acme.sandboxes.delete_snapshot(image.snapshot_id)
    assert not await acme.sandboxes.delete_snapshot(image.snapshot_id)
    assert len(acme.service.images) == 1
    with pytest.raises(SandboxException, match="404"):
        await acme.create(template="solvebot-base")


async def test_forks_have_the_files_and_each_its_own_result() -> None:
    async with account(World(plan=Plan(concurrent=3, creations=100))) as acme:
        sandbox = await acme.create(metadata={"run": "r"})
        await sandbox.files.write("note", "before")
        results = await sandbox.fork(count=3)
        forks = [result for result in results if isinstance(result, AsyncSandbox)]
        assert [type(result) for result in results if result not in forks] == [RateLimitException]
        assert [await fork.files.read("note") for fork in forks] == ["before", "before"]
        assert (await forks[0].get_info()).metadata == {"run": "r"}


async def test_no_more_sandboxes_at_once_than_the_plan_has() -> None:
    async with account(World(plan=Plan(concurrent=2, creations=100))) as acme:
        first, _ = await acme.create(), await acme.create()
        with pytest.raises(RateLimitException, match="concurrent"):
            await acme.create()
        assert acme.requests("create") == [201, 201, 429, 429, 429, 429]
        await first.pause()
        await acme.create()
        with pytest.raises(RateLimitException):
            await first.connect()


def standing_still() -> Clock:
    """Until it is pushed."""
    return Clock(now=lambda: 1_800_000_000.0)


async def test_no_more_creations_in_a_second_than_the_plan_has() -> None:
    async with account(World(plan=HOBBY, clock=standing_still())) as acme:
        await acme.create()
        with pytest.raises(RateLimitException):
            await acme.sandboxes.create(retries=0)
        acme.service.clock.advance(1)
        await acme.create()


async def test_no_more_requests_than_the_plan_has() -> None:
    async with account(World(plan=Plan(requests=2, sandbox_requests=2), clock=standing_still())) as acme:
        sandbox = await acme.create(retries=0)
        await sandbox.get_info()
        with pytest.raises(RateLimitException):
            await sandbox.get_info(retries=0)
        for _ in range(2):
            await sandbox.commands.run("true")
        with pytest.raises(RateLimitException):
            await sandbox.commands.run("true")
        acme.service.clock.advance(60)
        await sandbox.get_info()
        await sandbox.commands.run("true")


async def test_what_is_not_simulated_is_noticed(acme: Account) -> None:
    sandbox = await acme.create()
    with pytest.raises(SandboxException):
        await sandbox.pty.create(size=PtySize(rows=24, cols=80), on_data=print)
    assert acme.service.errors
    acme.service.errors.clear()


async def test_metrics_have_a_row(acme: Account) -> None:
    sandbox = await acme.create()
    (row,) = await sandbox.get_metrics()
    assert (row.cpu_count, row.mem_total) == (2, 512 * 1024**2)
    await sandbox.kill()
    with pytest.raises(NotFoundException):
        await sandbox.get_metrics()


async def test_a_creation_that_hangs_makes_its_sandbox_when_it_is_released(acme: Account) -> None:
    fault = acme.service.faults.add("create", HANG)
    creating = asyncio.create_task(acme.create())

    async def hangs() -> bool:
        return await ids_of(acme) == [] and fault.hits == 1

    await until(hangs)
    fault.release()
    assert (await creating).sandbox_id in acme.service.machines
