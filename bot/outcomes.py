"""What becomes of the pull requests that we open: noted when one of them, or what takes one back, is closed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from bot.core.choosing.outcomes import REVERTED_WITHIN, fate, reverted
from bot.core.model import Fate, PullRequest, SolveFacts, SolveId
from bot.core.render.fate import LONGEST, retargeted
from bot.core.text.cleaning import visible
from bot.core.trigger.events import PullRequestChanged, PullRequestClosed, PullRequestReopened
from bot.ports import Store

_NOT_OURS = "not a pull request of ours"


@dataclass(frozen=True, slots=True)
class Noted:
    """`what`: for the log. `solve`: whose status comment is to say so."""

    what: str
    solve: SolveId | None = None


class Fates:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def note(self, event: PullRequestClosed) -> Noted:
        before = reverted(event.body, event.repo.name) if event.merged else None
        if before is not None:
            return await self.taken_back(event.repo.id, before, event.at)
        ours = await self._ours(event.repo.id, event.number)
        if ours is None:
            return Noted(_NOT_OURS)
        solve, pull = ours
        became = fate(pull, merged=event.merged, head_sha=event.head_sha)
        await self._store.became(solve, became, event.at)
        return Noted(became.value, solve)

    async def taken_back(self, repo_id: int, number: int, at: datetime) -> Noted:
        """By a pull request that says so, or a commit."""
        ours = await self._ours(repo_id, number)
        if ours is None:
            return Noted(_NOT_OURS)
        solve, _ = ours
        merged_at = await self._store.fate_at(solve)  # None: that it was merged we are still to hear
        if merged_at is not None and at - merged_at > REVERTED_WITHIN:
            return Noted("reverted too late to say anything")
        await self._store.became(solve, Fate.REVERTED, at)
        return Noted(Fate.REVERTED.value, solve)

    async def reopened(self, event: PullRequestReopened) -> Noted:
        ours = await self._ours(event.repo.id, event.number)
        if ours is None:
            return Noted(_NOT_OURS)
        await self._store.reopened(ours[0])
        return Noted("open again", ours[0])

    async def followed(self, event: PullRequestChanged) -> Noted:
        """By what people made of it, nothing is asked and nothing is started."""
        facts = await self._store.of_pull(event.repo.id, event.number)
        if facts is None or facts.pull_request is None:
            return Noted(_NOT_OURS)
        solve, pull = facts.id, facts.pull_request
        drafted = event.by.login if event.draft and not pull.draft else pull.drafted_by if event.draft else ""
        now = replace(pull, draft=event.draft, branch=event.branch, drafted_by=drafted)
        if now != pull:
            await self._store.published(solve, now)
        if facts.watch.head is not None:
            await self._store.watched(solve, facts.watch)  # whose commit is ours as well
        if event.base_before:
            await self._store.noted(solve, retargeted(event.by.login, event.base_before, event.base))
        return Noted("followed", solve)

    async def unwanted(self, latest: SolveFacts, why: str) -> SolveId | None:
        """Why it was closed, as somebody says; None: it was not."""
        id = latest.solve.revises or latest.id
        said = " ".join(visible(why).split())[:LONGEST]
        return id if await self._store.unwanted(id, said) else None

    async def _ours(self, repo_id: int, number: int) -> tuple[SolveId, PullRequest] | None:
        facts = await self._store.of_pull(repo_id, number)
        if facts is None or facts.pull_request is None:
            return None
        return facts.id, facts.pull_request
