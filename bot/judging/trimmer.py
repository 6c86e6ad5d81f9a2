"""The champion without what it does not take, as far as everything run again says the same."""

from __future__ import annotations

import time

import structlog

from bot.core.candidate.hunks import Hunk, without
from bot.core.candidate.minimal import as_good, minimal, same_behaviour, spare_hunks
from bot.core.evidence.pooling import seconds_allowed
from bot.core.model import Candidate, Evidence, Minimal, SolveFacts
from bot.judging.judge import Judge
from bot.judging.pool import CrossExamination
from bot.judging.probe import Prober

log = structlog.get_logger()


class Trimmer:
    """May be repeated after a crash: it begins from the stored facts and the snapshot again."""

    def __init__(self, judge: Judge, cross_examination: CrossExamination, prober: Prober) -> None:
        self._judge = judge
        self._cross_examination = cross_examination
        self._prober = prober

    async def trim(self, facts: SolveFacts) -> Minimal | None:
        """None where all of it stays. One hunk at a time; what is not over in the pool's time stays."""
        begun, allowed = time.monotonic(), seconds_allowed(facts)
        spare = spare_hunks(facts)
        champion = facts.champion
        if not spare or champion is None or champion.candidate is None or champion.evidence is None:
            return None
        dropped: list[Hunk] = []
        for hunk in spare:
            left = allowed - (time.monotonic() - begun)
            tried = without(champion.candidate, [*dropped, hunk])
            if left > 0 and await self._is_as_good(facts, tried, champion.evidence, left):
                dropped.append(hunk)
        log.info("champion.trimmed", solve=facts.id, tried=len(spare), dropped=len(dropped))
        return minimal(without(champion.candidate, dropped), dropped) if dropped else None

    async def _is_as_good(self, facts: SolveFacts, tried: Candidate, before: Evidence, seconds: float) -> bool:
        if not as_good(before, await self._judge.judge(facts, tried)):
            return False
        if not await self._cross_examination.still_passes(facts, tried, seconds):
            return False
        return same_behaviour(facts.probed, tried.run, await self._prober.outcomes(facts, tried, seconds))
