"""Tells the operator's own address when solves begin, are decided, published and over: signed, and until it is taken.

What is to be told is a row before it is sent, and is struck out when it was taken: whoever is told may hear the same
twice, with the same id, and never misses anything for a day of being away.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
import structlog

from bot.core.notifications import body, delivery_id, headers, is_taken, next_try
from bot.core.operations.isolation import address_is_public, is_address
from bot.core.render.notifications import answered, private_address, unreachable
from bot.core.text.outgoing import Redactor
from bot.core.viewing import summary
from bot.ports import Clock, Store
from bot.ports.outbox import Outbox, Untold
from bot.sandbox.local.name_resolution import Resolver

log = structlog.get_logger()

SECONDS = 10.0  # for one of them to be taken


@dataclass(frozen=True, slots=True)
class Target:
    """`pages`: where the page of a solve is, "" for nowhere."""

    url: str
    secret: str = field(repr=False)
    allow_private: bool = False
    pages: str = ""


@asynccontextmanager
async def session(target: Target, trust: ssl.SSLContext | None = None) -> AsyncIterator[aiohttp.ClientSession]:
    """Names are resolved once, and lead into a private network only where the operator says so."""
    connector = aiohttp.TCPConnector(resolver=Resolver(allow_private=target.allow_private), ssl=trust or True)
    timeout = aiohttp.ClientTimeout(total=SECONDS)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=jar) as opened:
        yield opened


class Notifying:
    def __init__(
        self,
        outbox: Outbox,
        store: Store,
        clock: Clock,
        redact: Redactor,
        target: Target,
        session: aiohttp.ClientSession,
    ) -> None:
        self._outbox = outbox
        self._store = store
        self._clock = clock
        self._redact = redact
        self._target = target
        self._session = session

    async def look(self) -> None:
        """Take what is new, and tell what is due."""
        await self._outbox.collect(self._clock.now())
        for each in await self._outbox.due(self._clock.now()):
            await self._tell(each)

    async def _tell(self, untold: Untold) -> None:
        event = untold.event
        facts = await self._store.facts(event.solve)
        if facts is None:
            return
        content = body(event, summary(self._redact.facts(facts)), self._target.pages)
        problem = await self._send(content, headers(self._target.secret, event, content))
        now = self._clock.now()
        if not problem:
            await self._outbox.told(event.seq, now)
            return
        again = next_try(untold.tries + 1, now)
        log.warning("notification.failed", delivery=delivery_id(event), problem=problem, given_up=again is None)
        await self._outbox.failed(event.seq, now, again, problem)

    async def _send(self, content: bytes, said: Mapping[str, str]) -> str:
        """Why it was not taken; "" where it was."""
        host = urlsplit(self._target.url).hostname or ""
        if is_address(host) and not self._target.allow_private and not address_is_public(host):
            return private_address(host)
        try:
            async with self._session.post(
                self._target.url, data=content, headers=said, allow_redirects=False
            ) as answer:
                return "" if is_taken(answer.status) else answered(answer.status)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return unreachable(type(error).__name__)
