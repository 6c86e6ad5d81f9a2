"""What becomes of the pull requests that we open: noted when one of them, or what takes one back, is closed."""

from __future__ import annotations

from bot.core.choosing.outcomes import REVERTED_WITHIN, fate, reverted
from bot.core.model import Fate, PullRequest, SolveId
from bot.core.trigger.events import PullRequestClosed, PullRequestReopened
from bot.ports import Store

_NOT_OURS = "not a pull request of ours"


class Fates:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def note(self, event: PullRequestClosed) -> str:
        """What was made of it, for the log."""
        before = reverted(event.body, event.repo.name) if event.merged else None
        ours = await self._ours(event.repo.id, event.number if before is None else before)
        if ours is None:
            return _NOT_OURS
        solve, pull = ours
        if before is None:
            became = fate(pull, merged=event.merged, head_sha=event.head_sha)
            await self._store.became(solve, became, event.at)
            return became.value
        merged_at = await self._store.fate_at(solve)  # None: that it was merged we are still to hear
        if merged_at is not None and event.at - merged_at > REVERTED_WITHIN:
            return "reverted too late to say anything"
        await self._store.became(solve, Fate.REVERTED, event.at)
        return Fate.REVERTED.value

    async def reopened(self, event: PullRequestReopened) -> str:
        ours = await self._ours(event.repo.id, event.number)
        if ours is None:
            return _NOT_OURS
        await self._store.reopened(ours[0])
        return "open again"

    async def _ours(self, repo_id: int, number: int) -> tuple[SolveId, PullRequest] | None:
        facts = await self._store.of_pull(repo_id, number)
        if facts is None or facts.pull_request is None:
            return None
        return facts.id, facts.pull_request
