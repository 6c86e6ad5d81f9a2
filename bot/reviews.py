"""From a review, a comment on a line or `/solve revise` to a revision: is there one, and what may it cost?"""

from __future__ import annotations

from dataclasses import replace

from bot.actions import Hindered, Refusal, UpdateJob
from bot.core.choosing.experiments import ServerLimits, plan
from bot.core.model import IssueRef, RepoConfig, Solve, SolveFacts, Trigger, TriggerKind, solve_id
from bot.core.render import replies, updates
from bot.core.text.outgoing import CleanFacts, Redactor
from bot.core.trigger.commands import Misread, ReviseCommand, parse_commands
from bot.core.trigger.config import ConfigProblem
from bot.core.trigger.events import CommentPosted, Requested, ReviewSubmitted, ThreadCommented, trigger_of
from bot.core.trigger.revising import No, dollars_for, revision_options
from bot.ports import Clock, GitHub, ReviewState, Store

Asking = CommentPosted | Requested | ReviewSubmitted | ThreadCommented


class Reviews:
    def __init__(self, github: GitHub, store: Store, clock: Clock, server: ServerLimits, redact: Redactor) -> None:
        self._github = github
        self._store = store
        self._clock = clock
        self._server = server
        self._redact = redact

    async def original(self, event: Asking) -> SolveFacts | None:
        """The solve whose pull request it is about; None: it is not ours."""
        return await self._store.of_pull(event.issue.repo.id, event.issue.number)

    async def with_candidates(self, latest: SolveFacts | None) -> CleanFacts | None:
        """Candidates are a solve's: where a revision is the latest, that of the solve before it."""
        if latest is not None and latest.solve.revises is not None:
            latest = await self._store.facts(latest.solve.revises)
        return self._redact.facts(latest) if latest is not None else None

    async def asks_with_its_review(self, event: ThreadCommented) -> bool:
        """It came with a review that asks by itself, for all of its threads, and is a delivery of its own."""
        if event.review is None or event.previous is not None:
            return False
        review = await self._github.review(event.issue.repo, event.issue.number, event.review)
        asks = any(isinstance(command, ReviseCommand) for command in parse_commands(review.body))
        return asks or review.state is ReviewState.CHANGES_REQUESTED

    async def revision(self, event: Asking, config: RepoConfig | ConfigProblem) -> Solve | None:
        """What is to be accepted; None where the same review asks already, or nobody is to speak. Raises `Refusal`."""
        pull = await self._github.pull(event.issue.repo, event.issue.number)
        if pull.locked:
            return None
        original = await self.original(event)
        if original is None or not pull.ours:
            raise Refusal(replies.not_our_pull())
        if not pull.open:
            raise Refusal(replies.pull_request_not_open(event.issue.number))
        return await self.planned(event.issue, original, _trigger(event), event.text, config)

    async def update(self, event: CommentPosted | Requested) -> UpdateJob:
        """Raises `Refusal`."""
        issue = event.issue if event.is_pull_request else None
        original = await self._store.of_pull(issue.repo.id, issue.number) if issue is not None else None
        if original is None or issue is None:
            raise Refusal(updates.not_in_a_pull())
        if isinstance(event, Requested):
            return UpdateJob(original.id, issue, event.by, event.key)
        return UpdateJob(original.id, issue, event.by, f"c{event.comment_id}", event.comment_id)

    async def planned(
        self,
        issue: IssueRef,
        original: SolveFacts,
        trigger: Trigger,
        asked: str,
        config: RepoConfig | ConfigProblem,
    ) -> Solve | None:
        """A revision within the limits of its pull request. Raises `Hindered`."""
        if isinstance(config, ConfigProblem):
            mistakes = [(mistake.line, self._redact(mistake.reason)) for mistake in config.mistakes]
            raise Hindered(replies.config_problems(config.path, mistakes))
        id = solve_id(issue, trigger.key)
        active = await self._store.active(issue.repo.id, issue.number)
        if active is not None and active.id != id:
            if trigger.review is not None and active.solve.trigger.review == trigger.review:
                return None
            raise Hindered(replies.already_running(self._redact.facts(active)))
        before = [facts for facts in await self._store.revisions(original.id) if facts.id != id]
        options = revision_options(original, self._dollars(issue, original, before, config))
        planned = plan(options, config, await self._store.models(), self._server)
        if isinstance(planned, Misread):
            raise Hindered(replies.not_understood([(self._redact(planned.what), self._redact(planned.remedy))]))
        solve = original.solve
        job = Solve(id, issue, solve.issue_title, solve.issue_body, trigger, options, self._clock.now())
        return replace(job, revises=original.id, asked=asked, reserved=planned.limits.dollars)

    def _dollars(self, issue: IssueRef, original: SolveFacts, before: list[SolveFacts], config: RepoConfig) -> float:
        limit = self._server.limits.dollars
        left = dollars_for(original, before, min(limit, config.dollars or limit))
        if isinstance(left, No):
            raise Hindered(replies.not_revised(issue.number, left))
        return left


def _trigger(event: Asking) -> Trigger:
    match event:
        case CommentPosted() | Requested():
            return trigger_of(event)
        case ReviewSubmitted():
            return Trigger(TriggerKind.REVIEW, f"v{event.review}", event.by, event.at, review=event.review)
    return Trigger(
        TriggerKind.THREAD,
        f"t{event.comment_id}",
        event.by,
        event.at,
        review=event.review,
        thread=event.comment_id,
    )
