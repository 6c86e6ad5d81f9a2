"""githubkit, told to leave alone what we decide, and what it does not do, each as a small thing around its transport.

Its defaults wait for ever, send a POST again after a 502, turn one into a GET at a redirect, and make a pool of
connections for every request.
"""

from __future__ import annotations

import functools
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import httpx
from githubkit import GitHub, UnauthAuthStrategy

from bot.github.refusals import TooLarge

_TIMEOUT = httpx.Timeout(10, read=30)  # seconds
_LIMITS = httpx.Limits(max_connections=64, max_keepalive_connections=16)
LARGEST_ANSWER = 32 * 2**20  # bytes, on the wire as in memory, since nothing comes compressed; ours are kilobytes
_RETRY_AFTER, _KEPT = "retry-after", "x-solvebot-retry-after"


@asynccontextmanager
async def connections() -> AsyncIterator[httpx.AsyncBaseTransport]:
    """A pool for all calls to GitHub; connections and TLS are what makes a call cheap."""
    async with httpx.AsyncHTTPTransport(verify=_trusted(), limits=_LIMITS) as pool:
        yield pool


@functools.cache
def _trusted() -> ssl.SSLContext:
    """Whose certificates are believed. Reading them takes 60 ms."""
    return httpx.create_ssl_context()


def anonymous(api_url: str, pool: httpx.AsyncBaseTransport) -> GitHub[UnauthAuthStrategy]:
    """Whoever calls says who asks: what githubkit does with identities sends the App's token to innocent paths."""
    return GitHub(
        UnauthAuthStrategy(),
        base_url=api_url,
        user_agent="solvebot",
        async_transport=_Wire(pool),
        timeout=_TIMEOUT,
        follow_redirects=False,
        http_cache=False,
        auto_retry=False,
        trust_env=False,
        rest_api_validate_body=False,
    )


def headers_of(response: httpx.Response) -> Mapping[str, str]:
    """As GitHub sent them, names in lower case."""
    found = {name.lower(): value for name, value in response.headers.items() if name.lower() != _KEPT}
    return found | {_RETRY_AFTER: response.headers[_KEPT]} if _KEPT in response.headers else found


class _Wire(httpx.AsyncBaseTransport):
    """The pool outlives each request's client, which is why `aclose` does nothing.

    `Retry-After` is put out of sight: githubkit breaks on a date or a fraction there, and would hide the answer.
    """

    def __init__(self, pool: httpx.AsyncBaseTransport) -> None:
        self._pool = pool

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["Accept-Encoding"] = "identity"
        response = await self._pool.handle_async_request(request)
        if (said := response.headers.pop(_RETRY_AFTER, None)) is not None:
            response.headers[_KEPT] = said
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _Bounded(response.stream, str(request.url.path))
        return response

    async def aclose(self) -> None:
        """The pool is closed by whoever opened it."""


class _Bounded(httpx.AsyncByteStream):
    """An answer of which no more is read than anybody needs."""

    def __init__(self, stream: httpx.AsyncByteStream, path: str) -> None:
        self._stream = stream
        self._path = path

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > LARGEST_ANSWER:
                raise TooLarge(f"the answer to {self._path} is larger than {LARGEST_ANSWER} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()
