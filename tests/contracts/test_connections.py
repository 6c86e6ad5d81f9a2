"""What strangers can do to the web process before anything looks at their request."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp
import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from bot.web.connection import BoundedProtocol
from bot.web.webhook import SMALL, Receiver

SOON = 20.0  # seconds until a connection that goes over a limit must be over


class Hasty(BoundedProtocol):
    seconds = 0.3
    most_connections = 5


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of the body once it is complete; on one path at once."""
    size, more = 0, scope["path"] != "/at-once"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = str(size).encode()
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(protocol: type[BoundedProtocol], app: ASGIApp = echo) -> AsyncIterator[int]:
    config = uvicorn.Config(app, lifespan="off", ws="none", access_log=False, log_config=None)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: protocol(config=config, server_state=state, app_state={}), host="127.0.0.1", port=0
    )
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for connection in list(state.connections):
            connection.shutdown()
        for task in list(state.tasks):
            task.cancel()
        await asyncio.sleep(0)


async def is_ended(port: int, parts: Iterable[bytes]) -> bool:
    """Send it piece by piece; does the server end the connection before everything was sent or answered?"""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(SOON):
            for part in parts:
                writer.write(part)
                await writer.drain()
            while await reader.read(65_536):
                pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    finally:
        writer.transport.abort()
    return True


HEAD = b"POST /x HTTP/1.1\r\nHost: x\r\n"
ENDLESS = {
    "a header without end": [HEAD + b"X: ", *[b"a" * 65_536] * 400],
    "headers without end": [HEAD, *[b"X: y\r\n" * 10_000] * 400],
    "an address without end": [b"POST /", *[b"a" * 65_536] * 400],
    "a trailer without end": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: ", *[b"a" * 65_536] * 400],
    "chunks of nearly nothing": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1;abcdef\r\nx\r\n" * 5_000] * 400],
    "a trailer after the answer": [
        b"GET /at-once HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
        *[b"a" * 65_536] * 400,
    ],
}


@pytest.mark.parametrize("parts", ENDLESS.values(), ids=ENDLESS.keys())
async def test_what_has_no_end_is_ended(parts: list[bytes]) -> None:
    async with serving(BoundedProtocol) as port:
        assert await is_ended(port, parts)


@pytest.mark.parametrize(
    "beginning",
    [
        b"",
        b"POST",
        HEAD,
        HEAD + b"Content-Length: 10\r\n\r\n12345",
        b"GET /at-once HTTP/1.1\r\nContent-Length: 9\r\n\r\n",
    ],
)
async def test_who_does_not_go_on_is_not_waited_for(beginning: bytes) -> None:
    async with serving(Hasty) as port:
        assert await is_ended(port, [beginning] if beginning else [])


async def test_there_are_no_more_connections_than_the_process_can_bear() -> None:
    class Patient(Hasty):
        seconds = 60.0

    async with serving(Patient) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(5)]
        assert await is_ended(port, [])
        for _, writer in held:
            writer.close()
            await writer.wait_closed()
        async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{port}/") as response:
            assert await response.text() == "0"


async def test_honest_requests_get_through_one_after_the_other() -> None:
    """Large and small ones, in one piece and in many, on one connection."""

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"z" * 65_536

    connector = aiohttp.TCPConnector(limit=1)
    async with serving(BoundedProtocol) as port, aiohttp.ClientSession(connector=connector) as client:
        for data, size in ((io.BytesIO(b"y" * 3_000_000), 3_000_000), (b"", 0), (chunks(), 6_553_600)):
            async with client.post(f"http://127.0.0.1:{port}/x", data=data, headers={"X": "a" * 30_000}) as response:
                assert await response.text() == str(size)


class Nobody:
    async def put(self, guid: str, event: str, record: bytes) -> None:
        raise AssertionError("nothing was signed")


async def test_large_bodies_of_strangers_do_not_fill_the_memory() -> None:
    """They are held until they can be verified; small ones, as nearly all of GitHub's are, always get through."""
    receiver = Receiver([b"secret"], Nobody(), echo, most_held=3_000_000)
    head = b"POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += (
        b"X-GitHub-Event: ping\r\nX-GitHub-Delivery: g\r\nX-Hub-Signature-256: sha256="
        + b"0" * 64
        + b"\r\nContent-Length: %d\r\n\r\n"
    )
    async with serving(BoundedProtocol, receiver) as port:
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(4)]
        for _, writer in held:
            writer.write(head % 2_000_000 + b" " * 1_500_000)
        answers = [asyncio.create_task(reader.readline()) for reader, _ in held]
        done, waiting = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED, timeout=SOON)
        assert {answer.result()[:12] for answer in done} == {b"HTTP/1.1 503"}
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head % SMALL + b" " * SMALL)
        assert b" 401 " in await reader.readline()
        for answer in waiting:
            answer.cancel()
        for _, stream in [*held, (reader, writer)]:
            stream.transport.abort()
