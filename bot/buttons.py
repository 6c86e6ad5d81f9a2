"""From a button of our own check run to what is done about it. Whoever presses it may ask as in a comment."""

from __future__ import annotations

from dataclasses import replace

from bot.actions import REFUSED, Action, Actions, Refusal
from bot.authorization import Permits
from bot.configuration import read_config
from bot.core.choosing.use_candidate import candidate_for
from bot.core.model import IssueRef, Repo, RepoConfig, RunFacts, SolveFacts, Trigger, TriggerKind
from bot.core.render import own_check as render
from bot.core.render import replies
from bot.core.render.revision import pushed
from bot.core.text.outgoing import Redactor
from bot.core.trigger.config import ConfigProblem
from bot.core.trigger.events import ButtonPressed, IssueEvent, SuiteRerequested
from bot.core.trigger.own_check import Pressed, Wanted, read_button
from bot.ports import Clock, GitHub, Gone, Store
from bot.reviews import Reviews
from bot.starts import or_defaults
from bot.use_candidate import ExchangeJob

Config = RepoConfig | ConfigProblem


class Buttons:
    def __init__(
        self, github: GitHub, store: Store, clock: Clock, reviews: Reviews, permits: Permits, redact: Redactor
    ) -> None:
        self._github = github
        self._store = store
        self._clock = clock
        self._reviews = reviews
        self._permits = permits
        self._redact = redact

    async def original(self, event: ButtonPressed) -> SolveFacts | None:
        """None: it is of no pull request of ours in that repository."""
        facts = await self._store.facts(event.solve)
        if facts is None or facts.pull_request is None or facts.solve.issue.repo.id != event.repo.id:
            return None
        return facts

    async def weigh(self, event: ButtonPressed) -> Actions:
        """Pressed twice on the same state of things is once: the second finds the first by its key."""
        original, wanted = await self.original(event), read_button(event.button)
        if original is None or original.pull_request is None or wanted is None or event.by.is_bot:
            return Actions(because="no button of ours, or a robot's press")
        if wanted.wanted is Wanted.RERUN:
            return await self._again(event, original)
        asked = self._asked(event, original.pull_request.number)
        revisions = await self._store.revisions(original.id)
        if any(not each.status.is_over for each in revisions):
            return Actions(because="the pull request is being revised already")
        key = f"b{original.pull_request.head_sha[:10]}-{len(revisions)}-{event.button}"
        try:
            config = await self._config(event.repo)
            await self._permits.check(asked, or_defaults(config).who)
            action = await self._wanted(asked, original, wanted, key, config)
        except Refusal as refusal:
            by = render.pressed(self._redact(event.by.login), wanted.wanted.value)
            action = Action(reply=f"{by} {refusal}", reaction=REFUSED)
        except Gone as gone:
            return Actions(because=str(gone))
        return Actions((action,), asked.issue)

    async def of_suite(self, event: SuiteRerequested) -> Actions:
        """All checks of a commit again: ours says the same, which costs nothing. What costs has buttons."""
        pushed = await self._store.with_head(event.repo.id, event.sha)
        if pushed is None:
            return Actions(because="not a commit of ours")
        return Actions((Action(reshow=pushed.solve.revises or pushed.id),))

    async def _again(self, event: ButtonPressed, original: SolveFacts) -> Actions:
        """*Re-run* is *Retry* where the check offers that. In any case GitHub waits for the check to be told."""
        told = Action(reshow=original.id)
        if render.RETRY not in render.buttons_of(original, await self._store.revisions(original.id)):
            return Actions((told,))
        retry = await self.weigh(replace(event, button=Wanted.RETRY))
        return replace(retry, todo=(*retry.todo, told))

    async def _config(self, repo: Repo) -> Config:
        return await read_config(self._github, repo, (await self._github.repository(repo)).default_branch)

    def _asked(self, event: ButtonPressed, number: int) -> IssueEvent:
        return IssueEvent(IssueRef(event.repo, number), "", "", True, event.by, self._clock.now())

    async def _wanted(
        self, asked: IssueEvent, original: SolveFacts, pressed: Pressed, key: str, config: Config
    ) -> Action:
        """Raises `Refusal`."""
        if pressed.wanted is Wanted.USE:
            return self._use(asked, original, pressed.candidate, key)
        pull = await self._github.pull(asked.issue.repo, asked.issue.number)
        if pull.locked:
            return Action()
        if not (pull.open and pull.ours):
            raise Refusal(render.not_open(asked.issue.number))
        if pressed.wanted is Wanted.RETRY:
            return await self._retry(asked, original, key, config)
        if not await self._github.threads(asked.issue.repo, asked.issue.number):
            raise Refusal(render.nothing_to_revise(asked.issue.number))
        trigger = Trigger(TriggerKind.REVIEW, key, asked.by, asked.at)
        return Action(start=await self._reviews.planned(asked.issue, original, trigger, "", config))

    async def _retry(self, asked: IssueEvent, original: SolveFacts, key: str, config: Config) -> Action:
        """The last revision with its own words, as they stand now."""
        revisions = await self._store.revisions(original.id)
        if not revisions or pushed(revisions[-1]):
            raise Refusal(render.nothing_to_retry(asked.issue.number))
        last = revisions[-1].solve
        trigger = replace(last.trigger, key=key, by=asked.by, at=asked.at, comment_id=None)
        return Action(start=await self._reviews.planned(asked.issue, original, trigger, last.asked, config))

    def _use(self, asked: IssueEvent, original: SolveFacts, candidate: int, key: str) -> Action:
        told = self._redact.facts(original)
        found = candidate_for(told, candidate)
        if not isinstance(found, RunFacts):
            raise Refusal(replies.not_usable(told, candidate, found))
        return Action(use=ExchangeJob(found.solve, found.id, asked.by, key), reaction="eyes")
