"""Every candidate on the tests of all: the pool.

What each entry of the pool says is told by running it, in fresh sandboxes like everything else: twice on the base
commit, where it has to fail, then on each candidate that is not broken. A sandbox that is lost leaves a hole.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import structlog

from bot.core.model import Baseline, Candidate, RunId, SandboxId, SolveFacts, TestReport, prepared_snapshot
from bot.core.pool import PooledTest
from bot.core.pooling import (
    Brought,
    Entry,
    gather,
    pooled,
    red,
    script_report,
    seconds_allowed,
    unbroken,
)
from bot.judging.bench import Bench, Overlay, Timeouts, base_sandbox, canary_sandbox, is_of_tests, overlay_of
from bot.ports import Mirrors, Rejected, Sandboxes, SandboxLost

T = TypeVar("T")

log = structlog.get_logger()

# A candidate that takes much longer than the base commit hangs; it is not waited for until the limit of all the tests.
_SLACK, _TIMES = 20.0, 5.0


@dataclass(frozen=True, slots=True)
class Docket:
    """What is to be run, the most telling first, and for how many seconds altogether."""

    entries: tuple[str, ...] = ()  # keys of `Entry`
    seconds: float = 0.0


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
        return Docket(tuple(entry.key for entry in found.entries), seconds_allowed(facts))

    async def hear(self, facts: SolveFacts, key: str, seconds: float) -> Heard:
        """One entry, on the base commit and on everybody. `seconds`: what is left for it and all that come after."""
        begun = time.monotonic()
        found = await self._gather(facts)
        entry = next(entry for entry in found.entries if entry.key == key)
        base = await self._on_base(facts, entry, seconds)
        names = red(entry, _baseline(facts), *base) if base else ()
        seen: dict[RunId, TestReport | None] = {}
        if base and names:
            left = seconds - (time.monotonic() - begun)
            seen = await self._on_candidates(facts, entry, found.sources, max(report.seconds for report in base), left)
        tests = pooled(entry, base, names, seen) if base else ()
        took = time.monotonic() - begun
        log.info("pool.heard", solve=facts.id, entry=key, red=len(names), tests=len(tests), took=round(took, 1))
        return Heard(tests, took, 2 + len(seen))

    async def _on_base(self, facts: SolveFacts, entry: Entry, seconds: float) -> tuple[TestReport, TestReport] | None:
        """None where it could not be seen in time."""
        timeouts = _at_most(self._timeouts, seconds)
        names = (base_sandbox(facts.id), canary_sandbox(facts.id))
        benches = [Bench(self._sandboxes, name, prepared_snapshot(facts.id), timeouts) for name in names]
        first, second = await _side_by_side(
            [_run(bench, entry, Overlay(entry.files)) for bench in benches], _parallel(facts)
        )
        return (first, second) if first and second else None

    async def _on_candidates(
        self, facts: SolveFacts, entry: Entry, sources: Mapping[RunId, Overlay], on_base: float, left: float
    ) -> dict[RunId, TestReport | None]:
        """Who does not end in the time left was not seen; who takes far longer than the base commit has failed."""
        enough = on_base * _TIMES + _SLACK
        timeouts = _at_most(_at_most(self._timeouts, enough), left)
        seen = await _side_by_side(
            [
                _run(
                    Bench(self._sandboxes, SandboxId(f"{run}-judge"), prepared_snapshot(facts.id), timeouts),
                    entry,
                    overlay | Overlay(entry.files),
                )
                for run, overlay in sources.items()
            ],
            _parallel(facts),
        )
        was_cut = left < min(enough, self._timeouts.tests)
        return {
            run: None if report is None or (report.timed_out and was_cut) else report
            for run, report in zip(sources, seen, strict=True)
        }

    async def _gather(self, facts: SolveFacts) -> _Gathered:
        baseline = _baseline(facts)
        judged = {run.id: run for run in facts.runs if run.candidate and run.evidence}
        tried = unbroken([run.evidence for run in judged.values() if run.evidence], baseline)
        if not tried:
            return _Gathered((), {})
        brought: list[Brought] = []
        sources: dict[RunId, Overlay] = {}
        for run in judged.values():
            assert run.evidence is not None
            assert run.candidate is not None
            if run.evidence.gate_failures:
                continue
            files = await self._files(facts, run.candidate)
            if files is None:
                continue
            tests = {path: file for path, file in files.write.items() if is_of_tests(path)}
            brought.append(Brought(run.id, run.experiment.letter, run.evidence, tests, run.candidate.scripts))
            if run.id in tried:
                sources[run.id] = _without_tests(files)
        return _Gathered(gather(brought, list(sources), baseline), sources)

    async def _files(self, facts: SolveFacts, candidate: Candidate) -> Overlay | None:
        assert facts.task is not None
        try:
            return overlay_of(await self._mirrors.entries(facts.solve.issue.repo, facts.task.base_sha, candidate.patch))
        except Rejected:
            return None


async def _run(bench: Bench, entry: Entry, files: Overlay) -> TestReport | None:
    """None: its sandbox was lost, or its files do not fit into the workspace."""
    try:
        if not entry.script:
            return await bench.tests(entry.command, files)
        done = await bench.once(entry.command, files)
    except (SandboxLost, Rejected):
        return None
    return script_report(entry, exit_code=done.exit_code, seconds=done.seconds, timed_out=done.timed_out)


async def _side_by_side(work: Sequence[Awaitable[T]], at_once: int) -> list[T]:
    """All are over when this returns or raises: each has a sandbox of its own name, which the next try needs."""
    room = asyncio.Semaphore(at_once)

    async def in_turn(one: Awaitable[T]) -> T:
        async with room:
            return await one

    ended = await asyncio.gather(*map(in_turn, work), return_exceptions=True)
    done = []
    for result in ended:
        if isinstance(result, BaseException):
            raise result
        done.append(result)
    return done


def _parallel(facts: SolveFacts) -> int:
    return max(1, facts.limits.parallel) if facts.limits else 1


def _at_most(timeouts: Timeouts, seconds: float) -> Timeouts:
    seconds = max(1.0, seconds)
    return replace(timeouts, tests=min(timeouts.tests, seconds), repro=min(timeouts.repro, seconds))


def _without_tests(files: Overlay) -> Overlay:
    sources = {path: file for path, file in files.write.items() if not is_of_tests(path)}
    return Overlay(sources, tuple(path for path in files.delete if not is_of_tests(path)))


def _baseline(facts: SolveFacts) -> Baseline:
    assert facts.baseline is not None
    return facts.baseline
