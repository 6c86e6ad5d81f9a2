"""A revision goes on top of the branch of its pull request, which only ever moves forward.

What people push meanwhile stays: the change is made anew on top of it and tested there, or gives way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from bot.core.choosing.phrases import listing
from bot.core.model import Candidate, Sha, SolveFacts, SolveId, Task
from bot.core.render import failure_reasons
from bot.core.render.checks import PUSHED_MEANWHILE
from bot.core.render.pull_request import co_author
from bot.core.render.revision import revision_message
from bot.core.text.outgoing import Redactor
from bot.core.trigger.permissions import may_ask
from bot.core.trigger.revising import is_made_anew, keeps_to_its_head, target_of
from bot.engine import SANDBOX_PATIENCE, step
from bot.finish import PATIENCE
from bot.judging import Judge
from bot.ports import Commit, Rejected, World

log = structlog.get_logger()

_TRIES = 4


@dataclass(frozen=True, slots=True)
class Standing:
    """Of the branch now. `refusal`: why nothing may be put on it. `pushed`: our commit is there already."""

    head: Sha
    refusal: str = ""
    pushed: bool = False


class Pusher:
    def __init__(self, world: World, judge: Judge, redact: Redactor) -> None:
        self._world = world
        self._judge = judge
        self._redact = redact

    async def push(self, id: SolveId) -> str:
        """Empty: the branch holds the commit. Else why it does not, for people."""
        standing = await self.look(id, None)
        for _ in range(_TRIES):
            if standing.refusal:
                return standing.refusal
            commit = await self.commit_on_top(id, standing.head)
            try:
                moved = await self.advance(id, standing.head, commit)
            except Rejected as error:
                standing = await self.look(id, commit)
                return standing.refusal or failure_reasons.push_refused(error.remedy)
            if not moved:
                standing = await self.look(id, commit)
            if moved or standing.pushed:
                await self.record(id, standing.head, commit)
                return ""
        return await self.gave_way(id, failure_reasons.KEEPS_MOVING)

    # ------------------------------------------------------------------------------------------------------- steps

    @step("look at branch", patience=SANDBOX_PATIENCE)
    async def look(self, id: SolveId, made: Commit | None) -> Standing:
        """May the person still ask, is it open, and where is its branch? Where it has moved, does the change hold?"""
        case = await self._case(id)
        repo, task = case.facts.solve.issue.repo, case.task
        target = target_of(task)
        head = await self._world.github.branch_head(repo, target.branch)
        if head is None:
            return Standing(target.head, failure_reasons.BRANCH_GONE)
        if not (await self._world.github.pull(repo, case.facts.solve.issue.number)).open:
            return Standing(head, failure_reasons.PULL_CLOSED)
        asker = case.facts.solve.trigger.by
        if not may_ask(await self._world.github.permission(repo, asker.login), task.config.who, asker):
            return Standing(head, failure_reasons.may_no_longer_ask(asker.login))
        if head == target.head:
            return Standing(head)
        if keeps_to_its_head(case.facts.solve) and (made is None or head != made.sha):
            return Standing(head, PUSHED_MEANWHILE)
        head = await self._world.mirrors.fetch(repo, await self._world.github.remote(repo), want=head)
        if made is not None and any(past.sha == made.sha for past in await self._world.mirrors.history(repo, head)):
            return Standing(head, pushed=True)
        return Standing(head, await self._why_not_there(case, head))

    async def _why_not_there(self, case: _Case, head: Sha) -> str:
        """On a head that is not the one it was made for."""
        failing = await self._judge.on_top(case.facts, case.candidate.patch, head)
        if failing is None:
            return failure_reasons.gave_way(case.task.base_branch, failure_reasons.NO_LONGER_FITS)
        return (
            failure_reasons.gave_way(case.task.base_branch, failure_reasons.fails_there(listing(failing)))
            if failing
            else ""
        )

    @step("commit on top of head", patience=PATIENCE)
    async def commit_on_top(self, id: SolveId, head: Sha) -> Commit:
        case = await self._case(id)
        repo, task, mirrors = case.facts.solve.issue.repo, case.task, self._world.mirrors
        message = revision_message(self._redact.facts(case.facts), co_author(case.facts.solve.trigger.by))
        if is_made_anew(case.facts.solve):  # the base branch with the patch, as a child of both
            await mirrors.fetch(repo, await self._world.github.remote(repo), want=head)
            entries = await mirrors.entries(repo, task.base_sha, case.candidate.patch, since=head)
            commit = self._world.github.commit
            return await commit(repo, parent=head, entries=entries, message=message, also=task.base_sha)
        entries = await mirrors.entries(repo, head, case.candidate.patch)
        return await self._world.github.commit(repo, parent=head, entries=entries, message=message)

    @step("advance head", patience=PATIENCE)
    async def advance(self, id: SolveId, head: Sha, commit: Commit) -> bool:
        """Only from the head that was looked at: people may have taken commits away, which must not come back."""
        case = await self._case(id)
        repo, branch = case.facts.solve.issue.repo, target_of(case.task).branch
        now = await self._world.github.branch_head(repo, branch)
        if now == commit.sha:
            return True
        return now == head and await self._world.github.advance_branch(repo, branch, commit.sha)

    @step("record push")
    async def record(self, id: SolveId, head: Sha, commit: Commit) -> None:
        case = await self._case(id)
        assert case.facts.solve.revises is not None
        original = await self._world.store.facts(case.facts.solve.revises)
        assert original is not None
        assert original.pull_request is not None
        if commit.sha != head and head != target_of(case.task).head:
            await self._world.store.noted(id, failure_reasons.rebuilt(head))
        pull = replace(original.pull_request, head_sha=Sha(commit.sha), verified=commit.verified)
        await self._world.store.published(id, pull)
        asker, detail = case.facts.solve.trigger.by.login, {"commit": commit.sha, "on": head}
        await self._world.store.audit(self._world.clock.now(), asker, "solve.revised", str(id), detail)
        log.info("pull.revised", solve=id, pull=pull.number, commit=commit.sha)

    @step("gave way")
    async def gave_way(self, id: SolveId, why: str) -> str:
        return failure_reasons.gave_way(target_of((await self._case(id)).task).branch, why)

    # ------------------------------------------------------------------------------------------------------ details

    async def _case(self, id: SolveId) -> _Case:
        facts = await self._world.store.facts(id)
        assert facts is not None
        assert facts.task is not None
        assert facts.champion is not None
        assert facts.champion.candidate is not None
        return _Case(facts, facts.task, facts.champion.candidate)


@dataclass(frozen=True, slots=True)
class _Case:
    """A revision whose decision has a champion."""

    facts: SolveFacts
    task: Task
    candidate: Candidate
