"""The one status comment of each solve: found again after a crash, written only when what it says has changed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from hashlib import sha256

import structlog

from bot.batches import BatchBoard
from bot.core.model import SolveFacts, SolveId
from bot.core.render.page_links import NO_PAGES, PageLinks
from bot.core.render.status import status_comment, status_marker
from bot.core.resilience.circuit_breaker import Outage
from bot.core.text.outgoing import Redactor
from bot.ports import Denied, GitHub, Gone, Rejected, Store

log = structlog.get_logger()


TellOutage = Callable[[SolveId], Awaitable[Outage | None]]


async def no_outage(_id: SolveId) -> None:
    """Where sandboxes are our own."""


class StatusBoard:
    """Every writer of every worker goes through `refresh`, which reads the facts in the turn in which it writes.

    So no older text wins, and of two that find no comment one makes it. What the comment says is on record, so that
    each text is written once. `outage` tells whether the sandboxes of a solve are to be had at the moment.
    `links` lead to the pages, if there are any.
    """

    def __init__(
        self,
        github: GitHub,
        store: Store,
        redact: Redactor,
        outage: TellOutage = no_outage,
        links: PageLinks = NO_PAGES,
        batches: BatchBoard | None = None,
    ) -> None:
        self.links = links
        self._github = github
        self._store = store
        self._redact = redact
        self._outage = outage
        self._batches = batches
        self._locks: defaultdict[SolveId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._denied: dict[SolveId, str] = {}

    async def refresh(self, id: SolveId) -> None:
        """Post the comment, or bring it up to date. Where nothing can be said any more, it is left as it is."""
        async with self._locks[id]:
            told = await self._to_tell(id)
            if told is not None and told[1] != self._denied.get(id):
                facts, _ = told
                async with self._github.turn(facts.solve.issue.repo):
                    await self._tell(id)
        await self._tell_batch(id)
        if told is None or told[0].status.is_over:
            self._locks.pop(id, None)

    async def _tell_batch(self, id: SolveId) -> None:
        """Whatever the comment says already: the one about all may have been left behind."""
        if self._batches is None or not await self._store.batch_of(id):
            return
        facts = await self._store.facts(id)
        if facts is not None:
            await self._batches.moved(facts)

    async def lags(self, id: SolveId) -> bool:
        """The comment does not say how things stand. Where we may not speak now, it is asked again later."""
        self._denied.pop(id, None)
        return await self._to_tell(id) is not None

    async def _to_tell(self, id: SolveId) -> tuple[SolveFacts, str] | None:
        """None: there is no such solve, or its comment says so already."""
        facts = await self._store.facts(id)
        if facts is None:
            return None
        redacted = await asyncio.to_thread(self._redact.facts, facts)  # a second, where patches are very large
        body = status_comment(redacted, await self._outage(id), self.links)
        return (facts, body) if await self._store.shown(id) != _digest(body) else None

    async def _tell(self, id: SolveId) -> None:
        told = await self._to_tell(id)
        if told is None:
            return
        facts, body = told
        try:
            await self._write(facts, body)
        except Denied as error:
            log.info("status.denied", solve=id, reason=str(error))
            self._denied[id] = body
            return
        except (Gone, Rejected) as error:
            log.info("status.unspeakable", solve=id, reason=str(error))
        self._denied.pop(id, None)
        await self._store.showing(id, _digest(body))

    async def _write(self, facts: SolveFacts, body: str) -> None:
        issue = facts.solve.issue
        if facts.comment_id is None:
            posted = await self._github.say(issue, body, marker=status_marker(facts.id))
            await self._store.commented(facts.id, posted.id)
        else:
            await self._github.edit(issue, facts.comment_id, body)


def _digest(body: str) -> str:
    return sha256(body.encode("utf-8", "replace")).hexdigest()
