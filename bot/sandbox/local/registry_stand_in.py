"""Stands in for the hosts that set-up may reach: ends their TLS here, speaks HTTP/1.1, and answers from `Downloads`.

A tunnel leads to one host, by the name in its certificate and in every request. Requests are read by h11 and written
anew for upstream, so there is nothing that two readers could understand in two ways. A tool that does not trust our
certificate fails once; from then on its sandbox has a plain tunnel to that host, from which nothing is kept, and which
leads to an address that was checked as for all other connections.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable

import h11
import structlog

from bot.core.environment.downloads import Head, Request, read_request
from bot.core.operations.isolation import Refusal, has_stray_characters
from bot.sandbox.local.certificate_authority import Authority
from bot.sandbox.local.registry_downloads import Downloads
from bot.sandbox.local.single_flight import Unfetched

_HEAD_BYTES = 16_384
_HANDSHAKE_SECONDS = 30.0
_IDLE_SECONDS = 300.0
_REMEMBERED = 1024  # sandboxes and hosts
_ANOTHER_NAME = "CALLBACK_FAILED"  # what the standard library makes of a server name that we refuse
_UNREADABLE = Refusal(502, "the answer cannot be read")
_GIT_QUESTION = 16 * 1024**2  # bytes

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
log = structlog.get_logger()


class StandIn:
    def __init__(self, downloads: Downloads) -> None:
        self.authority = Authority()
        self.downloads = downloads
        self._trusted: dict[tuple[str, str], bool] = {}  # by a sandbox, for a host

    def stands_in(self, sandbox: str, host: str) -> bool:
        return self._trusted.get((sandbox, host), True)

    async def serve(self, connection: socket.socket, host: str, port: int, sandbox: str) -> None:
        """Be that host until the client goes away."""
        streams = await self._handshake(connection, host, sandbox)
        if streams is None:
            return
        authority = host if port == 443 else f"{host}:{port}"
        try:
            await _Conversation(streams, authority, self.downloads, lambda: self._remember(sandbox, host, True)).hold()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the client went away, or never spoke HTTP
        finally:
            streams[1].close()
        self._remember(
            sandbox, host, False
        )  # unless there was a request: some look at certificates after the handshake

    async def _handshake(self, connection: socket.socket, host: str, sandbox: str) -> Streams | None:
        reader = asyncio.StreamReader(limit=_HEAD_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        loop = asyncio.get_running_loop()
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol,
                connection,
                ssl=self.authority.context(host),
                ssl_handshake_timeout=_HANDSHAKE_SECONDS,
            )
        except OSError as error:
            self._failed(error, host, sandbox)
            return None
        return reader, asyncio.StreamWriter(transport, protocol, reader, loop)

    def _failed(self, error: OSError, host: str, sandbox: str) -> None:
        log.info("sandbox.downloads.not_trusted", sandbox=sandbox, host=host, reason=str(error))
        if not isinstance(error, ssl.SSLError) or error.reason != _ANOTHER_NAME:
            self._trusted.pop((sandbox, host), None)
            self._remember(sandbox, host, False)

    def _remember(self, sandbox: str, host: str, trusts: bool) -> None:
        self._trusted.setdefault((sandbox, host), trusts)
        if len(self._trusted) > _REMEMBERED:
            del self._trusted[next(iter(self._trusted))]


class _Conversation:
    """With one client, over one connection, one request after the other."""

    def __init__(self, streams: Streams, authority: str, downloads: Downloads, was_asked: Callable[[], None]) -> None:
        self._was_asked = was_asked
        self._reader, self._writer = streams
        self._authority = authority
        self._downloads = downloads
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=_HEAD_BYTES)
        self._asks_for_head = False  # only
        self._is_the_last = False  # request of this connection: what comes after a body is not read

    async def hold(self) -> None:
        while True:
            request = await self._next()
            if isinstance(request, Refusal):
                return await self._refuse(request)
            try:
                body = self._body() if request.method == "POST" else None
                async with self._downloads.answer(request, body) as found:
                    await self._send(found.head, found.body)
            except (Unfetched, h11.LocalProtocolError) as error:
                if self._http.our_state is not h11.SEND_RESPONSE:
                    return self._writer.transport.abort()  # whatever comes next would be taken for the rest of it
                return await self._refuse(error.refusal if isinstance(error, Unfetched) else _UNREADABLE)
            if self._http.our_state is not h11.DONE:
                return None
            self._http.start_next_cycle()

    async def _next(self) -> Request | Refusal:
        async with asyncio.timeout(_IDLE_SECONDS):
            head = await self._reader.readuntil(b"\r\n\r\n")
        self._was_asked()
        if has_stray_characters(head):
            return Refusal(400, "there are control characters in the request")
        try:
            self._http.receive_data(head)
            event = self._http.next_event()
        except h11.RemoteProtocolError:
            return Refusal(400, "not an HTTP/1 request")
        if not isinstance(event, h11.Request) or event.http_version not in (b"1.0", b"1.1"):
            return Refusal(400, "not an HTTP/1 request")
        self._asks_for_head, self._is_the_last = event.method == b"HEAD", event.method == b"POST"
        headers = tuple((name.decode("latin-1"), said.decode("latin-1")) for name, said in event.headers)
        request = read_request(event.method.decode("latin-1"), event.target.decode("latin-1"), headers, self._authority)
        if isinstance(request, Request) and request.method != "POST":
            self._http.next_event()  # its end: there is no body
        return request

    async def _body(self) -> AsyncGenerator[bytes, None]:
        if self._http.they_are_waiting_for_100_continue:
            await self._write(h11.InformationalResponse(status_code=100, headers=[]))
        size = 0
        while isinstance(event := await self._event(), h11.Data):
            size += len(event.data)
            if size > _GIT_QUESTION:
                raise Unfetched(Refusal(413, "the body is too large"))
            yield bytes(event.data)

    async def _event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            async with asyncio.timeout(_IDLE_SECONDS):
                self._http.receive_data(await self._reader.read(_HEAD_BYTES))
        return event

    async def _send(self, head: Head, body: AsyncIterator[bytes]) -> None:
        headers = [(name.encode("latin-1"), said.encode("latin-1")) for name, said in head.headers]
        ending = [(b"connection", b"close")] if self._is_the_last else []
        await self._write(h11.Response(status_code=head.status, headers=[*headers, *ending]))
        if not self._asks_for_head and head.status not in (204, 304):
            async for data in body:
                await self._write(h11.Data(data=data))
        await self._write(h11.EndOfMessage())

    async def _refuse(self, refusal: Refusal) -> None:
        body = f"{refusal.why}\n".encode()
        headers = [("content-length", str(len(body))), ("content-type", "text/plain"), ("connection", "close")]
        await self._write(h11.Response(status_code=refusal.status, headers=headers))
        if not self._asks_for_head:
            await self._write(h11.Data(data=body))
        await self._write(h11.EndOfMessage())

    async def _write(self, event: h11.Event) -> None:
        self._writer.write(self._http.send(event) or b"")
        async with asyncio.timeout(_IDLE_SECONDS):
            await self._writer.drain()
