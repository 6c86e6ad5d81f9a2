"""`publish: after-approval`: a champion waits until a person with write permission says what becomes of it.

What waits is a row. No workflow, no sandbox and no task is held meanwhile: the solve's own workflow has ended, and the
answer starts another one, under an id made of the solve's, so that there is only one however often it is given. Whom
nobody answers is found by the worker, two weeks later.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import structlog

from bot.core.choosing.approval import Approval, Standing, ending, expired, publication, wanted
from bot.core.choosing.approval_rules import with_approved
from bot.core.model import Fate, Solve, SolveFacts, SolveId
from bot.core.render import failure_reasons
from bot.engine import Engine, WorkflowState, step
from bot.finish import PATIENCE, Conclusion
from bot.ports import Clock, Store, World
from bot.publish import Publisher
from bot.status_comment import StatusBoard

log = structlog.get_logger()

ToItsEnd = Callable[[Solve, Callable[[Solve], Awaitable[None]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class ApprovalAnswer:
    """By a person, to what waits. `approval` as it stands if theirs is the first."""

    solve: Solve
    approval: Approval


class WaitingRoom:
    """The solve's side: it has a champion, and asks."""

    def __init__(self, store: Store, board: StatusBoard, conclusion: Conclusion, clock: Clock) -> None:
        self._store = store
        self._board = board
        self._conclusion = conclusion
        self._clock = clock

    async def enter(self, id: SolveId) -> None:
        await self.ask(id)
        await self._conclusion.clean_up(id)

    @step("ask for approval", patience=PATIENCE)
    async def ask(self, id: SolveId) -> None:
        await self._store.awaits(id, wanted(self._clock.now()))
        log.info("solve.waits_for_approval", solve=id)
        await self._board.refresh(id)


class Approvals:
    """What becomes of it: published, or ended with a word."""

    def __init__(
        self,
        world: World,
        publisher: Publisher,
        board: StatusBoard,
        conclusion: Conclusion,
        to_its_end: ToItsEnd,
    ) -> None:
        self._github = world.github
        self._mirrors = world.mirrors
        self._store = world.store
        self._clock = world.clock
        self._publisher = publisher
        self._board = board
        self._conclusion = conclusion
        self._to_its_end = to_its_end

    async def publish(self, job: Solve) -> None:
        """The workflow of what was approved. The rest of a solve's story."""
        await self._to_its_end(job, self._story)

    async def _story(self, job: Solve) -> None:
        await self.take_up(job)
        await self._publisher.publish(job.id)
        await self._conclusion.complete(job.id)

    async def end(self, job: Solve) -> None:
        """The workflow of what was rejected, or answered by nobody."""
        why = await self.why_ended(job.id)
        if why:
            await self._conclusion.call_off(job.id, why)

    # ------------------------------------------------------------------------------------------------------- steps

    @step("take up what was approved", patience=PATIENCE)
    async def take_up(self, job: Solve) -> None:
        """Two weeks may have passed: the base commit is fetched again."""
        facts = await self._facts(job.id)
        assert facts.approval is not None
        assert facts.decision is not None
        assert facts.task is not None
        repo, approval = job.issue.repo, facts.approval
        await self._mirrors.fetch(repo, await self._github.remote(repo), want=facts.task.base_sha)
        chosen = with_approved(facts.decision, approval)
        if chosen != facts.decision:
            await self._store.decided(job.id, chosen)
        await self._audit(approval, job.id)
        await self._board.refresh(job.id)

    @step("end what was not approved")
    async def why_ended(self, id: SolveId) -> str:
        """Empty: somebody was quicker."""
        facts = await self._facts(id)
        approval = facts.approval
        if approval is not None and (late := expired(approval, self._clock.now())) is not None:
            approval = await self._store.answered(id, late)
        if approval is None or approval.standing not in (Standing.REJECTED, Standing.EXPIRED):
            return ""
        await self._audit(approval, id)
        if approval.standing is Standing.REJECTED:
            await self._store.became(id, Fate.REJECTED, approval.at or self._clock.now())
        return failure_reasons.not_approved(approval)

    async def _audit(self, approval: Approval, id: SolveId) -> None:
        detail = {"run": str(approval.run or ""), "why": approval.why}
        at = approval.at or approval.asked_at
        await self._store.audit(at, approval.by or "solvebot", f"solve.{approval.standing}", str(id), detail)

    async def _facts(self, id: SolveId) -> SolveFacts:
        facts = await self._store.facts(id)
        assert facts is not None
        return facts


class Starter(Protocol):
    """Of workflows, by name and id; one that was started under that id is left alone."""

    async def start(self, name: str, id: str, argument: Solve) -> None: ...


async def go_on(engine: Starter, solve: Solve, standing: Standing) -> None:
    """As the answer says, once."""
    if standing is Standing.APPROVED:
        await engine.start("publish approved", publication(solve.id), solve)
    else:
        await engine.start("end unapproved", ending(solve.id), solve)


async def see_to(engine: Engine, facts: SolveFacts, clock: Clock) -> None:
    """Of a solve whose own workflow has ended: what goes on is started, if it is not, or given up, if it cannot."""
    approval, solve = facts.approval, facts.solve
    if approval is None or (approval.is_waiting and expired(approval, clock.now()) is None):
        return
    workflow = publication(solve.id) if approval.standing is Standing.APPROVED else ending(solve.id)
    match await engine.state(workflow):
        case WorkflowState.FAILED:
            await engine.start("give up", f"{solve.id}-end", solve.id)
        case WorkflowState.UNKNOWN:
            await go_on(engine, solve, approval.standing)
