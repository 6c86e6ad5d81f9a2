"""Branches whose pull request nobody wanted: gone a week after it was closed, unless people have made them theirs."""

from __future__ import annotations

from datetime import timedelta

import structlog

from bot.core.model import SolveFacts, SolveId
from bot.ports import Clock, Denied, GitHub, Gone, Rejected, Store

log = structlog.get_logger()

KEPT = timedelta(days=7)
LOOKED_FOR = timedelta(days=37)  # then a branch that could not be deleted is left to people


class Branches:
    def __init__(self, github: GitHub, store: Store, clock: Clock) -> None:
        self._github = github
        self._store = store
        self._clock = clock
        self._seen: set[SolveId] = set()  # since this process began: one look at each is enough

    async def tidy(self) -> None:
        now = self._clock.now()
        for facts in await self._store.abandoned(since=now - LOOKED_FOR, before=now - KEPT):
            if facts.id not in self._seen:
                try:
                    await self._delete(facts)
                except (Gone, Denied, Rejected) as error:
                    log.info("branch.kept", solve=facts.id, reason=str(error))
                self._seen.add(facts.id)

    async def _delete(self, facts: SolveFacts) -> None:
        """Only as we left it, and only while the pull request is closed: events may have been lost."""
        pull, repo = facts.pull_request, facts.solve.issue.repo
        if pull is None or (await self._github.pull(repo, pull.number)).open:
            return
        pushed = [each.pull_request.head_sha for each in await self._store.revisions(facts.id) if each.pull_request]
        if await self._github.branch_head(repo, pull.branch) in (pull.head_sha, facts.watch.head, *pushed):
            await self._github.delete_branch(repo, pull.branch)
            log.info("branch.deleted", solve=facts.id, branch=pull.branch)
