"""Solves and runs of which another version wrote what is on record: each is played in its place from the beginning.

What is in the store stands: the task, the plan, finished runs, and what was paid. What of it is new is told.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from bot.core.model import RunFacts, RunId, Solve, SolveFacts, SolveId, Status
from bot.core.render import failure_reasons
from bot.engine import Engine, patiently
from bot.finish import Conclusion
from bot.ports import Store
from bot.revise import Reviser
from bot.run import RunJob, Runner
from bot.solve import Solver

log = structlog.get_logger()


class Anew:
    """Nothing here but what it hands over to is a step: it is played once, or from its beginning again."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        solver: Solver,
        reviser: Reviser,
        runner: Runner,
        conclusion: Conclusion,
    ) -> None:
        self._store = store
        self._engine = engine
        self._solver = solver
        self._reviser = reviser
        self._runner = runner
        self._conclusion = conclusion

    async def solve(self, job: Solve) -> None:
        """With a pull request there is only the end left."""
        if not await self._ends(job):
            await self._solver.solve(job)

    async def revise(self, job: Solve) -> None:
        """With its commit on the branch as well, and with the word about it in the pull request."""
        if await self._ends(job):
            await self._reviser.tell(job)
        else:
            await self._reviser.revise(job)

    async def _ends(self, job: Solve) -> bool:
        """Otherwise it begins anew, and so do runs that are under way: they are to work in what is prepared now."""
        facts = await self._facts(job.id)
        if facts.status.is_over or facts.pull_request is not None:
            await self._conclusion.complete(job.id)
            return True
        log.warning("solve.anew", solve=job.id)
        await self._note(job.id, failure_reasons.BEGUN_ANEW)
        await self._engine.withdraw(_under_way(facts.runs))
        return False

    async def run(self, job: RunJob) -> None:
        """An agent that was still at work begins again, in a sandbox as it was before."""
        facts = await self._facts(job.solve)
        run = facts.run(job.id)
        assert run is not None
        if not run.status.is_over:
            log.warning("run.anew", solve=job.solve, run=job.id)
            await self._note(job.solve, failure_reasons.run_begun_anew(run))
            await self._runner.run(job)
        else:
            unjudged = run.status is Status.COMPLETED and run.candidate is not None and run.evidence is None
            await self._runner.leave(job, has_candidate=unjudged)

    async def _facts(self, id: SolveId) -> SolveFacts:
        facts = await patiently(lambda: self._store.facts(id))
        assert facts is not None
        return facts

    async def _note(self, id: SolveId, note: str) -> None:
        await patiently(lambda: self._store.noted(id, note))


def _under_way(runs: Sequence[RunFacts]) -> list[RunId]:
    return [run.id for run in runs if not run.status.is_over]
