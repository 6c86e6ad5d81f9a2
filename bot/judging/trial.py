"""One candidate on the bench."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.choosing.reasons import listing
from bot.core.evidence.silencing import named, silenced
from bot.core.model import Baseline, Evidence, Gate, GateFailure, TestReport, Verdict
from bot.core.render import failure_reasons
from bot.core.reports import FLIP, OwnTests, combined, fixed, notices, own_tests, regressions, shortfall
from bot.core.runners import cases, narrow, narrow_to_cases
from bot.judging.bench import AS_IT_IS, Bench, Canary, Overlay
from bot.judging.parts import Parts

_RED_TO_GREEN = (Verdict.FAILED, Verdict.PASSED)


def _not_repeated(names: Sequence[str]) -> tuple[str, ...]:
    return (failure_reasons.passed_when_repeated(listing(names)),) if names else ()


@dataclass(frozen=True, slots=True)
class CandidateTrial:
    """One candidate on the bench. Each method adds to the evidence what it has observed.

    `canary` is the test file broken on purpose. `gone`: names of tests that it takes away openly. `sets_runner_up`: it
    touches what decides which tests are run.
    """

    bench: Bench
    baseline: Baseline
    parts: Parts
    canary: Canary | None
    repeats: int
    gone: frozenset[str] = frozenset()
    sets_runner_up: bool = False

    async def regressions(self, evidence: Evidence) -> Evidence:
        """The old tests on the new sources. What fails anew counts when it fails every time.

        Nobody is called a forger for what the base commit does as well: there it is asked again first.
        """
        if self.baseline.command is None:
            return evidence
        seen, honest = await self._all_tests(self.baseline.command)
        once = set(regressions(self.baseline, seen))
        always = once
        for _ in range(1 if seen.timed_out else self.repeats):
            if not always:
                break
            seen = await self.bench.tests(self.baseline.command, self.parts.sources)
            always = always & set(regressions(self.baseline, seen))
        evidence = replace(
            evidence,
            regressions=tuple(sorted(always)),
            stable_total=len(self.baseline.stable),
            stable_passed=len(set(self.baseline.stable) - always),
            fixed=fixed(self.baseline, seen),
            problem=shortfall(self.baseline, seen),
            notes=(*evidence.notes, *_not_repeated(sorted(once - always))),
        )
        if evidence.stable_passed == 0 or self.canary is None:
            return evidence
        if honest is None:
            honest = await self._with_canary(self.baseline.command, self.canary, self.parts.sources)
        if honest:
            return evidence
        if not await self._with_canary(self.baseline.command, self.canary, AS_IT_IS):
            return replace(evidence, notes=(*evidence.notes, failure_reasons.CANARY_UNNOTICED))
        return replace(
            evidence, regressions=self.baseline.stable, stable_passed=0, fixed=(), problem=failure_reasons.FORGED
        )

    async def _all_tests(self, command: str) -> tuple[TestReport, bool | None]:
        """What they say, and whether that can be believed; None: the canary is still to be asked."""
        if self.canary is None or not self.baseline.canary_alone:
            return await self.bench.tests(command, self.parts.sources), None
        seen = await self.bench.tests(command, self.parts.sources | self.canary.files)
        alone = await self.bench.tests(self.baseline.canary_alone, self.parts.sources)
        said = combined(self.baseline, seen, alone, self.canary.control)
        return said, notices(self.baseline, seen, self.canary.control)

    async def _with_canary(self, command: str, canary: Canary, sources: Overlay) -> bool:
        seen = await self.bench.tests(command, sources | canary.files)
        return notices(self.baseline, seen, canary.control)

    async def own_tests(self, evidence: Evidence) -> Evidence:
        """Its own tests, without its change and with it; twice when they speak for it, because they may be flaky."""
        own = evidence.test_files
        if self.baseline.command is None or not own:
            return evidence
        command = narrow(self.baseline.command, own) or self.baseline.command
        seen, without, last = await self._own_tests(command, evidence)
        evidence = await self._heard(evidence, last, whole=False)
        note = ""
        if seen == FLIP and (await self._own_tests(self._flips_alone(own, without, last), evidence))[0] != FLIP:
            seen = OwnTests(None, None)
            note = failure_reasons.FLAKY_TESTS
        elif seen == OwnTests(None, True):
            note = failure_reasons.UNLOADABLE_TESTS
        return replace(
            evidence,
            own_tests_on_base=seen.on_base,
            own_tests_on_candidate=seen.on_candidate,
            notes=(*evidence.notes, note) if note else evidence.notes,
        )

    async def _own_tests(self, command: str, evidence: Evidence) -> tuple[OwnTests, TestReport, TestReport]:
        without = await self.bench.tests(command, self.parts.tests)
        with_change = await self.bench.tests(command, self._tree)
        return own_tests(self.baseline, evidence.regressions, without, with_change), without, with_change

    def _flips_alone(self, own: Sequence[str], without: TestReport, with_change: TestReport) -> str:
        """The command for the tests that went from red to green, and no others of their files, where that can be."""
        after = with_change.tests
        flips = [name for name, seen in without.tests.items() if (seen, after.get(name)) == _RED_TO_GREEN]
        single = cases(own, flips) if without.per_test else None
        return (narrow_to_cases(self.baseline.command or "", single) if single else None) or with_change.command

    async def silencing(self, evidence: Evidence) -> Evidence:
        """All tests in its own tree, where it says which are run. Who keeps tests from running is out."""
        if self.baseline.command is None or not self.sets_runner_up:
            return evidence
        return await self._heard(evidence, await self.bench.tests(self.baseline.command, self._tree), whole=True)

    async def _heard(self, evidence: Evidence, report: TestReport, *, whole: bool) -> Evidence:
        """Are the tests that have to be in this report of its own tree there? A second one has to say the same."""
        names = silenced(self.baseline, report, self.gone, whole=whole)
        if names:
            again = await self.bench.tests(report.command, self._tree)
            names = tuple(sorted({*names} & {*silenced(self.baseline, again, self.gone, whole=whole)}))
        if not names:
            return evidence
        failure = GateFailure(Gate.TESTS_SKIPPED, named(names))
        return replace(evidence, gate_failures=(*evidence.gate_failures, failure))

    @property
    def _tree(self) -> Overlay:
        return self.parts.sources | self.parts.tests | self.parts.settings

    async def repro(self, evidence: Evidence) -> Evidence:
        """The repro command on the new sources: it may run old tests, so the candidate's stay out."""
        if self.baseline.repro is None:
            return evidence
        return replace(evidence, repro_after=await self.bench.repro(self.baseline.repro, self.parts.sources))

    async def checks(self, evidence: Evidence) -> Evidence:
        """Linters and type checkers on the whole candidate. One that fails is told, and decides nothing."""
        failing = [command for command in self.baseline.checks if await self.bench.repro(command, self._tree) != 0]
        notes = [failure_reasons.check_fails(command) for command in failing]
        return replace(evidence, notes=(*evidence.notes, *notes))
