"""The text of a pull request of ours and its check run, brought up to date from what is stored."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from weakref import WeakValueDictionary

from bot.core.model import SolveId
from bot.core.render.page_links import NO_PAGES, PageLinks
from bot.core.render.pull_request import pull_body, pull_title
from bot.core.text.outgoing import Redactor
from bot.own_check import OwnChecks
from bot.ports import Denied, GitHub, Gone, Rejected, Store


class PullText:
    def __init__(self, github: GitHub, store: Store, redact: Redactor, links: PageLinks = NO_PAGES) -> None:
        self._github = github
        self._store = store
        self._redact = redact
        self._links = links
        self._check = OwnChecks(github, store, redact, links)
        self._locks: WeakValueDictionary[SolveId, asyncio.Lock] = WeakValueDictionary()

    async def rewrite(self, original: SolveId) -> None:
        """`original`: the solve that opened it. Where nothing can be said any more, it is left as it is."""
        async with self._locks.setdefault(original, asyncio.Lock()):  # so that no older text wins
            await self._rewrite(original)
            await self._check.show(original)

    async def show_check_again(self, original: SolveId) -> None:
        """Somebody has asked GitHub for it."""
        async with self._locks.setdefault(original, asyncio.Lock()):
            await self._check.show_again(original)

    async def _rewrite(self, original: SolveId) -> None:
        facts = await self._store.facts(original)
        if facts is None or facts.pull_request is None:
            return
        pull, told = facts.pull_request, self._redact.facts(facts)
        lines = [self._redact.facts(revision) for revision in await self._store.revisions(original)]
        verified = pull.verified is True
        body = pull_body(told, branch=pull.branch, verified=verified, revisions=lines, links=self._links)
        with suppress(Gone, Denied, Rejected):  # closed, locked or deleted meanwhile
            await self._github.rewrite_pull(facts.solve.issue.repo, pull.number, title=pull_title(told), body=body)
