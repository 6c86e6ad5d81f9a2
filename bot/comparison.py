"""Candidates beside each other: everybody's tests, tests from the issue alone, the same inputs, a model's word."""

from __future__ import annotations

from bot.advisers import Advisers
from bot.core.evidence.pool import PooledTest
from bot.core.model import Solve, SolveFacts, SolveId
from bot.engine import SANDBOX_PATIENCE, step
from bot.judging import Court, Docket, Heard
from bot.ports import Store

_PROBING = 15.0  # seconds for it in any case: it is quick, and what it shows is for people


class Comparison:
    def __init__(self, store: Store, court: Court, advisers: Advisers) -> None:
        self._store = store
        self._court = court
        self._advisers = advisers

    async def compare(self, job: Solve, brief: str) -> None:
        """Every candidate on the tests of all, for as long as there is time: one entry of the pool after the other."""
        await self._advisers.write_tests(job.id, brief)
        docket = await self.docket(job)
        left, pool = docket.seconds, list[PooledTest]()
        for entry in docket.entries:
            if left <= 0:
                break
            heard = await self.hear(job, entry, left)
            left -= heard.seconds
            pool += heard.tests
        if docket.entries:
            await self.pooled(job, tuple(pool))
        if docket.several:
            await self.probe(job, max(left, _PROBING))
            await self._advisers.compare(job.id)

    @step("docket")
    async def docket(self, job: Solve) -> Docket:
        return await self._court.cross_examination.docket(await self._facts(job.id))

    @step("hear", patience=SANDBOX_PATIENCE)
    async def hear(self, job: Solve, entry: str, seconds: float) -> Heard:
        return await self._court.cross_examination.hear(await self._facts(job.id), entry, seconds)

    @step("pool")
    async def pooled(self, job: Solve, pool: tuple[PooledTest, ...]) -> None:
        await self._store.pooled(job.id, pool)

    @step("probe", patience=SANDBOX_PATIENCE)
    async def probe(self, job: Solve, seconds: float) -> None:
        probed = await self._court.prober.probe(await self._facts(job.id), seconds)
        if probed is not None:
            await self._store.probed(job.id, probed)

    async def _facts(self, id: SolveId) -> SolveFacts:
        facts = await self._store.facts(id)
        assert facts is not None
        return facts
