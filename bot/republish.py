"""`/solve retry` after a publication that failed: only that is tried again, and nothing is paid for twice.

Workflow code. The solve is over and stays so; when this goes well, its end becomes another one.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import structlog

from bot.core.model import Person, PullRequest, SolveFacts, SolveId
from bot.core.render import failure_reasons
from bot.core.solve_status import is_unpublished
from bot.engine import step
from bot.finish import PATIENCE, reaction
from bot.ports import Denied, Gone, Rejected, World, WorldError
from bot.publish import Publisher, Withheld
from bot.status_comment import StatusBoard

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class RepublishJob:
    solve: SolveId
    by: Person
    key: str  # of the request

    @property
    def id(self) -> str:
        return f"{self.solve}-publish-{self.key}"


class Republication:
    def __init__(self, world: World, publisher: Publisher, board: StatusBoard) -> None:
        self._world = world
        self._publisher = publisher
        self._board = board

    async def publish(self, job: RepublishJob) -> None:
        """The workflow. Who asked may ask, and the issue is open: that was looked up a moment ago."""
        structlog.contextvars.bind_contextvars(solve=job.solve)
        try:
            await self._publish(job)
            error = ""
        except Withheld as withheld:
            error = str(withheld)
        except WorldError as broken:
            error = broken.remedy or failure_reasons.OURS
            log.error("republication.failed", solve=job.solve, reason=str(broken))
        except Exception:  # the top of a workflow, where everything may be caught: nobody is left without an answer
            log.exception("republication.broke", solve=job.solve)
            error = failure_reasons.OURS
        await self.conclude(job, error)

    async def _publish(self, job: RepublishJob) -> None:
        if not await self.base_is_here(job):
            return
        left = await self.left(job)
        if left is None:
            await self._publisher.put(job.solve)
        else:
            await self._publisher.publish_left(job.solve, left)

    # ------------------------------------------------------------------------------------------------------- steps

    @step("base is here", patience=PATIENCE)
    async def base_is_here(self, job: RepublishJob) -> bool:
        """False: somebody else has published it meanwhile."""
        facts = await self._facts(job)
        if not is_unpublished(facts) or facts.task is None:
            return False
        repo = facts.solve.issue.repo
        await self._world.mirrors.fetch(repo, await self._world.github.remote(repo), want=facts.task.base_sha)
        return True

    @step("left on a branch", patience=PATIENCE)
    async def left(self, job: RepublishJob) -> PullRequest | None:
        """The branch that an earlier try has made, where it is as we left it."""
        facts = await self._facts(job)
        left = facts.pull_request
        if left is None or await self._world.github.branch_head(facts.solve.issue.repo, left.branch) != left.head_sha:
            return None
        return left

    @step("conclude publication", patience=PATIENCE)
    async def conclude(self, job: RepublishJob, error: str) -> None:
        now = self._world.clock.now()
        await self._world.store.published_after_all(job.solve, now, error=error)
        await self._world.store.audit(now, job.by.login, "solve.republished", str(job.solve), {"error": error})
        await self._board.refresh(job.solve)
        facts = await self._facts(job)
        with suppress(Gone, Denied, Rejected):
            await self._world.github.react(facts.solve.issue, facts.solve.trigger.comment_id, reaction(facts))

    async def _facts(self, job: RepublishJob) -> SolveFacts:
        facts = await self._world.store.facts(job.solve)
        assert facts is not None
        return facts
