"""The one status comment of each solve: found again after a crash, written only when what it says has changed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable

import structlog

from bot.batches import BatchBoard
from bot.core.model import SolveFacts, SolveId
from bot.core.render.status import status_comment, status_marker
from bot.core.resilience.circuit_breaker import Outage
from bot.core.text.outgoing import Redactor
from bot.ports import Denied, GitHub, Gone, Rejected, Store

log = structlog.get_logger()


TellOutage = Callable[[SolveId], Awaitable[Outage | None]]


async def no_outage(_id: SolveId) -> None:
    """Where sandboxes are our own."""


class StatusBoard:
    """Every writer goes through `refresh`, which reads the facts under a lock, so that no older text wins.

    `outage` tells whether the sandboxes of a solve are to be had at the moment.
    """

    def __init__(
        self,
        github: GitHub,
        store: Store,
        redact: Redactor,
        outage: TellOutage = no_outage,
        batches: BatchBoard | None = None,
        pages: str = "",
    ) -> None:
        """`pages`: the address below which each solve has a page; "" where there are none."""
        self._github = github
        self._store = store
        self._redact = redact
        self._outage = outage
        self._batches = batches
        self._pages = pages.rstrip("/")
        self._locks: defaultdict[SolveId, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._shown: dict[SolveId, str] = {}

    async def refresh(self, id: SolveId) -> None:
        """Post the comment, or bring it up to date. Where nothing can be said any more, it is left as it is."""
        async with self._locks[id]:
            facts = await self._store.facts(id)
            if facts is None:
                return
            told = await asyncio.to_thread(self._redact.facts, facts)  # a second, where patches are very large
            body = status_comment(told, await self._outage(id), f"{self._pages}/solves/{id}" if self._pages else "")
            if body != self._shown.get(id):
                try:
                    await self._write(facts, body)
                except (Gone, Denied, Rejected) as error:
                    log.info("status.unspeakable", solve=id, reason=str(error))
                self._shown[id] = body
        if self._batches is not None:
            await self._batches.moved(facts)
        if facts.status.is_over:
            self._shown.pop(id, None)
            self._locks.pop(id, None)

    async def _write(self, facts: SolveFacts, body: str) -> None:
        issue = facts.solve.issue
        if facts.comment_id is None:
            posted = await self._github.say(issue, body, marker=status_marker(facts.id))
            await self._store.commented(facts.id, posted.id)
        else:
            await self._github.edit(issue, facts.comment_id, body)
