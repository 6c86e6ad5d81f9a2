"""How a solve ends. Every accepted one comes through here once: terminal status, nothing left running, a last word."""

from __future__ import annotations

from contextlib import suppress

import structlog

from bot.core.choosing.approval import publication
from bot.core.model import IssueRef, SolveFacts, SolveId, Status, prepared_snapshot
from bot.core.render import failure_reasons
from bot.core.sandboxes import sandboxes_of
from bot.engine import Engine, WorkflowState, step
from bot.ports import Clock, Denied, GitHub, Gone, Rejected, Sandboxes, Store
from bot.status_comment import StatusBoard

log = structlog.get_logger()

PATIENCE = 3600.0  # seconds a step waits for GitHub to come back


class Conclusion:
    def __init__(
        self, github: GitHub, store: Store, sandboxes: Sandboxes, board: StatusBoard, engine: Engine, clock: Clock
    ) -> None:
        self._github = github
        self._store = store
        self._sandboxes = sandboxes
        self._board = board
        self._engine = engine
        self._clock = clock

    async def complete(self, id: SolveId) -> None:
        await self.end(id, Status.COMPLETED)
        await self.clean_up(id)
        await self.last_word(id)

    async def fail(self, id: SolveId, error: str, incident: str = "") -> None:
        """`error` is for people. An incident is a failure on our side, to be found in the log under that id."""
        await self.end(id, Status.FAILED, error=error, incident=incident)
        await self.stop_runs(id)
        await self.clean_up(id)
        await self.last_word(id)

    async def call_off(self, id: SolveId, why: str) -> None:
        """By the solve's own workflow, which may not cancel itself: nothing that comes after that would happen."""
        await self.end(id, Status.CANCELLED, by=why)
        await self.stop_runs(id)
        await self.clean_up(id)
        await self.last_word(id)

    async def give_up(self, id: SolveId) -> None:
        """A workflow of its own, for a solve whose workflow has been given up."""
        await self.fail(id, failure_reasons.GAVE_UP, incident=str(id))

    async def cancel(self, id: SolveId, by: str) -> bool:
        """By another workflow than the solve's. `by` says who and how. False when it had ended already."""
        stands = await self.end(id, Status.CANCELLED, by=by)
        if stands is not Status.CANCELLED:
            return False
        await self.stop(id)
        await self.clean_up(id)
        await self.last_word(id)
        return True

    @step("end", patience=PATIENCE)
    async def end(self, id: SolveId, status: Status, *, error: str = "", incident: str = "", by: str = "") -> Status:
        """The terminal status that stands: this one, unless there was another before."""
        stands = await self._store.ended(id, status, at=self._clock.now(), error=error, incident=incident, by=by)
        await self._store.audit(self._clock.now(), by or "solvebot", f"solve.{stands}", str(id), {"incident": incident})
        log.info("solve.ended", solve=id, status=stands, by=by, incident=incident)
        return stands

    @step("stop")
    async def stop(self, id: SolveId) -> None:
        await self._engine.cancel(id)
        if await self._engine.state(publication(id)) is WorkflowState.ACTIVE:
            await self._engine.cancel(publication(id))

    @step("what is gone", patience=PATIENCE)
    async def what_is_gone(self, issue: IssueRef) -> str:
        """Something is, as somebody has said. Is it what the solve is about? Otherwise it is ours: ""."""
        try:
            await self._github.issue(issue)
        except Gone:
            try:
                await self._github.repository(issue.repo)
            except (Gone, Denied):
                return failure_reasons.REPOSITORY_GONE
            return failure_reasons.ISSUE_GONE
        except Denied:
            return failure_reasons.REPOSITORY_GONE
        return ""

    @step("stop runs")
    async def stop_runs(self, id: SolveId) -> None:
        facts = await self._store.facts(id)
        for run in facts.runs if facts else ():
            if await self._engine.state(run.id) is WorkflowState.ACTIVE:
                await self._engine.cancel(run.id)

    @step("clean up")
    async def clean_up(self, id: SolveId) -> None:
        facts = await self._store.facts(id)
        runs = [run.id for run in facts.runs] if facts else []
        await self._sandboxes.drop_snapshot(prepared_snapshot(id))  # first: without it no lost sandbox is made anew
        for sandbox in sandboxes_of(id, runs):
            await self._sandboxes.close(sandbox)

    @step("say so", patience=PATIENCE)
    async def say_so(self, id: SolveId) -> None:
        """In its status comment, where there is one: something is otherwise. It is no reason for a new one."""
        facts = await self._store.facts(id)
        if facts is not None and facts.comment_id is not None:
            await self._board.refresh(id)

    @step("last word", patience=PATIENCE)
    async def last_word(self, id: SolveId) -> None:
        await self._board.refresh(id)
        facts = await self._store.facts(id)
        if facts is not None:
            with suppress(Gone, Denied, Rejected):  # locked, deleted or transferred meanwhile
                trigger = facts.solve.trigger
                await self._github.react(facts.solve.issue, trigger.comment_id, reaction(facts))


def reaction(facts: SolveFacts) -> str:
    published = facts.status is Status.COMPLETED and facts.pull_request is not None
    return "rocket" if published else "confused"
