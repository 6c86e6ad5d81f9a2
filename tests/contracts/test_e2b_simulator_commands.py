"""Commands in the E2B simulator, as the real SDK sees them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from e2b import (
    AsyncSandbox,
    AuthenticationException,
    CommandExitException,
    InvalidArgumentException,
    NotFoundException,
    SandboxException,
    SandboxNotRunningException,
    TimeoutException,
)

from bot.simulators.e2b.commands import REMEMBERED
from tests.contracts.e2b_world import Account, account, until

pytestmark = pytest.mark.namespaces
MEGABYTE = 1_000_000
ECHO = "while read line; do echo got $line; echo $line >>seen; done"


@pytest.fixture
async def acme() -> AsyncIterator[Account]:
    async with account() as acme:
        yield acme


@pytest.fixture
async def sandbox(acme: Account) -> AsyncSandbox:
    return await acme.create()


async def seen(sandbox: AsyncSandbox, text: str) -> None:
    """Until the file says so. One more command then: output that was written before has left the sandbox by now."""

    async def there() -> bool:
        return text in (await sandbox.commands.run("cat seen 2>/dev/null || true")).stdout

    await until(there)
    await sandbox.commands.run("true")


async def test_output_comes_in_pieces_as_it_is_written(sandbox: AsyncSandbox) -> None:
    pieces: list[str] = []
    first = asyncio.Event()

    def on_stdout(text: str) -> None:
        pieces.append(text)
        first.set()

    handle = await sandbox.commands.run(
        "echo one; read go; echo two >&2; echo three", background=True, stdin=True, timeout=0, on_stdout=on_stdout
    )
    await first.wait()
    assert pieces == ["one\n"]
    await handle.send_stdin("go\n")
    result = await handle.wait()
    assert (result.stdout, result.stderr, result.exit_code, result.error) == ("one\nthree\n", "two\n", 0, None)


@pytest.mark.parametrize(
    ("command", "code", "error"),
    [
        ("exit 3", 3, "exit status 3"),
        ("nobody-has-this-command", 127, "exit status 127"),
        ("kill -9 $$", -1, "signal: killed"),
        ("kill -TERM $$", -1, "signal: terminated"),
        ("bash -c 'kill -9 $$'", -1, "signal: killed"),  # bash runs the last command in its own place
        ("bash -c 'kill -9 $$'; exit $?", 137, "exit status 137"),
    ],
)
async def test_how_a_command_ends(sandbox: AsyncSandbox, command: str, code: int, error: str) -> None:
    with pytest.raises(CommandExitException) as ended:
        await sandbox.commands.run(command)
    assert (ended.value.exit_code, ended.value.error) == (code, error)


async def test_where_a_command_finds_itself(sandbox: AsyncSandbox) -> None:
    run = sandbox.commands.run
    assert (await run("whoami; pwd; echo $HOME $USER")).stdout == "user\n/home/user\n/home/user user\n"
    assert (await run("pwd; echo $HOME $USER", user="root")).stdout == "/root\n/root root\n"
    assert (await run("pwd", cwd="/usr/bin")).stdout == "/usr/bin\n"
    await run("mkdir -p below")
    assert (await run("pwd", cwd="below")).stdout == "/home/user/below\n"
    assert (await run("echo $A-$B; cat; echo end", envs={"A": "1", "B": "x y=z"})).stdout == "1-x y=z\nend\n"
    assert (await run("touch x; chown user:user x && chown root:root x && stat -c %U x")).stdout == "user\n"
    with pytest.raises(InvalidArgumentException, match="does not exist"):
        await run("pwd", cwd="/nowhere")
    with pytest.raises(AuthenticationException, match="nobody-knows"):
        await run("pwd", user="nobody-knows")
    with pytest.raises(InvalidArgumentException, match="NUL"):
        await run("echo a\0b")
    with pytest.raises(InvalidArgumentException):
        await run("true", envs={"": "a variable without a name"})


async def test_much_output_arrives_whole(sandbox: AsyncSandbox) -> None:
    command = f"head -c {20 * MEGABYTE} /dev/zero | tr '\\0' x; echo err >&2"
    result = await sandbox.commands.run(command)
    assert (len(result.stdout), set(result.stdout), result.stderr) == (20 * MEGABYTE, {"x"}, "err\n")


async def test_a_slow_listener_slows_the_command_and_nobody_else(acme: Account, sandbox: AsyncSandbox) -> None:
    goes_on = asyncio.Event()
    size = 0

    async def on_stdout(text: str) -> None:
        nonlocal size
        size += len(text)
        await goes_on.wait()

    command = f"head -c {40 * MEGABYTE} /dev/zero | tee >(tail -c 1 >all-written); wait"
    handle = await sandbox.commands.run(command, background=True, timeout=0, on_stdout=on_stdout, retain_output=False)
    await sandbox.files.write("other", "x" * MEGABYTE)
    assert len((await sandbox.commands.run("cat other")).stdout) == MEGABYTE
    assert (await sandbox.commands.run("cat all-written")).stdout == ""
    goes_on.set()
    await handle.wait()
    assert size == 40 * MEGABYTE


async def test_input_until_its_end(sandbox: AsyncSandbox) -> None:
    handle = await sandbox.commands.run("wc -c", background=True, stdin=True, timeout=0)
    await handle.send_stdin("x" * MEGABYTE)
    await handle.send_stdin(b"\0\xff")
    await handle.close_stdin()
    assert (await handle.wait()).stdout == f"{MEGABYTE + 2}\n"


async def test_a_command_without_input_reads_nothing(sandbox: AsyncSandbox) -> None:
    handle = await sandbox.commands.run("cat; sleep 300", background=True, timeout=0)
    with pytest.raises(SandboxException, match="stdin"):
        await handle.send_stdin("lost")
    await handle.kill()


async def test_a_command_that_takes_too_long(sandbox: AsyncSandbox) -> None:
    """The leader is killed, and nobody else."""
    with pytest.raises(TimeoutException):
        await sandbox.commands.run("(sleep 301 &) >/dev/null 2>&1; exec sleep 302", timeout=1)

    async def one_is_left() -> bool:
        return (await sandbox.commands.run("pgrep -a sleep || true")).stdout.split()[1:] == ["sleep", "301"]

    await until(one_is_left)
    assert await sandbox.commands.list() == []


async def test_what_waits_for_the_end_waits_for_those_who_hold_the_output(sandbox: AsyncSandbox) -> None:
    handle = await sandbox.commands.run("sleep 300 & echo $!", background=True, timeout=0)
    waiting = asyncio.create_task(handle.wait())
    await until(lambda: _leader_is_gone(sandbox, handle.pid))
    assert not waiting.done()
    await sandbox.commands.run("pkill sleep")
    assert (await waiting).exit_code == 0


async def _leader_is_gone(sandbox: AsyncSandbox, pid: int) -> bool:
    return "no" in (await sandbox.commands.run(f"kill -0 {pid} 2>/dev/null || echo no")).stdout


async def test_killing_ends_the_leader_alone(sandbox: AsyncSandbox) -> None:
    handle = await sandbox.commands.run("sleep 301 >/dev/null 2>&1 & exec sleep 302", background=True, timeout=0)
    await until(lambda: _sleeps(sandbox, 2))
    assert [(process.pid, process.args[-1][:9]) for process in await sandbox.commands.list()] == [
        (handle.pid, "sleep 301")
    ]
    assert await handle.kill()
    with pytest.raises(CommandExitException) as ended:
        await handle.wait()
    assert (ended.value.exit_code, ended.value.error) == (-1, "signal: killed")
    assert await _sleeps(sandbox, 1)
    assert not await handle.kill()
    assert not await sandbox.commands.kill(99_999)
    assert await sandbox.commands.list() == []


async def _sleeps(sandbox: AsyncSandbox, number: int) -> bool:
    return (await sandbox.commands.run("pgrep -c sleep || true")).stdout == f"{number}\n"


async def test_no_command_leads_a_group_of_processes(sandbox: AsyncSandbox) -> None:
    """As in the service: who wants to end a whole tree makes it a group, with `setsid` or `timeout`."""
    with pytest.raises(CommandExitException):
        await sandbox.commands.run("kill -0 -- -$$")
    await sandbox.commands.run("exec timeout 10 bash -c 'kill -0 -- -$PPID'")


async def test_who_connects_again_hears_only_what_is_new(acme: Account, sandbox: AsyncSandbox) -> None:
    handle = await sandbox.commands.run(ECHO, background=True, stdin=True, timeout=0)
    await handle.send_stdin("one\n")
    await seen(sandbox, "one")
    await handle.disconnect()
    await until(lambda: _nobody_listens(acme, sandbox))
    await sandbox.commands.send_stdin(handle.pid, "two\n")
    await seen(sandbox, "two")
    again = await sandbox.commands.connect(handle.pid, timeout=0)
    await again.send_stdin("three\n")
    await again.close_stdin()
    result = await again.wait()
    assert (handle.stdout, result.stdout, result.exit_code) == ("got one\n", "got three\n", 0)


async def _nobody_listens(acme: Account, sandbox: AsyncSandbox) -> bool:
    await sandbox.is_running()
    running = acme.service.machines[sandbox.sandbox_id].commands.running
    return not any(command.has_listeners for command in running)


async def test_two_who_listen_hear_the_same(sandbox: AsyncSandbox) -> None:
    handle = await sandbox.commands.run(ECHO, background=True, stdin=True, timeout=0)
    other = await sandbox.commands.connect(handle.pid, timeout=0)
    await handle.send_stdin("both\n")
    await handle.close_stdin()
    assert (await handle.wait()).stdout == (await other.wait()).stdout == "got both\n"


async def test_an_end_is_remembered_for_a_while(acme: Account, sandbox: AsyncSandbox) -> None:
    handle = await sandbox.commands.run("exit 7", background=True, timeout=0)
    with pytest.raises(CommandExitException):
        await handle.wait()
    acme.service.clock.advance(REMEMBERED - 1)
    late = await sandbox.commands.connect(handle.pid, timeout=0)
    with pytest.raises(CommandExitException) as ended:
        await late.wait()
    assert (ended.value.exit_code, ended.value.stdout) == (7, "")
    acme.service.clock.advance(1)
    with pytest.raises(NotFoundException):
        await sandbox.commands.connect(handle.pid, timeout=0)


async def test_cancelling_the_wait_leaves_the_command_running(acme: Account, sandbox: AsyncSandbox) -> None:
    task = asyncio.create_task(sandbox.commands.run("touch seen; exec sleep 300", timeout=0))
    await until(lambda: sandbox.files.exists("seen"))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(await sandbox.commands.list()) == 1


async def test_a_deadline_of_who_reconnected_ends_only_the_stream(sandbox: AsyncSandbox) -> None:
    handle = await sandbox.commands.run("exec sleep 300", background=True, timeout=0)

    async def follow() -> None:
        """In a task of its own, because the SDK ends the one that connected."""
        await (await sandbox.commands.connect(handle.pid, timeout=0.1)).wait()

    with pytest.raises(TimeoutException):
        await asyncio.create_task(follow())
    assert [process.pid for process in await sandbox.commands.list()] == [handle.pid]


async def test_a_sandbox_killed_under_a_command(acme: Account, sandbox: AsyncSandbox) -> None:
    handle = await sandbox.commands.run("exec sleep 300", background=True, timeout=0)
    await sandbox.kill()
    with pytest.raises(SandboxNotRunningException):
        await handle.wait()
    with pytest.raises(SandboxNotRunningException):
        await sandbox.commands.run("true")


async def test_orphans_are_reaped(sandbox: AsyncSandbox) -> None:
    await sandbox.commands.run("for i in 1 2 3; do (true & exec true) & done; wait")

    async def no_zombies() -> bool:
        return (await sandbox.commands.run("ps -eo stat= | grep -c '^Z' || true")).stdout == "0\n"

    await until(no_zombies)


async def test_many_sandboxes_work_at_once(acme: Account) -> None:
    sandboxes = await asyncio.gather(*(acme.create() for _ in range(20)))
    results = await asyncio.gather(*(s.commands.run(f"sleep 0.3; echo {n}") for n, s in enumerate(sandboxes)))
    assert [result.stdout for result in results] == [f"{n}\n" for n in range(20)]


async def test_a_quiet_command_shows_signs_of_life(acme: Account, sandbox: AsyncSandbox) -> None:
    """The SDK asks for one every 50 seconds, which is long for a test: so this asks by itself."""
    message = json.dumps({"process": {"cmd": "/bin/sleep", "args": ["300"]}}).encode()
    headers = {
        "Content-Type": "application/connect+json",
        "E2b-Sandbox-Id": sandbox.sandbox_id,
        "X-Access-Token": acme.service.machines[sandbox.sandbox_id].token,
        "Keepalive-Ping-Interval": "0.01",
    }
    url = f"{acme.service.url}/process.Process/Start"
    async with (
        aiohttp.ClientSession(headers=headers) as client,
        client.post(url, data=b"\0" + len(message).to_bytes(4, "big") + message) as stream,
    ):
        received = b""
        while received.count(b'{"event":{"keepalive":{}}}') < 3:
            received += await stream.content.readany()
    assert received.index(b'"start"') < received.index(b'"keepalive"')


async def test_a_snapshot_holds_a_command_only_for_a_moment(sandbox: AsyncSandbox) -> None:
    handle = await sandbox.commands.run(ECHO, background=True, stdin=True, timeout=0)
    await sandbox.create_snapshot()
    await handle.send_stdin("after\n")
    await handle.close_stdin()
    assert (await handle.wait()).stdout == "got after\n"
