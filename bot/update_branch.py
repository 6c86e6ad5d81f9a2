"""`/solve update`: the base branch is merged into a pull request of ours by GitHub; or the change is made anew on it.

    look       is it open, and does the base branch hold anything that it does not?
    merge      by GitHub, where it is clean: people's commits stay, and nothing is forced
    make anew  where it conflicts: a revision on the base branch, pushed as a child of both (revise.py)
    tell       in the pull request's text, and to whoever asked

Where people have commits of their own in it, they would be overruled by a change that is made anew, so it is not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import structlog

from bot.actions import Refusal, UpdateJob
from bot.configuration import read_config
from bot.core.model import Sha, Solve, SolveFacts, Trigger, TriggerKind
from bot.core.render import updates as render
from bot.core.render.replies import reply, reply_marker
from bot.core.text.outgoing import Redactor
from bot.engine import Engine, step
from bot.finish import PATIENCE
from bot.ports import Denied, Gone, Merged, Rejected, World
from bot.pull_text import PullText
from bot.reviews import Reviews

log = structlog.get_logger()

NOWHERE = Sha("")
Claim = Callable[[Solve], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Standing:
    """Of a pull request before it is updated. `refusal`: why it is not, for people."""

    branch: str = ""
    head: Sha = NOWHERE
    base: str = ""
    refusal: str = ""


@dataclass(frozen=True, slots=True)
class Updated:
    """What became of the merge. `head`: the commit that was made."""

    outcome: Merged
    head: Sha | None = None


@dataclass(frozen=True, slots=True)
class Anew:
    """The revision that makes the change anew, or why there is none."""

    revision: Solve | None = None
    refusal: str = ""


class Updating:
    """`claim` accepts a revision, or says why not."""

    def __init__(
        self, world: World, engine: Engine, reviews: Reviews, text: PullText, redact: Redactor, claim: Claim
    ) -> None:
        self._world = world
        self._engine = engine
        self._reviews = reviews
        self._text = text
        self._redact = redact
        self._claim = claim

    async def update(self, job: UpdateJob) -> None:
        """The workflow. Whatever comes of it is said to whoever asked."""
        structlog.contextvars.bind_contextvars(solve=job.original)
        try:
            said = await self._story(job)
        except (Gone, Denied, Rejected) as error:
            said = render.not_merged(error.remedy)
        except Exception:  # the top of a workflow, where everything may be caught: nobody is left without an answer
            log.exception("update.broke", solve=job.original)
            said = render.ours_broke(job.id)
        if said and job.asked:
            await self.answer(job, said)

    async def _story(self, job: UpdateJob) -> str:
        """What is to be answered; "" where a revision says the rest."""
        standing = await self.look(job)
        if standing.refusal:
            return standing.refusal
        done = await self.merge(job, standing)
        if done.outcome is not Merged.CONFLICT:
            return await self.record(job, standing, done)
        if not job.asked:  # to make it anew costs money
            return await self.note_conflict(job, standing)
        return await self._make_anew(job, standing)

    async def _make_anew(self, job: UpdateJob, standing: Standing) -> str:
        planned = await self.plan_anew(job, standing)
        if planned.revision is None:
            return planned.refusal
        refusal = await self._claim(planned.revision)
        if not refusal:
            await self._engine.start(planned.revision.workflow, planned.revision.id, planned.revision)
        return refusal

    # ------------------------------------------------------------------------------------------------------- steps

    @step("look at base", patience=PATIENCE)
    async def look(self, job: UpdateJob) -> Standing:
        repo, number = job.issue.repo, job.issue.number
        pull = await self._world.github.pull(repo, number)
        if not (pull.open and pull.ours) or pull.locked:
            return Standing(refusal=render.not_open(number))
        if await self._world.github.branch_head(repo, pull.base) is None:
            return Standing(refusal=render.base_gone(pull.base))
        if not await self._world.github.missing_from(repo, base=pull.base, head=pull.head_sha):
            return Standing(refusal=render.up_to_date(number, pull.base))
        return Standing(pull.branch, pull.head_sha, pull.base)

    @step("merge base", patience=PATIENCE)
    async def merge(self, job: UpdateJob, standing: Standing) -> Updated:
        """A second try finds what the first one has merged."""
        repo, message = job.issue.repo, render.merge_message(standing.base, standing.branch)
        done = await self._world.github.merge(repo, branch=standing.branch, base=standing.base, message=message)
        return Updated(done.outcome, done.commit.sha if done.commit is not None else None)

    @step("record update", patience=PATIENCE)
    async def record(self, job: UpdateJob, standing: Standing, done: Updated) -> str:
        facts, now = await self._facts(job), self._world.clock.now()
        if done.head is None:
            return render.up_to_date(job.issue.number, standing.base)
        moved = render.merged(standing.base, done.head)
        watch = replace(facts.watch, moved=moved, head=done.head, checks="", updated_at=now)
        await self._world.store.watched(facts.id, watch)
        detail = {"commit": done.head, "base": standing.base}
        await self._world.store.audit(now, job.by.login, "pull.updated", str(facts.id), detail)
        log.info("pull.updated", solve=facts.id, pull=job.issue.number, commit=done.head)
        await self._text.rewrite(facts.id)
        return moved

    @step("note conflict", patience=PATIENCE)
    async def note_conflict(self, job: UpdateJob, standing: Standing) -> str:
        facts = await self._facts(job)
        await self._world.store.watched(facts.id, replace(facts.watch, moved=render.conflicts(standing.base)))
        await self._text.rewrite(facts.id)
        return ""

    @step("plan anew", patience=PATIENCE)
    async def plan_anew(self, job: UpdateJob, standing: Standing) -> Anew:
        repo, original = job.issue.repo, await self._facts(job)
        if others := await self._world.github.authors_beside_us(repo, job.issue.number):
            return Anew(refusal=render.others_inside(standing.base, others))
        repository = await self._world.github.repository(repo)
        config = await read_config(self._world.github, repo, repository.default_branch)
        trigger = Trigger(TriggerKind.UPDATE, f"u{job.key}", job.by, self._world.clock.now(), job.comment_id)
        try:
            return Anew(await self._reviews.planned(job.issue, original, trigger, "", config))
        except Refusal as refusal:
            return Anew(refusal=str(refusal))

    @step("answer update", patience=PATIENCE)
    async def answer(self, job: UpdateJob, said: str) -> None:
        marker = reply_marker(job.id)
        try:
            await self._world.github.say(job.issue, reply(self._redact(said), marker), marker=marker)
        except (Gone, Denied, Rejected) as error:
            log.info("reply.unspeakable", issue=str(job.issue), reason=str(error))

    # ------------------------------------------------------------------------------------------------------ details

    async def _facts(self, job: UpdateJob) -> SolveFacts:
        facts = await self._world.store.facts(job.original)
        assert facts is not None
        return facts
