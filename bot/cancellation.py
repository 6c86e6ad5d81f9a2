"""What people do that ends a solve or a revision: take the label away, close, transfer, delete, merge."""

from __future__ import annotations

from dataclasses import replace

from bot.actions import Action, Actions
from bot.core.model import RepoConfig, SolveFacts, SolveId, TriggerKind
from bot.core.trigger.events import (
    CommitsReverted,
    IssueClosed,
    IssueMoved,
    LabelRemoved,
    PullRequestChanged,
    PullRequestClosed,
    PullRequestReopened,
    ReviewDismissed,
    is_one_of,
)
from bot.outcomes import Fates, Noted
from bot.ports import Clock, GitHub, Store


class Ends:
    def __init__(self, store: Store, github: GitHub, clock: Clock) -> None:
        self._store = store
        self._github = github
        self._clock = clock
        self._fates = Fates(store)

    async def of_issue(self, event: LabelRemoved | IssueClosed | IssueMoved) -> Actions:
        active = await self._store.active(event.issue.repo.id, event.issue.number)
        if active is None:
            return Actions(because="nothing is running for this issue")
        match event:
            case LabelRemoved():
                labels = active.task.config.labels if active.task else RepoConfig().labels
                if active.solve.trigger.kind is not TriggerKind.LABEL or not is_one_of(event.label, labels):
                    return Actions(because="that label did not start it")
                why = f"{event.by.login} removed the label"
            case IssueClosed():
                why = f"{event.by.login} closed the issue"
            case IssueMoved():
                why = f"{event.by.login} {'deleted' if event.deleted else 'transferred'} the issue"
        return Actions((Action(cancel=active.id, cancelled_by=why),))

    async def of_review(self, event: ReviewDismissed) -> Actions:
        """Nobody asks any more for what it started."""
        active = await self._store.active(event.repo.id, event.number)
        trigger = active.solve.trigger if active is not None else None
        if (
            active is None
            or trigger is None
            or trigger.kind is not TriggerKind.REVIEW
            or trigger.review != event.review
        ):
            return Actions(because="nothing is under way for that review")
        return Actions((Action(cancel=active.id, cancelled_by=f"{event.by.login} dismissed the review"),))

    async def undone(self, event: PullRequestReopened) -> Actions:
        return _told(await self._fates.reopened(event))

    async def followed(self, event: PullRequestChanged) -> Actions:
        return _told(await self._fates.followed(event))

    async def unwanted(self, latest: SolveFacts | None, why: str) -> SolveId | None:
        """Of whose closed pull request somebody says why; None: there is none."""
        return await self._fates.unwanted(latest, why) if latest is not None else None

    async def of_pull(self, event: PullRequestClosed) -> Actions:
        """A revision of it has nowhere to go any more."""
        noted = _told(await self._fates.note(event))
        active = await self._store.active(event.repo.id, event.number)
        if active is None or active.solve.revises is None:
            return noted
        why = f"{event.by.login} {'merged' if event.merged else 'closed'} the pull request"
        return replace(noted, todo=(*noted.todo, Action(cancel=active.id, cancelled_by=why)))

    async def of_commits(self, event: CommitsReverted) -> Actions:
        """Of each the pull requests by which it came, as GitHub knows them."""
        todo = list[Action]()
        for commit in event.commits:
            for number in await self._github.merged_by(event.repo, commit):
                todo += _told(await self._fates.taken_back(event.repo.id, number, self._clock.now())).todo
        return Actions(tuple(todo), because="" if todo else "not a pull request of ours")


def _told(noted: Noted) -> Actions:
    todo = (Action(refresh=noted.solve),) if noted.solve is not None else ()
    return Actions(todo, because=noted.what)
