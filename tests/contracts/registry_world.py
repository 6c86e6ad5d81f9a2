"""A package registry on loopback: real TLS with a certificate of its own authority, answers byte by byte as told. And
set-ups that download from it, through the proxy that stands in for it.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.sandbox.local.certificate_authority import Authority
from bot.sandbox.local.directories import Room
from bot.sandbox.local.proxy import serve_proxy
from bot.sandbox.local.registry_downloads import DownloadOptions, Downloads
from bot.sandbox.local.registry_stand_in import StandIn

IMMUTABLE = "Cache-Control: immutable"
SOON = 20.0
MB = 1024**2
WHEEL = "/files/package-1.0-py3-none-any.whl"
CUT = b"HTTP/1.1 200 OK\r\nCache-Control: immutable\r\nContent-Length: 100\r\n\r\npack"
CUT_IN_PIECES = b"HTTP/1.1 200 OK\r\nCache-Control: immutable\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npack\r\n"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(slots=True)
class Page:
    """`raw`: what is sent instead of a well-formed answer. `before`, `halfway`: what is waited for."""

    body: bytes = b""
    headers: tuple[str, ...] = (IMMUTABLE,)
    status: str = "200 OK"
    raw: bytes | None = None
    before: asyncio.Event | None = None
    halfway: asyncio.Event | None = None

    def whole(self) -> bytes:
        if self.raw is not None:
            return self.raw
        lines = (f"HTTP/1.1 {self.status}", f"Content-Length: {len(self.body)}", *self.headers)
        return "\r\n".join((*lines, "", "")).encode() + self.body


@dataclass(slots=True)
class Registry:
    port: int = 0
    pages: dict[str, Page] = field(default_factory=dict)
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    asked: asyncio.Condition = field(default_factory=asyncio.Condition)
    authority: Authority = field(default_factory=Authority)

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    @property
    def url(self) -> str:
        return f"https://{self.host}"

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cadata=self.authority.certificate.decode())

    @property
    def targets(self) -> list[str]:
        """What was asked for, one by one."""
        return [head.split(" ")[1] for head in self.heads]

    def headers(self, n: int) -> Mapping[str, str]:
        """Of the request with this number, by names in lower case."""
        lines = self.heads[n].split("\r\n")[1:]
        return {name.lower(): said for name, _, said in (line.partition(": ") for line in lines if line)}

    async def was_asked(self, times: int) -> None:
        async with self.asked:
            await self.asked.wait_for(lambda: len(self.heads) >= times)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request per connection."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            length = re.search(r"content-length: (\d+)", head, re.IGNORECASE)
            self.bodies.append(await reader.readexactly(int(length[1]) if length else 0))
            async with self.asked:
                self.heads.append(head)
                self.asked.notify_all()
            page = self.pages.get(head.split(" ")[1], Page(b"not here", (), "404 Not Found"))
            await send(page, writer, bodiless=head.startswith("HEAD"))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


async def send(page: Page, writer: asyncio.StreamWriter, *, bodiless: bool) -> None:
    if page.before is not None:
        await page.before.wait()
    content = page.whole()[: -len(page.body) or None] if bodiless else page.whole()
    half = max(len(content) - len(page.body) // 2, 0)
    writer.write(content[:half])
    await writer.drain()
    if page.halfway is not None:
        await page.halfway.wait()
    writer.write(content[half:])
    await writer.drain()


@asynccontextmanager
async def registry(pages: dict[str, Page] | None = None) -> AsyncIterator[Registry]:
    world = Registry(pages=pages or {})
    context = world.authority.context("localhost")
    server = await asyncio.start_server(world.answer, "127.0.0.1", 0, ssl=context)
    world.port = server.sockets[0].getsockname()[1]
    try:
        yield world
    finally:
        server.close()


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class SetUps:
    """Sandboxes' way out to one registry, as tools inside would use it."""

    registry: Registry
    directory: Path
    stand_in: StandIn
    sockets: dict[str, Path]

    @property
    def kept(self) -> list[Path]:
        return sorted(self.directory.glob("downloads/answers/*"))

    @property
    def bodies(self) -> list[Path]:
        return sorted(self.directory.glob("downloads/bodies/*"))

    @property
    def arriving(self) -> list[Path]:
        return sorted(self.directory.glob("downloads/arriving/*"))

    async def connect(self, sandbox: str = "one", *, trust: bytes | None = None) -> Streams:
        """Through a tunnel to the registry, as a client that trusts our authority, or another one."""
        authority = self.stand_in.authority.certificate if trust is None else trust
        context = ssl.create_default_context(cadata=authority.decode())
        context.verify_flags |= ssl.VERIFY_X509_STRICT  # as newer tools do
        return await self.shake_hands(context, "localhost", sandbox)

    async def shake_hands(self, context: ssl.SSLContext, name: str | None, sandbox: str = "one") -> Streams:
        """`name`: how the client calls the other side."""
        reader, writer = await asyncio.open_unix_connection(self.sockets[sandbox])
        writer.write(f"CONNECT {self.registry.host} HTTP/1.1\r\n\r\n".encode())
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 200 Connection established\r\n\r\n"
        try:
            await writer.start_tls(context, server_hostname=name)
        except OSError:
            writer.close()
            raise
        return reader, writer

    async def say(self, request: bytes, sandbox: str = "one") -> Reply:
        """The last one of its connection."""
        async with asyncio.timeout(SOON):
            reader, writer = await self.connect(sandbox)
            try:
                writer.write(request)
                reply = await read_reply(reader, request)
                assert await reader.read() == b""  # all is done on the other side as well
                return reply
            finally:
                writer.close()

    async def get(self, target: str, *headers: str, sandbox: str = "one", method: str = "GET") -> Reply:
        lines = (f"{method} {target} HTTP/1.1", f"Host: {self.registry.host}", "Connection: close", *headers, "", "")
        return await self.say("\r\n".join(lines).encode("latin-1"), sandbox)


async def read_reply(reader: asyncio.StreamReader, request: bytes = b"") -> Reply:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): said for name, _, said in (line.partition(": ") for line in head[1:] if line)}
    status, body = int(head[0].split(" ")[1]), b""
    if "transfer-encoding" in headers:
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    elif not request.startswith(b"HEAD") and status != 304:
        body = await reader.readexactly(int(headers["content-length"]))
    return Reply(status, headers, body)


@asynccontextmanager
async def set_ups(
    pages: dict[str, Page], *, limit: int = 64 * MB, allow_private: bool = True, trusted: bool = True
) -> AsyncIterator[SetUps]:
    problems: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, problem: problems.append(problem))
    with TemporaryDirectory(prefix="solvebot-") as short:  # the address of a socket has 107 bytes
        async with registry(pages) as world:
            trust = world.trust if trusted else ssl.create_default_context()
            options = DownloadOptions(Path(short, "downloads"), limit, allow_private, trust)
            stand_in = StandIn(Downloads(options))
            one, two = Path(short, "one"), Path(short, "two")
            one.mkdir()
            two.mkdir()
            allowed = [world.host]
            async with (
                serve_proxy(Room(one, None), allowed, allow_private=allow_private, stand_in=stand_in) as first,
                serve_proxy(Room(two, None), allowed, allow_private=allow_private, stand_in=stand_in) as second,
            ):
                yield SetUps(world, Path(short), stand_in, {"one": first, "two": second})
    assert problems == []
