"""What sandboxes of the E2B simulator can reach: the network that their policy allows, and nothing of this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from e2b import AsyncSandbox, CommandExitException, FileNotFoundException, SandboxException

from bot.simulators.e2b import BOUNDLESS, World
from tests.contracts.e2b_world import Account, account, until

ALL = "0.0.0.0/0"
LARGE = "x" * 3_000_000
needs_namespaces = pytest.mark.namespaces


@pytest.fixture
async def acme() -> AsyncIterator[Account]:
    async with account() as acme:
        yield acme


@asynccontextmanager
async def registry() -> AsyncIterator[tuple[str, int]]:
    """A server that says hello, sends back what it gets, and then much."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        writer.write(await reader.readline())
        writer.write(LARGE.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[:2]


@asynccontextmanager
async def online() -> AsyncIterator[tuple[Account, int]]:
    """With an internet of four names, all the same server; and the port that it has here."""
    async with registry() as (host, port):
        names = ("registry.test", "files.registry.test", "evil.test", "127.0.0.2.test")
        world = World(plan=BOUNDLESS, egress=dict.fromkeys(names, (host, port)))
        async with account(world) as acme:
            yield acme, port


async def greet(sandbox: AsyncSandbox, host: str, port: int = 443) -> str:
    """What it says, or why not."""
    command = f"exec 3<>/dev/tcp/{host}/{port} && echo hi >&3 && head -n 2 <&3"
    try:
        return (await sandbox.commands.run(command)).stdout
    except CommandExitException as error:
        return "refused" if "Connection refused" in error.stderr else error.stderr


@needs_namespaces
async def test_names_are_reached_and_nothing_else() -> None:
    async with online() as (acme, port):
        sandbox = await acme.create()
        for door in (80, 443, port):
            assert await greet(sandbox, "registry.test", door) == "hello\nhi\n"
        assert await greet(sandbox, "registry.test", 22) == "refused"
        assert "not known" in await greet(sandbox, "unknown.test")
        assert await greet(sandbox, "127.0.0.1", port) == "refused"
        assert "unreachable" in await greet(sandbox, "203.0.113.7")
        received = "exec 3<>/dev/tcp/registry.test/80 && echo >&3 && tail -n 1 <&3 | wc -c"
        assert (await sandbox.commands.run(received)).stdout == f"{len(LARGE)}\n"


@needs_namespaces
@pytest.mark.parametrize(
    ("options", "reached"),
    [
        ({}, {"registry.test", "files.registry.test", "evil.test"}),
        ({"allow_internet_access": False}, set()),
        ({"network": {"deny_out": [ALL]}}, set()),
        ({"network": {"deny_out": [ALL], "allow_out": ["registry.test"]}}, {"registry.test"}),
        ({"network": {"deny_out": [ALL], "allow_out": ["*.registry.test"]}}, {"files.registry.test"}),
        ({"network": {"deny_out": [ALL], "allow_out": [ALL]}}, {"registry.test", "files.registry.test", "evil.test"}),
    ],
)
async def test_policies_at_the_beginning(options: dict[str, object], reached: set[str]) -> None:
    async with online() as (acme, _):
        sandbox = await acme.create(**options)
        for name in ("registry.test", "files.registry.test", "evil.test"):
            assert await greet(sandbox, name) == ("hello\nhi\n" if name in reached else "refused")


@needs_namespaces
async def test_policies_change_at_once_in_both_directions() -> None:
    async with online() as (acme, _):
        sandbox = await acme.create(network={"deny_out": [ALL], "allow_out": ["registry.test"]})
        await sandbox.update_network({"allow_internet_access": False})
        assert await greet(sandbox, "registry.test") == "refused"
        await sandbox.update_network({"deny_out": [ALL], "allow_out": ["evil.test"]})
        assert await greet(sandbox, "evil.test") == "hello\nhi\n"
        assert await greet(sandbox, "registry.test") == "refused"
        await sandbox.update_network({})
        assert await greet(sandbox, "registry.test") == "hello\nhi\n"
        with pytest.raises(SandboxException, match="ALL_TRAFFIC"):
            await sandbox.update_network({"allow_out": ["evil.test"]})
        network = (await sandbox.get_info()).network
        assert network is not None
        assert network["allow_out"] == []


@needs_namespaces
async def test_a_connection_that_is_not_allowed_any_more_ends() -> None:
    async with online() as (acme, _):
        sandbox = await acme.create()
        connected = asyncio.Event()
        command = "exec 3<>/dev/tcp/evil.test/443; head -n 1 <&3; cat <&3; echo ended"
        handle = await sandbox.commands.run(command, background=True, timeout=0, on_stdout=lambda text: connected.set())
        await connected.wait()
        await sandbox.update_network({"allow_internet_access": False})
        assert (await handle.wait()).stdout == "hello\nended\n"


@needs_namespaces
async def test_policies_of_forks_and_of_what_woke_up() -> None:
    async with online() as (acme, _):
        sandbox = await acme.create(allow_internet_access=False)
        await sandbox.update_network({"deny_out": [ALL], "allow_out": ["registry.test"]})
        (fork,) = await sandbox.fork()
        assert isinstance(fork, AsyncSandbox)
        await sandbox.pause(mode="filesystem")
        await sandbox.connect(on_resume="reboot")
        for one in (fork, sandbox):
            assert await greet(one, "registry.test") == "hello\nhi\n"
            assert await greet(one, "evil.test") == "refused"


@needs_namespaces
async def test_servers_inside_are_reached_inside(acme: Account) -> None:
    sandbox, other = await acme.create(allow_internet_access=False), await acme.create()
    await sandbox.commands.run("echo page >index.html; python3 -m http.server 8000 >/dev/null 2>&1 &")
    ask = "import urllib.request as r; print(r.urlopen('http://localhost:8000/index.html').read())"

    async def answers() -> bool:
        said = await sandbox.commands.run(f'python3 -c "{ask}" 2>&1 || true')
        return "page" in said.stdout

    await until(answers)
    assert await greet(other, "127.0.0.1", 8000) == "refused"


@needs_namespaces
async def test_nothing_of_this_machine_is_there(acme: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOLVEBOT_TEST_SECRET", "hunter2")
    sandbox = await acme.create()
    run = sandbox.commands.run
    everything = (await run("env; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n'")).stdout
    assert "hunter2" not in everything
    assert "pytest" not in everything
    assert "bwrap" not in everything
    assert int((await run("ls -d /proc/[0-9]* | wc -l")).stdout) < 8
    assert (await run("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '")).stdout == "lo\n"
    assert (await run(f"ls -d {Path(__file__).parent} 2>&1 || true")).stdout.endswith("No such file or directory\n")
    assert (await run("unshare -U true 2>&1 || echo no")).stdout.endswith("no\n")
    assert (await run("cat /proc/sys/kernel/core_pattern >/proc/sys/kernel/core_pattern || echo no")).stdout == "no\n"
    sets = "grep -c '^Cap\\(Prm\\|Eff\\|Bnd\\|Amb\\):.*[1-9a-f]' /proc/self/status || true"
    assert (await run(sets)).stdout == "0\n"


@needs_namespaces
async def test_a_path_does_not_lead_out_of_a_sandbox(acme: Account) -> None:
    sandbox, other = await acme.create(), await acme.create()
    await other.files.write("/home/user/theirs", "secret")
    root = acme.service.machines[other.sandbox_id].root
    outside = f"{root}/home/user/theirs"
    assert Path(outside).read_text() == "secret"
    await sandbox.commands.run(f"ln -s /etc/shadow a; ln -s {outside} b; ln -s /proc/1/root{outside} c; ln -s / d")
    for path in ("a", "b", "c", "d/etc/shadow", outside, "../../../../../../etc/shadow"):
        with pytest.raises(FileNotFoundException):
            await sandbox.files.read(path)
    await sandbox.files.write(outside, "mine")  # in directories of its own
    assert await sandbox.files.read("b") == "mine"
    assert Path(outside).read_text() == "secret"


@needs_namespaces
async def test_files_of_a_sandbox_belong_to_nobody_else(acme: Account) -> None:
    sandboxes = [await acme.create() for _ in range(2)]
    owners = {acme.service.machines[sandbox.sandbox_id].root.stat().st_uid for sandbox in sandboxes}
    if os.geteuid() == 0:
        assert len(owners) == 2
        assert 0 not in owners
    else:
        assert owners == {os.geteuid()}


@needs_namespaces
async def test_whoever_kills_everything_hits_only_himself(acme: Account) -> None:
    sandbox, other = await acme.create(), await acme.create()
    with pytest.raises(CommandExitException):
        await sandbox.commands.run("kill -9 1; kill -9 -1; kill -9 $$")
    assert (await sandbox.commands.run("echo here")).stdout == "here\n"
    assert (await other.commands.run("echo here")).stdout == "here\n"


@needs_namespaces
async def test_a_machine_that_breaks_is_gone(acme: Account) -> None:
    sandbox = await acme.create()
    machine = acme.service.machines[sandbox.sandbox_id].machine
    assert machine is not None
    machine.kill()
    await machine.ended
    assert not await sandbox.is_running()
    assert acme.service.machines == {}


async def test_without_isolation_commands_and_files_still_work() -> None:
    """For machines without namespaces: what is promised there is less, and works."""
    async with account(World(plan=BOUNDLESS, isolated=False)) as acme:
        sandbox = await acme.create()
        await sandbox.files.write("note", "text")
        assert (await sandbox.commands.run("cat note; cat ~/note")).stdout == "texttext"
        assert [entry.path for entry in await sandbox.files.list(".")] == ["/home/user/note"]
        image = await sandbox.create_snapshot()
        handle = await sandbox.commands.run("exec sleep 300", background=True, timeout=0)
        assert await handle.kill()
        await sandbox.pause()
        await sandbox.connect()
        other = await acme.create(template=image.snapshot_id)
        assert await other.files.read("/home/user/note") == "text"
        started = await other.commands.run("sleep 300 & echo $!", background=True, timeout=0)
        assert await other.kill()
        with pytest.raises(SandboxException):
            await started.wait()


@needs_namespaces
async def test_what_a_command_may_use_is_bounded(acme: Account) -> None:
    sandbox = await acme.create()
    limits = await sandbox.commands.run("ulimit -Hc; ulimit -Hd; ulimit -Hf; ulimit -Hn; ulimit -Hu")
    core, data, file, files, processes = (int(line) for line in limits.stdout.split())
    assert (core, data, file) == (0, 4 * 1024**2, 2 * 1024**2)  # blocks of 1024 bytes
    assert files <= 4096
    assert processes <= 1024
    bomb = "for i in $(seq 1500); do sleep 300 & done 2>&1 | grep -m 1 -o 'Resource temporarily unavailable'"
    assert "unavailable" in (await sandbox.commands.run(f"{bomb}; pkill sleep; true")).stdout
    assert (await sandbox.commands.run("echo well")).stdout == "well\n"
