"""What strangers send to the webhook: no signature, and no more than the reading of a head."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import structlog.testing
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette

from bot.web.connection import BoundedProtocol
from bot.web.webhook import Receiver
from tests.contracts.test_connections import Nobody, serving

RECEIVER = Receiver([b"secret"], Nobody(), Starlette())
SIGNED = b"sha256=" + b"0" * 64
SOON = 20.0  # seconds in which an answer must be there


def head(*lines: bytes, signature: bytes | None = SIGNED, content_type: bytes = b"application/json") -> bytes:
    named = [
        b"Host: x",
        b"Content-Type: " + content_type,
        b"X-GitHub-Event: ping",
        b"X-GitHub-Delivery: 1",
        *([] if signature is None else [b"X-Hub-Signature-256: " + signature]),
    ]
    return b"\r\n".join([b"POST /webhook HTTP/1.1", *named, *lines, b"", b""])


@pytest.fixture
async def port() -> AsyncIterator[int]:
    async with serving(BoundedProtocol, RECEIVER) as port:
        yield port


async def answer(port: int, request: bytes) -> bytes:
    """The first line, or nothing where the connection is ended without a word."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(SOON):
            writer.write(request)
            return (await reader.readline()).strip()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([b"Content-Length: " + b"0" * 5000 + b"1"], b"413"),
        ([b"Content-Length: " + b"9" * 5001], b"400"),
        ([b"Content-Length: 99999999999999999999"], b"400"),
        ([b"Content-Length: 000000001"], b"413"),
        ([b"Content-Length: 26214401"], b"413"),
        ([b"Content-Length: -1"], b"400"),
        ([b"Content-Length: \xc2\xb2"], b"400"),
        ([b"Content-Length: 1", b"Content-Length: 1"], b"400"),
    ],
)
async def test_a_length_that_is_none_is_refused_and_is_no_fault_of_ours(
    port: int, lines: list[bytes], status: bytes
) -> None:
    with structlog.testing.capture_logs() as logged:
        assert status in await answer(port, head(*lines) + b"x")
    assert not [entry for entry in logged if entry["log_level"] in ("error", "critical")]


@pytest.mark.parametrize(
    ("request_head", "status"),
    [
        (head(b"Content-Length: 1000", signature=None), b"401"),
        (head(b"Content-Length: 1000", signature=b""), b"401"),
        (head(b"Content-Length: 1000", signature=b"sha1=" + b"0" * 40), b"401"),
        (head(b"Content-Length: 1000", signature=b"sha256=" + b"0" * 63), b"401"),
        (head(b"Content-Length: 1000", signature=b"sha256=" + b"G" * 64), b"401"),
        (head(b"Content-Length: 20000000", signature=None), b"401"),
        (head(b"Transfer-Encoding: chunked", signature=None), b"401"),
        (head(b"Content-Length: 1000", content_type=b"text/plain"), b"415"),
        (head(b"Content-Length: 1000").replace(b"X-GitHub-Event", b"X-Other"), b"400"),
        (head(b"Content-Length: 1000").replace(b"POST", b"PUT"), b"405"),
    ],
)
async def test_what_the_head_refuses_is_answered_before_its_body_comes(
    port: int, request_head: bytes, status: bytes
) -> None:
    assert status in await answer(port, request_head)


@pytest.mark.parametrize("length", [b"Content-Length: 20000000", b"Transfer-Encoding: chunked"])
async def test_a_large_body_of_a_stranger_is_not_let_in(port: int, length: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with asyncio.timeout(SOON):
        writer.write(head(length, signature=None))
        whole = await reader.read()
    writer.transport.abort()
    assert whole.startswith(b"HTTP/1.1 401")
    assert b"connection: close" in whole.lower()


@pytest.mark.parametrize("size", [150_000, 200_000, 250_000])
@pytest.mark.parametrize("shape", ["one header", "many headers", "address"])
async def test_a_head_beyond_the_limit_is_refused_in_one_piece_too(port: int, size: int, shape: str) -> None:
    """The event loop reads up to 256 kB at once."""
    whole = {
        "one header": head(b"X: " + b"a" * size, signature=None),
        "many headers": head(*[b"X: y"] * (size // 6), signature=None),
        "address": head(signature=None).replace(b"/webhook", b"/webhook?" + b"a" * size),
    }[shape]
    assert await answer(port, whole) == b""


async def test_a_head_below_the_limit_is_read_in_one_piece(port: int) -> None:
    assert b"401" in await answer(port, head(b"X: " + b"a" * 100_000, b"Content-Length: 0", signature=None))


async def test_what_follows_a_request_has_the_limit_of_its_own(port: int) -> None:
    first = b"GET /other HTTP/1.1\r\nHost: x\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(first + head(b"X: " + b"a" * 200_000, signature=None))
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await asyncio.wait_for(reader.readuntil(b"HTTP/1.1 401"), SOON)
    writer.transport.abort()


_VALUE = st.binary(max_size=40) | st.sampled_from([b"0" * 5001, b"\xff", b"\xc2\xb2", b"chunked", b"websocket", b""])
_NAMES = st.sampled_from(
    [
        b"Content-Length", b"Transfer-Encoding", b"Content-Type", b"X-GitHub-Event", b"X-GitHub-Delivery",
        b"X-Hub-Signature-256", b"Connection", b"Upgrade", b"Expect", b"Host",
    ]
)  # fmt: skip
_TARGETS = st.sampled_from([b"/webhook", b"*", b"/%ff", b"/webhook?%", b"http://[", b"", b"/\xff", b"//webhook"])
_METHODS = st.sampled_from([b"POST", b"GET", b"OPTIONS", b"CONNECT", b"PRI", b"X"])


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_METHODS, _TARGETS, st.lists(st.tuples(_NAMES, _VALUE), max_size=6), st.binary(max_size=20))
def test_no_stranger_writes_a_traceback(
    method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    lines = [method + b" " + target + b" HTTP/1.1", *(name + b": " + value for name, value in headers), b"", body]

    async def send() -> None:
        async with serving(BoundedProtocol, RECEIVER) as port:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"\r\n".join(lines))
            writer.write_eof()
            await asyncio.wait_for(_.read(), SOON)
            writer.transport.abort()

    with structlog.testing.capture_logs() as logged:
        asyncio.run(send())
    assert not [entry for entry in logged if entry.get("exc_info") or entry["log_level"] in ("error", "critical")]
