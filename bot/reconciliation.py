"""What happened while nobody told us: GitHub is asked how things stand, and what we hold is brought in line.

    solves under way     issue closed, unlabelled, transferred or deleted; repository archived, renamed or gone; the App
                         suspended or taken away: called off, by a workflow of its own
    runs                 still at work for a solve that is over: stopped
    status comments      that do not say how it ended: brought up to date
    pull requests        merged or closed: noted

Each look can be repeated, and one worker of all does it. Nothing here waits for a webhook.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog

from bot.core.choosing.outcomes import fate
from bot.core.model import SolveFacts, SolveId
from bot.core.render import failure_reasons
from bot.core.trigger.still_wanted import unwanted
from bot.engine import Engine
from bot.finish import Conclusion
from bot.ports import Clock, Denied, GitHub, Gone, Rejected, Store
from bot.status_comment import StatusBoard

log = structlog.get_logger()

LATELY = timedelta(days=3)  # in which an end is looked at again: as long as GitHub can deliver
JUDGED = timedelta(days=37)  # in which a pull request is looked at


@dataclass(frozen=True, slots=True)
class CallOff:
    solve: SolveId
    why: str


class Reconciliation:
    def __init__(
        self,
        github: GitHub,
        store: Store,
        engine: Engine,
        board: StatusBoard,
        conclusion: Conclusion,
        clock: Clock,
    ) -> None:
        self._github = github
        self._store = store
        self._engine = engine
        self._board = board
        self._conclusion = conclusion
        self._clock = clock

    async def call_off(self, job: CallOff) -> None:
        """The workflow: another one than the solve's."""
        await self._conclusion.cancel(job.solve, job.why)

    async def look(self) -> None:
        for id in await self._store.active_solves():
            facts = await self._store.facts(id)
            if facts is not None and not facts.status.is_over and (why := await self._why_over(facts)):
                log.warning("solve.unwanted", solve=id, why=why)
                await self._engine.start("call off", f"{id}-off", CallOff(id, why))
        await self._pulls()  # first: status comments tell of it
        await self._ends()

    async def _why_over(self, facts: SolveFacts) -> str:
        """ "" where it goes on."""
        ref = facts.solve.issue
        try:
            repository = await self._github.repository(ref.repo)
        except (Gone, Denied):
            return failure_reasons.REPOSITORY_GONE
        await self._store.repository_seen(repository.repo, archived=repository.archived)
        if repository.archived or repository.disabled:
            return failure_reasons.REPOSITORY_ARCHIVED
        try:
            issue = await self._github.issue(ref)
        except Gone:
            return failure_reasons.ISSUE_GONE
        except Denied:
            return ""  # a permission is missing: the solve says so itself, with the remedy
        return unwanted(facts, is_open=issue.open, labels=issue.labels)

    async def _ends(self) -> None:
        active = set(await self._engine.active())
        for facts in await self._store.lately_ended(since=self._clock.now() - LATELY):
            for run in facts.runs:
                if run.id in active:
                    log.warning("run.unwanted", solve=facts.id, run=run.id)
                    await self._engine.cancel(run.id)
            if await self._board.lags(facts.id):
                log.warning("status.lags", solve=facts.id)
                await self._board.refresh(facts.id)

    async def _pulls(self) -> None:
        for facts in await self._store.undecided(since=self._clock.now() - JUDGED):
            pull, repo = facts.pull_request, facts.solve.issue.repo
            assert pull is not None
            try:
                found = await self._github.pull(repo, pull.number)
            except (Gone, Denied, Rejected) as error:
                log.info("pull.unseen", solve=facts.id, reason=str(error))
                continue
            if not found.open:
                became = fate(pull, merged=found.merged, head_sha=found.head_sha)
                await self._store.became(facts.id, became, self._clock.now())
                log.warning("pull.decided", solve=facts.id, fate=became)
