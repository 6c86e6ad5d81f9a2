"""The set-up's way out: an allow-listing proxy that real clients inside a sandbox talk to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.core.model import SandboxId
from bot.sandbox.local.bubblewrap import BubblewrapSandboxes
from tests.contracts.local_sandboxes import bubblewrap, public_directory

pytestmark = pytest.mark.namespaces

A = SandboxId("set-up")
SOON = 20.0
GET = "python3 -c 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())' "
TUNNEL = (
    "exec 3<>/dev/tcp/127.0.0.1/3128; printf 'CONNECT {} HTTP/1.1\\r\\n\\r\\n' >&3; "
    "read -r status <&3; read -r blank <&3; echo $status; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; tail -n 1 <&3"
)


@pytest.fixture
def directory() -> Iterator[Path]:
    with public_directory() as path:
        yield path


@pytest.fixture
async def sandboxes(directory: Path) -> AsyncIterator[BubblewrapSandboxes]:
    sandboxes = bubblewrap(directory, allow_private=True)
    await sandboxes.create(A)
    yield sandboxes
    assert list((directory / "living" / A).glob("proxy-*")) == []
    await sandboxes.close(A)


@asynccontextmanager
async def registry() -> AsyncIterator[tuple[int, list[bytes]]]:
    """A web server on this host: its port, and the heads of the requests it got."""
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.read(65_536)
        if head:  # nothing: connected, and gone without a word
            heads.append(head)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\npackage")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], heads


async def test_a_listed_host_is_reached(sandboxes: BubblewrapSandboxes) -> None:
    async with registry() as (port, heads):
        listed = [f"localhost:{port}"]
        done = await sandboxes.run(A, f"{GET} http://localhost:{port}/simple/", timeout=SOON, network=listed)
        assert (done.exit_code, done.output) == (0, "package\n")
        done = await sandboxes.run(A, TUNNEL.format(f"localhost:{port}"), timeout=SOON, network=listed)
        assert done.output == "HTTP/1.1 200 Connection established\r\npackage"
    assert [head.partition(b"\r\n")[0] for head in heads] == [b"GET /simple/ HTTP/1.1", b"GET / HTTP/1.0"]


async def test_nothing_else_is_reached(sandboxes: BubblewrapSandboxes) -> None:
    async with registry() as (port, heads):
        listed = ["elsewhere.example"]
        done = await sandboxes.run(A, f"{GET} http://localhost:{port}/", timeout=SOON, network=listed)
        assert "HTTP Error 403" in done.output
        done = await sandboxes.run(A, TUNNEL.format(f"127.0.0.1:{port}"), timeout=SOON, network=listed)
        assert done.output.startswith("HTTP/1.1 403")
        direct = f"(exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null || echo closed; getent hosts example.com || echo no"
        assert (await sandboxes.run(A, direct, timeout=SOON, network=listed)).output == "closed\nno\n"
    assert heads == []


async def test_a_listed_name_does_not_lead_into_our_network(directory: Path) -> None:
    sandboxes = bubblewrap(directory)
    await sandboxes.create(A)
    async with registry() as (port, heads):
        listed = [f"localhost:{port}"]
        done = await sandboxes.run(A, TUNNEL.format(f"localhost:{port}"), timeout=SOON, network=listed)
        assert done.output.startswith("HTTP/1.1 403")
    assert heads == []
    await sandboxes.close(A)


async def test_the_forwarder_is_nobodys_child(sandboxes: BubblewrapSandboxes) -> None:
    """`wait` does not wait for it, its descriptors hold nothing up, and it goes with the command."""
    done = await sandboxes.run(A, "true & wait; echo done; exit 4", timeout=SOON, network=["registry.example"])
    assert (done.exit_code, done.output, done.timed_out) == (4, "done\n", False)


async def test_connections_at_once(sandboxes: BubblewrapSandboxes) -> None:
    async with registry() as (port, heads):
        command = f"for i in 1 2 3 4 5 6 7 8; do {GET} http://localhost:{port}/$i & done; wait"
        done = await sandboxes.run(A, command, timeout=60, network=[f"localhost:{port}"])
    assert done.output == "package\n" * 8
    assert len(heads) == 8


async def test_a_connection_left_open_ends_with_the_command(sandboxes: BubblewrapSandboxes) -> None:
    async with registry() as (port, _):
        connect = TUNNEL.format(f"localhost:{port}").partition("; read -r blank")[0]
        done = await sandboxes.run(A, f"{connect}; echo $status", timeout=SOON, network=[f"localhost:{port}"])
    assert "200" in done.output
