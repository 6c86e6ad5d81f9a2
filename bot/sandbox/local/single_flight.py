"""One request to upstream, and all who wait for its answer.

What is to be kept is written to a file at upstream's speed, and read along from there: who reads slowly, or goes away,
holds nobody up. What is not to be kept goes to the first who waits; the others ask for themselves.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import structlog

from bot.core.environment.downloads import Head
from bot.core.operations.isolation import Refusal

CHUNK = 256 * 1024

log = structlog.get_logger()


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


class Flight:
    """Belongs to one event loop. Ends when its work does, or when nobody waits for it any more."""

    def __init__(self, work: Callable[[Flight], Coroutine[None, None, None]]) -> None:
        self.is_over = False  # nobody may join
        self._followers = 0
        self._news = asyncio.Event()
        self._has_landed = False
        self._failure: Unfetched | None = None
        self._head: Head | None = None  # of what is written to the file
        self._file = -1
        self._arrived = 0  # bytes
        self._response: aiohttp.ClientResponse | None = None  # of what is not to be kept
        self.task = asyncio.create_task(self._work(work))

    # ------------------------------------------------------------------------------------------------------ its work's

    def begin(self, head: Head, file: int) -> None:
        """The answer is being written to the file."""
        self._file = os.dup(file)
        self._head = head
        self._tell()

    def grow(self, size: int) -> None:
        self._arrived += size
        self._tell()

    def hand_over(self, response: aiohttp.ClientResponse) -> None:
        """The answer is not to be kept."""
        self._response = response

    async def _work(self, work: Callable[[Flight], Coroutine[None, None, None]]) -> None:
        self._failure = Unfetched(Refusal(502, "it was given up"))
        try:
            await work(self)
            self._failure = None
        except Unfetched as error:
            self._failure = error
        except OSError as error:
            log.warning("sandbox.downloads.not_kept", reason=str(error))
        finally:
            self.is_over = self._has_landed = True
            self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    # ------------------------------------------------------------------------------------------------ who waits for it

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[Answer | None]:
        """None: ask for yourself. Raises `Unfetched`."""
        self._followers += 1
        try:
            while self._head is None and not self._has_landed:
                await self._news.wait()
            if self._head is not None:
                yield Answer(self._head, self._follow())
            elif self._failure is not None:
                raise self._failure
            elif self._response is None:
                yield None
            else:
                response, self._response = self._response, None
                try:
                    yield passed_on(response)
                finally:
                    response.close()
        finally:
            self._followers -= 1
            if not self._followers:
                self._abandon()

    async def _follow(self) -> AsyncIterator[bytes]:
        at = 0
        while True:
            news = self._news
            if at < self._arrived:
                data = await asyncio.to_thread(os.pread, self._file, min(CHUNK, self._arrived - at), at)
                at += len(data)
                yield data
            elif not self._has_landed:
                await news.wait()
            elif self._failure is not None:
                raise self._failure
            else:
                return

    def _abandon(self) -> None:
        self.is_over = True
        self.task.cancel()
        self.task.add_done_callback(lambda _: self._close())

    def _close(self) -> None:
        if self._response is not None:
            self._response.close()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def head_of(response: aiohttp.ClientResponse) -> Head:
    headers = ((name.decode("latin-1").lower(), said.decode("latin-1")) for name, said in response.raw_headers)
    return Head(response.status, tuple(headers))


def passed_on(response: aiohttp.ClientResponse) -> Answer:
    return Answer(head_of(response).shown, content(response))


async def content(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    try:
        async for data in response.content.iter_chunked(CHUNK):
            yield data
    except (aiohttp.ClientError, OSError) as error:
        raise Unfetched(Refusal(502, "the answer was cut")) from error
