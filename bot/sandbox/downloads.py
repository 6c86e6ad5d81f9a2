"""What set-up commands download: fetched here over verified TLS, and kept for the next set-up where upstream lets us.

A sandbox only asks. What gets into the files that are kept are bytes that upstream sent, over a connection whose
certificate we checked, in answer to a request that we wrote: no sandbox writes there, shapes what is asked for another
one, or chooses the name under which an answer is found. So the set-up script of one repository cannot poison the
set-up of another. `core/downloads.py` decides what is kept, `kept.py` keeps it.

Of requests for the same at the same time one goes out. Its answer is written to a file at upstream's speed, and who
asked reads along: a sandbox that reads slowly, or goes away, holds nobody up.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import structlog
from yarl import URL

from bot.core.downloads import Head, Headers, Part, Request, answer, end_to_end, lifetime
from bot.core.isolation import Refusal
from bot.sandbox.kept import Arriving, Kept, KeptFiles
from bot.sandbox.resolving import Resolver, Unreachable

_CHUNK = 256 * 1024
_CONNECT_SECONDS = 30.0
_IDLE_SECONDS = 300.0
_LONGEST_HEAD = 32_768
_ENDLESS = 256  # answers of unknown length that proved too large are remembered

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class DownloadOptions:
    """`limit`: bytes on the disk. `trust`: whose certificates count upstream; None: the system's."""

    directory: Path
    limit: int
    allow_private: bool = False
    trust: ssl.SSLContext | None = None


class Unfetched(Exception):
    """There is no answer from upstream, or no more of it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.why)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Answer:
    """Read `body` within the context that it came from."""

    head: Head
    body: AsyncIterator[bytes]


class Downloads:
    def __init__(self, options: DownloadOptions) -> None:
        self._options = options
        self._files = KeptFiles(options.directory, options.limit)
        self._flights: dict[str, Flight] = {}
        self._endless: dict[str, None] = {}
        self._session: aiohttp.ClientSession | None = None
        self._users = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While anybody has it open there are connections."""
        self._users += 1
        if self._session is None:
            self._session = _session(self._options)
        try:
            yield
        finally:
            self._users -= 1
            if not self._users:
                session, self._session = self._session, None
                for flight in list(self._flights.values()):
                    await flight.stop()
                await session.close()

    @asynccontextmanager
    async def answer(self, request: Request, body: AsyncIterator[bytes] | None = None) -> AsyncIterator[Answer]:
        """Kept, fetched together with others, or passed on. Raises `Unfetched`, also while the body is read."""
        async with AsyncExitStack() as stack:
            found = await self._find(request, stack)
            if found is None and request.may_fill and request.key not in self._endless:
                found = await self._share(request, stack)
            if found is None:
                headers = tuple((name, said) for name, said in end_to_end(request.headers) if name != "host")
                response = await self._ask(request, headers, body)
                stack.callback(response.close)
                found = _passed_on(response)
            yield found

    async def _find(self, request: Request, stack: AsyncExitStack) -> Answer | None:
        if not request.may_share:
            return None
        now = time.time()
        kept = await asyncio.to_thread(self._files.find, request.key, now)
        if kept is None:
            return None
        stack.callback(os.close, kept.file)
        part = answer(request, kept.headers, kept.size, now - kept.at)
        return Answer(part.head, _read(kept, part))

    async def _share(self, request: Request, stack: AsyncExitStack) -> Answer | None:
        """None where another one had asked, and got what is not to be kept."""
        if flight := self._flights.get(request.key):
            return await stack.enter_async_context(flight.followed())
        flight = self._flights[request.key] = Flight()
        try:
            response = await self._ask(request, request.shared_headers)
            stack.callback(response.close)
            head = _head(response)
            seconds = lifetime(head, request.target)
            arriving = None if seconds is None else await asyncio.to_thread(self._files.begin, head.length)
            if seconds is None or arriving is None:
                return _passed_on(response)
            stack.pop_all()  # the response is the flight's
            flight.begin(head, arriving.file, self._download(request.key, flight, response, arriving, seconds))
        finally:
            if not flight.has_begun:
                del self._flights[request.key]
                flight.give_up()
        return await stack.enter_async_context(flight.followed())

    async def _download(
        self, key: str, flight: Flight, response: aiohttp.ClientResponse, arriving: Arriving, seconds: float
    ) -> None:
        head = _head(response)
        try:
            async with aclosing(_content(response)) as content:
                async for data in content:
                    if not await asyncio.to_thread(arriving.write, data):
                        self._remember_endless(key)
                        raise Unfetched(Refusal(502, "this is larger than what can be kept"))
                    flight.grow(len(data))
            if head.length not in (None, arriving.size):
                raise Unfetched(Refusal(502, "the answer was cut"))
            now = time.time()
            await asyncio.to_thread(self._files.keep, arriving, key, head.to_keep, now, now + seconds)
            flight.end()
        except Unfetched as error:
            flight.fail(error)
        except OSError as error:
            log.warning("sandbox.downloads.not_kept", url=str(response.url), reason=str(error))
            flight.fail(Unfetched(Refusal(502, "there is no room for it")))
        finally:
            response.close()
            del self._flights[key]
            flight.fail(Unfetched(Refusal(502, "nobody waits for it")))
            await asyncio.shield(asyncio.to_thread(self._files.end, arriving))

    def _remember_endless(self, key: str) -> None:
        self._endless[key] = None
        if len(self._endless) > _ENDLESS:
            del self._endless[next(iter(self._endless))]

    async def _ask(
        self, request: Request, headers: Headers, body: AsyncIterator[bytes] | None = None
    ) -> aiohttp.ClientResponse:
        assert self._session is not None
        url = URL(request.url, encoded=True)
        if url.raw_path_qs != request.target:
            raise Unfetched(Refusal(400, "the address cannot be read"))
        try:
            return await self._session.request(
                request.method,
                url,
                headers=headers,
                data=body,
                allow_redirects=False,
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
            )
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise Unfetched(_refusal(request, error)) from error


class Flight:
    """One download on its way into a file, and all who read along. Belongs to one event loop."""

    def __init__(self) -> None:
        self._begun: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._news = asyncio.Event()
        self._arrived = 0
        self._ended = False
        self._failure: Unfetched | None = None
        self._followers = 0

    @property
    def has_begun(self) -> bool:
        return self._begun.done()

    def begin(self, head: Head, file: int, download: Coroutine[None, None, None]) -> None:
        self._head = head
        self._file = os.dup(file)
        self._download = asyncio.create_task(download)
        self._download.add_done_callback(lambda _: self._close_unless_read())
        self._begun.set_result(True)

    def give_up(self) -> None:
        """Who waits for it asks for itself."""
        self._begun.set_result(False)

    async def stop(self) -> None:
        await asyncio.wait({self._begun})
        if self._begun.result():
            self._download.cancel()
            await asyncio.wait({self._download})

    def grow(self, size: int) -> None:
        self._arrived += size
        self._tell()

    def end(self) -> None:
        self._ended = True
        self._tell()

    def fail(self, failure: Unfetched) -> None:
        if not self._ended:
            self._failure = self._failure or failure
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[Answer | None]:
        self._followers += 1
        try:
            begun = await asyncio.shield(self._begun)
            yield Answer(self._head, self._follow()) if begun else None
        finally:
            self._followers -= 1
            if not self._followers and self.has_begun and self._begun.result():
                self._download.cancel()
                self._close_unless_read()

    async def _follow(self) -> AsyncIterator[bytes]:
        at = 0
        while True:
            news = self._news
            if at < self._arrived:
                data = await asyncio.to_thread(os.pread, self._file, min(_CHUNK, self._arrived - at), at)
                at += len(data)
                yield data
            elif self._failure is not None:
                raise self._failure
            elif self._ended:
                return
            else:
                await news.wait()

    def _close_unless_read(self) -> None:
        if not self._followers and self._download.done() and self._file >= 0:
            os.close(self._file)
            self._file = -1


def _session(options: DownloadOptions) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(
        limit=0, resolver=Resolver(allow_private=options.allow_private), ssl=options.trust or True
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS, sock_read=_IDLE_SECONDS),
        max_line_size=_LONGEST_HEAD,
        max_field_size=_LONGEST_HEAD,
        read_bufsize=_CHUNK,
    )


def _head(response: aiohttp.ClientResponse) -> Head:
    headers = ((name.decode("latin-1").lower(), said.decode("latin-1")) for name, said in response.raw_headers)
    return Head(response.status, tuple(headers))


def _passed_on(response: aiohttp.ClientResponse) -> Answer:
    head = _head(response)
    return Answer(Head(head.status, end_to_end(head.headers)), _content(response))


async def _content(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    try:
        async for data in response.content.iter_chunked(_CHUNK):
            yield data
    except (aiohttp.ClientError, OSError) as error:
        raise Unfetched(Refusal(502, "the answer was cut")) from error


async def _read(kept: Kept, part: Part) -> AsyncIterator[bytes]:
    at = part.start
    while at < part.stop:
        data = await asyncio.to_thread(os.pread, kept.file, min(_CHUNK, part.stop - at), at)
        if not data:
            raise Unfetched(Refusal(502, "a kept file was cut"))
        at += len(data)
        yield data


def _refusal(request: Request, error: Exception) -> Refusal:
    match error:
        case aiohttp.ClientConnectorDNSError(os_error=Unreachable(refusal=refusal)):
            return refusal
        case aiohttp.ClientConnectorCertificateError():
            return Refusal(502, f"the certificate of {request.authority} cannot be trusted")
        case TimeoutError():
            return Refusal(504, f"{request.authority} does not answer")
    return Refusal(502, f"{request.authority} does not answer")
