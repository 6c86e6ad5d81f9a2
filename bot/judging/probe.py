"""Every unbroken candidate on the same inputs, beside the base commit: what differs is for people to see."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from bot.core.candidate.testfiles import is_test_file
from bot.core.evidence.behaviour import Behaviour, Probed
from bot.core.evidence.pooling import unbroken
from bot.core.evidence.probing import Probes, probe_script, probes, read_outcomes, steady
from bot.core.model import Candidate, RunId, SolveFacts, prepared_snapshot
from bot.core.runners import runs_script
from bot.core.sandboxes import Use, sandbox_of
from bot.judging.bench import Bench, Overlay, Timeouts, base_sandbox, canary_sandbox, side_by_side
from bot.judging.compared import baseline_of, candidate_files, parallel_of, without_tests
from bot.ports import Mirrors, Rejected, Sandboxes, SandboxLost

log = structlog.get_logger()

MOST_SECONDS = 60.0
_SCRIPT = "probe_5d2e.py"
_TEST_FILES = 6


@dataclass(frozen=True, slots=True)
class _Candidates:
    sources: Mapping[RunId, Overlay]
    tests: tuple[str, ...]  # texts of test files that they bring


class Prober:
    """May be repeated after a crash: it begins from the stored facts and the snapshot again."""

    def __init__(self, mirrors: Mirrors, sandboxes: Sandboxes, timeouts: Timeouts) -> None:
        self._mirrors = mirrors
        self._sandboxes = sandboxes
        self._timeouts = timeouts

    async def probe(self, facts: SolveFacts, seconds: float) -> Probed | None:
        """None where there are no two candidates, or nothing that can be tried with them."""
        begun = time.monotonic()
        found = await self._candidates(facts)
        wanted = await self._wanted(facts, found) if len(found.sources) > 1 else Probes()
        if not wanted.expressions:
            return None
        turns = -(-(2 + len(found.sources)) // parallel_of(facts))
        timeouts = self._timeouts.at_most(min(seconds, MOST_SECONDS) / turns)
        nowhere = Overlay()
        places = [(base_sandbox(facts.id), nowhere), (canary_sandbox(facts.id), nowhere)]
        places += [(sandbox_of(run, Use.JUDGE), overlay) for run, overlay in found.sources.items()]
        benches = [(Bench(self._sandboxes, box, prepared_snapshot(facts.id), timeouts), o) for box, o in places]
        work = [_outcomes(bench, overlay, wanted, baseline_of(facts).command or "") for bench, overlay in benches]
        first, second, *seen = await side_by_side(work, parallel_of(facts))
        kept = steady(wanted, first, second)
        log.info("pool.probed", solve=facts.id, probes=len(kept), took=round(time.monotonic() - begun, 1))
        return _probed(wanted, kept, first, dict(zip(found.sources, seen, strict=True))) if kept else None

    async def outcomes(self, facts: SolveFacts, candidate: Candidate, seconds: float) -> Mapping[str, str]:
        """Expression -> what comes of it with this form of a candidate; nothing where nobody was probed."""
        files = await candidate_files(self._mirrors, facts, candidate)
        if facts.probed is None or files is None:
            return {}
        wanted = await self._wanted(facts, await self._candidates(facts))
        timeouts = self._timeouts.at_most(min(seconds, MOST_SECONDS))
        bench = Bench(self._sandboxes, sandbox_of(candidate.run, Use.JUDGE), prepared_snapshot(facts.id), timeouts)
        baseline = baseline_of(facts)
        said = await _outcomes(bench, without_tests(files, baseline), wanted, baseline.command or "")
        return dict(zip(wanted.expressions, said, strict=True))

    async def _candidates(self, facts: SolveFacts) -> _Candidates:
        tried = unbroken([run.evidence for run in facts.runs if run.evidence])
        sources: dict[RunId, Overlay] = {}
        tests: list[str] = []
        for run in facts.runs:
            if run.id not in tried or run.candidate is None:
                continue
            files = await candidate_files(self._mirrors, facts, run.candidate)
            if files is not None:
                sources[run.id] = without_tests(files, baseline_of(facts))
                tests += [_text(content) for path, (content, _) in files.write.items() if _is_python_test(path)]
        return _Candidates(sources, tuple(dict.fromkeys(tests)))

    async def _wanted(self, facts: SolveFacts, found: _Candidates) -> Probes:
        assert facts.task is not None
        repo, base = facts.solve.issue.repo, facts.task.base_sha
        paths = {path for files in found.sources.values() for path in files.write if path.endswith(".py")}
        changed: dict[str, tuple[str, Sequence[str]]] = {}
        for path in sorted(paths):
            before = await self._mirrors.read(repo, base, path, limit=400_000)
            after = [_text(files.write[path][0]) for files in found.sources.values() if path in files.write]
            changed[path] = (_text(before or b""), after)
        issue = f"{facts.task.title}\n\n{facts.task.body}"
        known = [path.rpartition("/")[2].removesuffix(".py") for path in sorted(paths)]
        tests = [*found.tests, *await self._tests_of(facts, known)] if paths else []
        return probes(issue, changed, tests)

    async def _tests_of(self, facts: SolveFacts, modules: Sequence[str]) -> list[str]:
        """Test files of the base commit that speak of the changed modules most often."""
        assert facts.task is not None
        repo, base = facts.solve.issue.repo, facts.task.base_sha
        counted: dict[str, int] = {}
        for lines in (await self._mirrors.grep(repo, base, modules)).values():
            for path, count in lines.items():
                if _is_python_test(path):
                    counted[path] = counted.get(path, 0) + count
        most = sorted(counted, key=lambda path: (-counted[path], path))[:_TEST_FILES]
        return [_text(await self._mirrors.read(repo, base, path) or b"") for path in most]


async def _outcomes(bench: Bench, files: Overlay, wanted: Probes, test_command: str) -> tuple[str, ...]:
    """All empty where its sandbox was lost."""
    line = runs_script(test_command, _SCRIPT)
    assert line is not None
    script = Overlay({_SCRIPT: (probe_script(wanted).encode(), "100644")})
    try:
        return read_outcomes((await bench.once(line, files | script)).output, wanted)
    except (SandboxLost, Rejected):
        return ("",) * len(wanted.expressions)


def _probed(wanted: Probes, kept: Sequence[int], base: Sequence[str], seen: Mapping[RunId, Sequence[str]]) -> Probed:
    return Probed(
        tuple(wanted.expressions[number] for number in kept),
        sum(number < wanted.from_issue for number in kept),
        tuple(base[number] for number in kept),
        tuple(Behaviour(run, tuple(said[number] for number in kept)) for run, said in seen.items()),
    )


def _is_python_test(path: str) -> bool:
    return path.endswith(".py") and is_test_file(path)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")
