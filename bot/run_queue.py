"""Runs of one round: begun side by side, told about as they end, and not begun where two that are over agree."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import structlog

from bot.core.candidate.similarity import case_of
from bot.core.choosing.early_stop import enough
from bot.core.choosing.rounds import of_one_round
from bot.core.model import ExitStatus, RunId, Solve, SolveFacts, SolveId, Status
from bot.core.render import failure_reasons
from bot.engine import Child, Engine, step
from bot.ports import World
from bot.run import RunJob
from bot.status_comment import StatusBoard

log = structlog.get_logger()


class RunQueue:
    def __init__(self, world: World, engine: Engine, board: StatusBoard) -> None:
        self._world = world
        self._engine = engine
        self._board = board

    async def work(self, job: Solve, runs: Sequence[RunJob], parallel: int) -> None:
        """Each as a workflow of its own, at most `parallel` at a time, in their order.

        When two that are over agree, those that have not begun are not begun.
        """
        waiting = list(runs)
        working: dict[str, Child] = {}
        ahead = partial(self._world.store.runs_ahead, job.issue.repo.installation)
        while waiting or working:
            while waiting and len(working) < parallel:
                run = waiting.pop(0)
                working[run.id] = await self._engine.queue("run", run.id, run, ahead=ahead)
            done = await self._engine.first_of(list(working.values()))
            del working[done]
            await self.tell(job.id, RunId(done))
            if waiting and await self.enough(job, tuple(run.id for run in waiting)):
                waiting.clear()

    @step("tell")
    async def tell(self, id: SolveId, ended: RunId) -> None:
        """A run is over. One that broke, or that the engine gave up, could not say so itself."""
        run = (await self._facts(id)).run(ended)
        if run is not None and not run.status.is_over:
            log.error("run.broke", solve=id, run=ended)
            await self._world.store.run_ended(
                ended,
                Status.FAILED,
                at=self._world.clock.now(),
                exit_status=ExitStatus.SANDBOX,
                error=failure_reasons.OURS,
            )
        await self._board.refresh(id)

    @step("enough")
    async def enough(self, job: Solve, waiting: tuple[RunId, ...]) -> bool:
        """Do two of this round that are over agree? Then those that have not begun end here."""
        facts = await self._facts(job.id)
        agreed = enough(case_of(of_one_round(facts, waiting[0])), ())
        if not agreed:
            return False
        now, why = self._world.clock.now(), failure_reasons.not_needed(facts, agreed)
        for run in waiting:
            await self._world.store.run_ended(run, Status.CANCELLED, at=now, exit_status=None, error=why)
        await self._world.store.noted(job.id, failure_reasons.spared(await self._facts(job.id)))
        log.info("solve.enough", solve=job.id, agreed=sorted(agreed), not_begun=len(waiting))
        await self._board.refresh(job.id)
        return True

    async def _facts(self, id: SolveId) -> SolveFacts:
        facts = await self._world.store.facts(id)
        assert facts is not None
        return facts
