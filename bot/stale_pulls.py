"""Open pull requests of ours whose base branch goes on: it is said in their texts, and merged in where that is wanted.

GitHub tells of each push to each branch; a look now and then costs less, and misses nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import structlog

from bot.actions import UpdateJob
from bot.configuration import read_config
from bot.core.model import IssueRef, RepoConfig, SolveFacts
from bot.core.trigger.staleness import is_due, week_of, what_moved
from bot.engine import Engine, WorkflowState
from bot.ports import Clock, Denied, GitHub, Gone, Rejected, Store
from bot.pull_text import PullText

log = structlog.get_logger()

EVERY = timedelta(hours=6).total_seconds()
LOOKED_AT = timedelta(days=60)  # since it was opened; then people know that it is old


class StalePulls:
    def __init__(self, github: GitHub, store: Store, engine: Engine, clock: Clock, text: PullText) -> None:
        self._github = github
        self._store = store
        self._engine = engine
        self._clock = clock
        self._text = text

    async def look(self) -> None:
        for facts in await self._store.undecided(since=self._clock.now() - LOOKED_AT):
            try:
                await self._look_at(facts)
            except (Gone, Denied, Rejected) as error:
                log.info("pull.unseen", solve=facts.id, reason=str(error))

    async def _look_at(self, facts: SolveFacts) -> None:
        assert facts.pull_request is not None
        repo, number = facts.solve.issue.repo, facts.pull_request.number
        pull = await self._github.pull(repo, number)
        if not (pull.open and pull.ours) or pull.locked:
            return
        if await self._github.branch_head(repo, pull.base) is None:
            return
        missing = await self._github.missing_from(repo, base=pull.base, head=pull.head_sha)
        if missing and await self._is_due(facts):
            job = UpdateJob(facts.id, IssueRef(repo, number), facts.solve.trigger.by, self._week(), asked=False)
            await self._engine.start("update", job.id, job)
            return
        moved = what_moved(facts.watch.moved, pull.base, missing)
        if moved != facts.watch.moved:
            await self._store.watched(facts.id, replace(facts.watch, moved=moved))
            await self._text.rewrite(facts.id)

    async def _is_due(self, facts: SolveFacts) -> bool:
        repo, now = facts.solve.issue.repo, self._clock.now()
        if await self._engine.state(f"{facts.id}-update-{self._week()}") is not WorkflowState.UNKNOWN:
            return False
        repository = await self._github.repository(repo)
        config = await read_config(self._github, repo, repository.default_branch)
        return isinstance(config, RepoConfig) and is_due(config.update, facts, now)

    def _week(self) -> str:
        return week_of(self._clock.now())
