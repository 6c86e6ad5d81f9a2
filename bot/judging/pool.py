"""Every candidate on the tests of all: the pool.

What each entry of the pool says is told by running it, in fresh sandboxes like everything else: twice on the base
commit, where it has to fail, then on each candidate that is not broken. A sandbox that is lost leaves a hole.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from bot.core.candidate.file_roles import roles_of
from bot.core.evidence.pool import PooledTest
from bot.core.evidence.pooling import (
    Brought,
    Entry,
    gather,
    narrowed,
    passes_now,
    pooled,
    red,
    script_report,
    seconds_allowed,
    unbroken,
)
from bot.core.model import Candidate, RunId, SolveFacts, TestReport, prepared_snapshot
from bot.core.sandboxes import Use, sandbox_of
from bot.judging.bench import Bench, Overlay, Timeouts, base_sandbox, canary_sandbox, side_by_side
from bot.judging.compared import baseline_of, candidate_files, parallel_of, without_tests
from bot.ports import Mirrors, Rejected, Sandboxes, SandboxLost

log = structlog.get_logger()

# A candidate that takes much longer than the base commit hangs; it is not waited for until the limit of all the tests.
_SLACK, _TIMES = 20.0, 5.0


@dataclass(frozen=True, slots=True)
class Docket:
    """What is to be run, the most telling first, and for how many seconds altogether."""

    entries: tuple[str, ...] = ()  # keys of `Entry`
    seconds: float = 0.0
    several: bool = False  # there are several candidates that are not broken


@dataclass(frozen=True, slots=True)
class Heard:
    """What one entry said about everybody, and how long that took."""

    tests: tuple[PooledTest, ...]
    seconds: float
    sandboxes: int = 0


@dataclass(frozen=True, slots=True)
class _Gathered:
    entries: tuple[Entry, ...]
    sources: Mapping[RunId, Overlay]  # of those that are tried


class CrossExamination:
    """Each public method may be repeated after a crash: it begins from the stored facts and the snapshot again."""

    def __init__(self, mirrors: Mirrors, sandboxes: Sandboxes, timeouts: Timeouts) -> None:
        self._mirrors = mirrors
        self._sandboxes = sandboxes
        self._timeouts = timeouts

    async def docket(self, facts: SolveFacts) -> Docket:
        """Empty where there is nobody to tell apart."""
        found = await self._gather(facts)
        keys = tuple(entry.key for entry in found.entries)
        return Docket(keys, seconds_allowed(facts), len(found.sources) > 1)

    async def hear(self, facts: SolveFacts, key: str, seconds: float) -> Heard:
        """One entry, on the base commit and on everybody. `seconds`: what is left for it and all that come after."""
        begun = time.monotonic()
        found = await self._gather(facts)
        entry = next((entry for entry in found.entries if entry.key == key), None)
        if entry is None:
            return Heard((), 0.0)
        base = await self._on_base(facts, entry, seconds)
        names = red(entry, baseline_of(facts), *base) if base else ()
        seen: dict[RunId, TestReport | None] = {}
        if base and names:
            left = seconds - (time.monotonic() - begun)
            fewest = narrowed(entry, baseline_of(facts), names, base[0])
            slowest = max(report.seconds for report in base)
            seen = await self._on_candidates(facts, fewest, found.sources, slowest, left)
        tests = pooled(entry, base, names, seen) if base else ()
        took = time.monotonic() - begun
        log.info("pool.heard", solve=facts.id, entry=key, red=len(names), tests=len(tests), took=round(took, 1))
        return Heard(tests, took, 2 + len(seen))

    async def still_passes(self, facts: SolveFacts, candidate: Candidate, seconds: float) -> bool:
        """Does this form of a candidate pass every pooled test that was seen to pass on its run?"""
        begun = time.monotonic()
        found = await self._gather(facts)
        files = await candidate_files(self._mirrors, facts, candidate)
        wanted = {(test.group, test.name) for test in facts.pool if candidate.run in test.passed_by}
        passed: set[tuple[str, str]] = set()
        for entry in found.entries:
            names = [name for group, name in wanted if group == entry.group]
            left = seconds - (time.monotonic() - begun)
            if files is None or left <= 0:
                return False
            if names:
                own = {candidate.run: without_tests(files, baseline_of(facts))}
                report = (await self._on_candidates(facts, entry, own, left, left))[candidate.run]
                passed |= {(entry.group, name) for name in passes_now(entry, names, report)}
        return passed >= wanted

    async def _on_base(self, facts: SolveFacts, entry: Entry, seconds: float) -> tuple[TestReport, TestReport] | None:
        """None where it could not be seen in time."""
        timeouts = self._timeouts.at_most(_each(seconds, 2, facts))
        names = (base_sandbox(facts.id), canary_sandbox(facts.id))
        benches = [Bench(self._sandboxes, name, prepared_snapshot(facts.id), timeouts) for name in names]
        first, second = await side_by_side(
            [_run(bench, entry, Overlay(entry.files)) for bench in benches], parallel_of(facts)
        )
        return (first, second) if first and second else None

    async def _on_candidates(
        self, facts: SolveFacts, entry: Entry, sources: Mapping[RunId, Overlay], on_base: float, left: float
    ) -> dict[RunId, TestReport | None]:
        """Who does not end in the time left was not seen; who takes far longer than the base commit has failed."""
        enough, each = on_base * _TIMES + _SLACK, _each(left, len(sources), facts)
        timeouts = self._timeouts.at_most(enough).at_most(each)
        seen = await side_by_side(
            [
                _run(
                    Bench(self._sandboxes, sandbox_of(run, Use.JUDGE), prepared_snapshot(facts.id), timeouts),
                    entry,
                    overlay | Overlay(entry.files),
                )
                for run, overlay in sources.items()
            ],
            parallel_of(facts),
        )
        was_cut = each < min(enough, self._timeouts.tests)
        return {
            run: None if report is None or (report.timed_out and was_cut) else report
            for run, report in zip(sources, seen, strict=True)
        }

    async def _gather(self, facts: SolveFacts) -> _Gathered:
        """Tests of whoever passes the gates, even of those that break something else; tried are the unbroken ones."""
        baseline = baseline_of(facts)
        tried = unbroken([run.evidence for run in facts.runs if run.evidence])
        if not tried:
            return _Gathered((), {})
        roles = roles_of(baseline)
        brought: list[Brought] = []
        sources: dict[RunId, Overlay] = {}
        for run in facts.runs:
            if run.candidate is None or run.evidence is None or run.evidence.gate_failures:
                continue
            files = await candidate_files(self._mirrors, facts, run.candidate)
            if files is None:
                continue
            tests = {path: file for path, file in files.write.items() if roles.is_of_tests(path)}
            brought.append(Brought(run.id, run.experiment.letter, run.evidence, tests, run.candidate.scripts))
            if run.id in tried:
                sources[run.id] = without_tests(files, baseline)
        from_issue = facts.issue_tests.files if facts.issue_tests else ()
        # In a thread, because it reads whole test files.
        entries = await asyncio.to_thread(gather, brought, list(sources), baseline, from_issue)
        return _Gathered(entries, sources)


async def _run(bench: Bench, entry: Entry, files: Overlay) -> TestReport | None:
    """None: its sandbox was lost, or its files do not fit into the workspace."""
    try:
        if not entry.script:
            return await bench.tests(entry.command, files)
        done = await bench.once(entry.command, files)
    except (SandboxLost, Rejected):
        return None
    return script_report(entry, exit_code=done.exit_code, seconds=done.seconds, timed_out=done.timed_out)


def _each(seconds: float, many: int, facts: SolveFacts) -> float:
    """For each of so many, so that all of them end in time."""
    turns = -(-many // parallel_of(facts))
    return seconds / max(1, turns)
