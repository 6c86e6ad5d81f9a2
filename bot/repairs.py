"""From a failing check on a commit of ours to a repair: is it ours to mend, and may we still?

What a delivery says of a check is old when it is read, and may come twice or never. So all that is taken from it is
which commit it is about; how its checks stand is asked.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from weakref import WeakValueDictionary

import structlog

from bot.actions import Action, Actions, Refusal
from bot.configuration import read_config
from bot.core.model import IssueRef, RepoConfig, SolveFacts, Trigger, TriggerKind
from bot.core.render import checks as render
from bot.core.text.outgoing import Redactor
from bot.core.trigger.checks import LeftAlone, judge_checks
from bot.core.trigger.config import ConfigProblem
from bot.core.trigger.events import ChecksReported
from bot.ports import Clock, Denied, GitHub, Store
from bot.reviews import Reviews

log = structlog.get_logger()


class Repairs:
    def __init__(self, github: GitHub, store: Store, clock: Clock, reviews: Reviews, redact: Redactor) -> None:
        self._github = github
        self._store = store
        self._clock = clock
        self._reviews = reviews
        self._redact = redact
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def of_checks(self, event: ChecksReported) -> Actions:
        """Reads, and writes down what it saw: of one commit at a time, so that nothing older is written last."""
        async with self._locks.setdefault(event.sha, asyncio.Lock()):
            return await self._of_checks(event)

    async def _of_checks(self, event: ChecksReported) -> Actions:
        pushed = await self._store.with_head(event.repo.id, event.sha)
        if pushed is None or pushed.pull_request is None:
            return Actions(because="not a commit of ours")
        original = pushed if pushed.solve.revises is None else await self._store.facts(pushed.solve.revises)
        if original is None or original.task is None:
            return Actions(because="the solve is forgotten")
        number = pushed.pull_request.number
        pull = await self._github.pull(event.repo, number)
        if not (pull.ours and pull.open) or pull.locked or pull.head_sha != event.sha:
            return Actions(because="over, locked, or people have pushed since")
        return await self._weigh(event, original, number)

    async def _weigh(self, event: ChecksReported, original: SolveFacts, number: int) -> Actions:
        assert original.task is not None
        repo = event.repo
        repository = await self._github.repository(repo)
        config = await read_config(self._github, repo, repository.default_branch)
        before = await self._store.revisions(original.id)
        if any(not each.status.is_over for each in before):
            return Actions(because="a revision is under way, whose commit is checked anew")
        made = sum(each.solve.trigger.kind is TriggerKind.CHECK for each in before)
        try:
            head = await self._github.checks(repo, event.sha)
            base = await self._github.checks(repo, original.task.base_sha)
        except Denied as error:
            return await self._lacking(original, error)
        allowed = config.repair if isinstance(config, RepoConfig) else RepoConfig().repair
        found = judge_checks(head, base, allowed=allowed, made=made)
        if isinstance(found, LeftAlone):
            return await self._tell(original, render.left_alone(found))
        if found is None:
            return await self._tell(original, "")
        return await self._start(event, original, number, config)

    async def _start(
        self, event: ChecksReported, original: SolveFacts, number: int, config: RepoConfig | ConfigProblem
    ) -> Actions:
        """In the name of whoever asked for the pull request, and within its limits."""
        issue = IssueRef(event.repo, number)
        trigger = Trigger(TriggerKind.CHECK, f"k{event.sha[:20]}", original.solve.trigger.by, self._clock.now())
        try:
            job = await self._reviews.planned(issue, original, trigger, "", config)
        except Refusal as refusal:
            return Actions(because=str(refusal))
        return Actions((Action(start=job),) if job is not None else (), because="" if job else "the same is under way")

    async def _tell(self, original: SolveFacts, sentence: str) -> Actions:
        """In the pull request's text, where it is something new."""
        said = self._redact(sentence)
        if original.watch.checks == said:
            return Actions(because=said or "all is well, or not over yet")
        await self._store.watched(original.id, replace(original.watch, checks=said))
        return Actions((Action(retell=original.id),), because=said)

    async def _lacking(self, original: SolveFacts, error: Denied) -> Actions:
        log.warning("checks.unreadable", solve=original.id, reason=str(error), remedy=error.remedy)
        said = self._redact(error.remedy)
        if original.watch.lacks == said:
            return Actions(because=said)
        await self._store.watched(original.id, replace(original.watch, lacks=said))
        return Actions((Action(retell=original.id),), because=said)
