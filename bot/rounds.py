"""Whether there is another round of runs, which they are, and what they are told."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from bot.core.choosing.rounds import Means, another_round, next_wave, summary, told, told_tests
from bot.core.model import Experiment, SolveFacts, SolveId
from bot.core.prompts import another_task
from bot.core.render import failure_reasons
from bot.engine import step
from bot.ports import Store
from bot.status_comment import StatusBoard

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wave:
    """Runs that belong to one round."""

    experiments: tuple[Experiment, ...]
    brief: str  # what all of them are told
    unbiased: str  # the same without a word about candidates


class Rounds:
    def __init__(self, store: Store, board: StatusBoard) -> None:
        self._store = store
        self._board = board

    @step("another round")
    async def another(self, id: SolveId, brief: str, made: int) -> Wave | None:
        """None: those `made` so far were enough, or there is no money for more. `brief`: of the first."""
        facts = await self._store.facts(id)
        assert facts is not None
        assert facts.task is not None
        planned = tuple(experiment for experiment in facts.experiments if experiment.round > made)
        planned = planned or await self._plan(facts, made)  # asked again after a crash, they may be there already
        if not planned:
            return None
        before = [run for run in facts.runs if run.experiment.round <= made and run.was_begun]
        said = "\n\n".join(
            filter(None, (told([summary(run, facts.pool) for run in before]), told_tests(before, facts.pool)))
        )
        await self._store.noted(id, failure_reasons.another_round(facts.decision, planned))
        log.info("solve.another_round", solve=id, runs=len(planned))
        await self._board.refresh(id)
        return Wave(planned, another_task(brief, facts.task, said), brief)

    async def _plan(self, facts: SolveFacts, made: int) -> tuple[Experiment, ...]:
        assert facts.decision is not None
        assert facts.limits is not None
        assert facts.task is not None
        left = facts.limits.dollars - facts.dollars
        means = Means(made, facts.limits.rounds, left, max((run.dollars for run in facts.runs), default=0.0))
        if not another_round(facts.decision, means, facts.task.config.trust):
            return ()
        experiments = next_wave(facts.runs, left)
        if experiments:
            await self._store.planned(facts.id, (*facts.experiments, *experiments), facts.limits)
        return experiments
