"""How a solve ends. Every accepted one comes through here once: terminal status, nothing left running, a last word."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

import structlog

from bot.core.model import RunId, SandboxId, SolveFacts, SolveId, Status, prepared_snapshot
from bot.core.render import causes
from bot.engine import Engine, step
from bot.ports import Clock, Denied, GitHub, Gone, Rejected, Sandboxes, Store
from bot.status import StatusBoard

log = structlog.get_logger()

PATIENCE = 3600.0  # seconds a step waits for GitHub to come back


def sandboxes_of(solve: SolveId, runs: Sequence[RunId]) -> list[SandboxId]:
    """Every sandbox that a solve may have open, whoever was using it."""
    # A plan or an agent, twice; the agent of the set-up, twice; baseline, twice; judge.
    uses = ("", "-again", "-setup", "-setup-again", "-base", "-canary", "-judge")
    return [SandboxId(f"{owner}{use}") for owner in (solve, *runs) for use in uses]


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
        await self.clean_up(id)
        await self.last_word(id)

    async def give_up(self, id: SolveId) -> None:
        """A workflow of its own, for a solve whose workflow has been given up."""
        await self.fail(id, causes.GAVE_UP, incident=str(id))

    async def cancel(self, id: SolveId, by: str) -> bool:
        """`by` says who and how, for people. False when the solve had ended already."""
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

    @step("clean up")
    async def clean_up(self, id: SolveId) -> None:
        facts = await self._store.facts(id)
        runs = [run.id for run in facts.runs] if facts else []
        await self._sandboxes.drop_snapshot(prepared_snapshot(id))  # first: without it no lost sandbox is made anew
        for sandbox in sandboxes_of(id, runs):
            await self._sandboxes.close(sandbox)

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
