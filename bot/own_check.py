"""The check run of our own on a pull request: brought up to date from what is stored, on the last commit we pushed.

It is a convenience. Where the App may not write checks, or the commit is gone, the pull request says the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from bot.core.model import Repo, Sha, SolveId, TriggerKind
from bot.core.render.own_check import own_check, tip_of
from bot.core.render.page_links import PageLinks
from bot.core.text.outgoing import Redactor
from bot.core.trigger.own_check import OwnCheck
from bot.ports import Denied, GitHub, Gone, Rejected, Store

log = structlog.get_logger()
Tell = Callable[[Repo, Sha, OwnCheck], Awaitable[None]]


class OwnChecks:
    def __init__(self, github: GitHub, store: Store, redact: Redactor, links: PageLinks) -> None:
        self._github = github
        self._store = store
        self._redact = redact
        self._links = links

    async def show(self, original: SolveId) -> None:
        """`original`: the solve that opened the pull request. Twice is once."""
        await self._tell(original, self._github.show_check)

    async def show_again(self, original: SolveId) -> None:
        """Somebody has asked GitHub for it, which waits until it is told."""
        await self._tell(original, self._github.show_check_again)

    async def _tell(self, original: SolveId, tell: Tell) -> None:
        facts = await self._store.facts(original)
        if facts is None or facts.solve.trigger.kind is TriggerKind.COMMAND_LINE:
            return
        told = self._redact.facts(facts)
        revisions = [self._redact.facts(each) for each in await self._store.revisions(original)]
        tip = tip_of(told, revisions)
        if tip is None:
            return
        check = own_check(told, revisions, tip, self._links)
        try:
            await tell(facts.solve.issue.repo, tip.sha, check)
        except (Gone, Denied, Rejected) as error:
            log.info("check.unshown", solve=original, reason=str(error), remedy=error.remedy)
