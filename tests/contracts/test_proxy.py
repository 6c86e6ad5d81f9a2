"""The set-up's proxy, spoken to directly: what a hostile set-up may send it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from bot.sandbox.local.directories import Room
from bot.sandbox.local.proxy import serve_proxy

ALLOWED = ("*.registry.invalid", "registry.invalid")


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"CONNECT registry.invalid:443 HTTP/1.1\r\n\r\n", b"502"),
        (b"CONNECT user@registry.invalid:443 HTTP/1.1\r\n\r\n", b"502"),
        (b"GET http://registry.invalid#@evil.invalid/ HTTP/1.1\r\n\r\n", b"502"),
        (b"CONNECT a..registry.invalid:443 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT .registry.invalid:443 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT -a.registry.invalid:443 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT a-.registry.invalid:443 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT registry.invalid..:443 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT a%2eb.registry.invalid:443 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT " + b"a" * 64 + b".registry.invalid:443 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT " + b"a." * 130 + b"registry.invalid:443 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT \xe9\xdf.registry.invalid:443 HTTP/1.1\r\n\r\n", b"400"),
        (b"GET http://x\x00.registry.invalid/ HTTP/1.1\r\n\r\n", b"400"),
        (b"GET http://registry.invalid/ HTTP/1.1\r\nA: b\nC: d\r\n\r\n", b"400"),
        (b"GET http://registry.invalid/ HTTP/1.1\r\nA: b\n\nGET / HTTP/1.1\r\n\r\n", b"400"),
        (b"GET http://registry.invalid/ HTTP/1.1\r\nA: b\rC: d\r\n\r\n", b"400"),
        (b"GET http://registry.invalid/ HTTP/1.1\r\nA: \x1b[2J\r\n\r\n", b"400"),
        (b"GET http://registry.invalid/ HTTP/1.1\r\nA: \x7f\r\n\r\n", b"400"),
        (b"GET http://user@registry.invalid:80@evil.invalid/ HTTP/1.1\r\n\r\n", b"403"),
        (b"GET http://registry.invalid\\@evil.invalid/ HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT registry.invalid:22 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT registry.invalid:99999 HTTP/1.1\r\n\r\n", b"400"),
        (b"CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: registry.invalid\r\n\r\n", b"403"),
        (b"CONNECT [::1]:443 HTTP/1.1\r\n\r\n", b"403"),
        (b"CONNECT 2130706433:443 HTTP/1.1\r\n\r\n", b"403"),
        (b"POST http://registry.invalid/ HTTP/1.1\r\n\r\n", b"405"),
        (b"GET http://registry.invalid/ HTTP/2.0\r\n\r\n", b"400"),
        (b"\r\n\r\n", b"400"),
        (b"\xff\xff\xff\r\n\r\n", b"400"),
    ],
)
async def test_every_request_gets_an_answer(head: bytes, status: bytes) -> None:
    """Nothing that it says breaks the proxy, and no name that is not listed is even looked up."""
    problems: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, problem: problems.append(problem))
    with TemporaryDirectory(prefix="solvebot-") as short:  # the address of a socket has 107 bytes
        room = Room(Path(short), None)
        async with serve_proxy(room, ALLOWED, allow_private=False) as socket, asyncio.timeout(20):
            reader, writer = await asyncio.open_unix_connection(socket)
            writer.write(head)
            assert (await reader.read()).split(b" ")[1:2] == [status]
            writer.close()
    assert problems == []
