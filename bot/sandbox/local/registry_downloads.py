"""What set-up commands download: fetched here over verified TLS, and kept for the next set-up where upstream lets us.

A sandbox only asks. What gets into the files that are kept are bytes that upstream sent, over a connection whose
certificate we checked, in answer to a request that we wrote: no sandbox writes there, shapes what is asked for another
one, or chooses the name under which an answer is found. So the set-up script of one repository cannot poison the
set-up of another. `core/environment/downloads.py` decides what is kept, `download_cache.py` keeps it.

Of requests for the same at the same time one goes out (`single_flight.py`).
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from yarl import URL

from bot.core.environment.downloads import Headers, Part, Request, answer, end_to_end, lifetime
from bot.core.operations.isolation import Refusal
from bot.sandbox.local.download_cache import Arriving, Kept, KeptFiles
from bot.sandbox.local.name_resolution import Resolver, Unreachable
from bot.sandbox.local.single_flight import CHUNK, Answer, Flight, Unfetched, content, head_of, passed_on
from bot.sandbox.local.threads import end, in_thread, to_the_end

_CONNECT_SECONDS = 30.0
_IDLE_SECONDS = 300.0
_LONGEST_HEAD = 32_768
_ENDLESS = 256  # answers of unknown length that proved too large are remembered


@dataclass(frozen=True, slots=True)
class DownloadOptions:
    """`limit`: bytes on the disk. `trust`: whose certificates count upstream; None: the system's."""

    directory: Path
    limit: int
    allow_private: bool = False
    trust: ssl.SSLContext | None = None


class Downloads:
    def __init__(self, options: DownloadOptions) -> None:
        self._options = options
        self._files = KeptFiles(options.directory, options.limit)
        self._flights: dict[str, Flight] = {}
        self._endless: dict[str, None] = {}
        self._session: aiohttp.ClientSession | None = None
        self._users = 0
        self._tasks: set[asyncio.Task[None]] = set()

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
                await end(self._tasks)
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
                found = passed_on(response)
            yield found

    async def _find(self, request: Request, stack: AsyncExitStack) -> Answer | None:
        if not request.may_share:
            return None
        now = time.time()
        kept = await stack.enter_async_context(in_thread(self._files.found(request.key, now)))
        if kept is None:
            return None
        part = answer(request, kept.headers, kept.size, now - kept.at)
        return Answer(part.head, _read(kept, part))

    async def _share(self, request: Request, stack: AsyncExitStack) -> Answer | None:
        """None where another one had asked as well, and what it got is not to be kept."""
        flight = self._flights.get(request.key)
        if flight is None or flight.is_over:
            flight = self._flights[request.key] = Flight(lambda flight: self._fly(request, flight))
            self._tasks.add(flight.task)
            flight.task.add_done_callback(self._tasks.discard)
        return await stack.enter_async_context(flight.followed())

    async def _fly(self, request: Request, flight: Flight) -> None:
        try:
            async with AsyncExitStack() as stack:
                response = await self._ask(request, request.shared_headers)
                stack.callback(response.close)
                seconds = lifetime(head_of(response), request.target)
                files = self._files.arriving(head_of(response).length)
                arriving = None if seconds is None else await stack.enter_async_context(in_thread(files))
                if seconds is not None and arriving is not None:
                    await self._keep(request.key, response, arriving, flight, seconds)
                else:
                    stack.pop_all()
                    flight.hand_over(response)
        finally:
            if self._flights.get(request.key) is flight:
                del self._flights[request.key]

    async def _keep(
        self, key: str, response: aiohttp.ClientResponse, arriving: Arriving, flight: Flight, seconds: float
    ) -> None:
        head = head_of(response)
        flight.begin(head.shown, arriving.file)
        async with aclosing(content(response)) as body:
            async for data in body:
                if not await asyncio.to_thread(arriving.write, data):
                    self._remember_endless(key)
                    raise Unfetched(Refusal(502, "this is larger than what can be kept"))
                flight.grow(len(data))
        if head.length not in (None, arriving.size):
            raise Unfetched(Refusal(502, "the answer was cut"))
        now = time.time()
        await to_the_end(asyncio.to_thread(self._files.keep, arriving, key, head.to_keep, now, now + seconds))

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
        read_bufsize=CHUNK,
    )


async def _read(kept: Kept, part: Part) -> AsyncIterator[bytes]:
    at = part.start
    while at < part.stop:
        data = await asyncio.to_thread(os.pread, kept.file, min(CHUNK, part.stop - at), at)
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
