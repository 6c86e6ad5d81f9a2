"""Evidence: what happens when we run things on the base commit and on a candidate. Nothing here believes the agent.

The old tests decide about regressions in the version of the base commit, so a candidate that edits, deletes or adds
tests, or what tests load first, changes nothing there. Its own tests run separately, without its change and with it.

Every execution starts in a fresh copy of the prepared snapshot: code we do not trust has just run in any other, and
could have left something behind for the next one. The network is off throughout.

One thing running cannot rule out: the code under test lives in the test runner's process and may forge what the runner
reports. Against that stands the canary, a test file broken on purpose that every candidate's run has to notice. It
exposes forgeries that do not look for it; for the others there are the people who review the pull request.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from bot.again import again_when_lost
from bot.core.absent import MAX_POINTER, is_pointer
from bot.core.environment.files import Files
from bot.core.environment.proof import Attempt, Proof, Trial, notices, starts
from bot.core.environment.sources import sources_to_break
from bot.core.gates import GatePolicy, check_gates
from bot.core.model import (
    Baseline,
    Candidate,
    ChangeKind,
    Evidence,
    Gate,
    GateFailure,
    Repo,
    SandboxId,
    Sha,
    SnapshotId,
    SolveFacts,
    SolveId,
    Task,
    TestReport,
    Toolchain,
    prepared_snapshot,
)
from bot.core.reasons import listing
from bot.core.render import causes
from bot.core.reports import (
    FLIP,
    MAX_REPORT,
    OwnTests,
    baseline,
    documents,
    fixed,
    own_tests,
    regressions,
    report,
    shortfall,
)
from bot.core.runners import REPORT, break_on_purpose, canaries, narrow, recipe
from bot.core.testfiles import is_test_file, is_test_support
from bot.ports import Finished, Mirrors, Rejected, Sandboxes, SandboxLost, TreeEntry

# The usual reasons why the same tests give another answer: hash order, the time zone, and stale bytecode (a change of
# the same size within the same second keeps the old one).
_ENV = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "TZ": "UTC", "CI": "1"}
_OWN_COMMANDS_SECONDS = 60.0
_TIMED_OUT = 124  # what timeout(1) says
_CANARIES_TRIED = 2
_POINTERS_LOOKED_AT = 60  # more files are changed by no candidate that passes the gates
_MOST_CHECKS = 4


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for one execution."""

    tests: float = 600.0
    repro: float = 120.0


class Judge:
    """Each public method may be repeated after a crash: it starts from the snapshot again."""

    def __init__(
        self, mirrors: Mirrors, sandboxes: Sandboxes, timeouts: Timeouts, *, times: int = 3, repeats: int = 2
    ) -> None:
        """`times`: executions of the baseline. `repeats`: of a run with new failures; what passes once is flaky."""
        self._mirrors = mirrors
        self._sandboxes = sandboxes
        self._timeouts = timeouts
        self._times = times
        self._repeats = repeats

    async def trial(self, solve: SolveId, repo: Repo, base: Sha, plan: Toolchain, files: Files) -> Trial:
        """Is this prepared workspace one in which candidates can be judged?

        Side by side: the tests as they are, and with the product's own code broken, which they have to notice.
        """
        if plan.test is None:
            return Trial()
        broken = await self._broken(repo, base, sources_to_break(files, plan.ecosystem))
        if not broken.write:
            return Trial(await self._bench(solve, base_sandbox(solve)).tests(plan.test))
        report, without_sources = await asyncio.gather(
            self._bench(solve, base_sandbox(solve)).tests(plan.test),
            self._bench(solve, canary_sandbox(solve)).tests(plan.test, broken),
        )
        return Trial(report, notices(report, without_sources))

    async def baseline(self, solve: SolveId, task: Task, repo: Repo, attempt: Attempt, *, note: str = "") -> Baseline:
        """What tests and repro command say on the base commit. `note` is what went wrong before, for people.

        Tests that do not notice when the product's code is broken say nothing: then none of them counts.
        Raises `SandboxLost`: without a baseline nothing can be judged.
        """
        bench = self._bench(solve, base_sandbox(solve))
        command = attempt.plan.test
        reports = [attempt.trial.report] if attempt.trial.report is not None else []
        counts = attempt.proof is not Proof.ANOTHER_COPY
        while command is not None and counts and len(reports) < self._times:
            if reports and reports[-1].timed_out:
                break
            reports.append(await bench.tests(command))
        found = baseline(reports)
        if not counts:
            found = replace(found, stable=(), failing=(), flaky=(), note=causes.ANOTHER_COPY)
        found = replace(
            found, runnable=counts and any(starts(seen, given=task.config.test is not None) for seen in reports)
        )
        found = replace(found, note=" ".join(filter(None, (note, found.note))))
        repro = task.options.repro or task.config.repro
        if repro is not None:
            found = replace(found, repro=repro, repro_exit=await bench.repro(repro))
        checking = self._checks(self._bench(solve, canary_sandbox(solve)), attempt.plan.checks)
        canary, checks = await asyncio.gather(self._canary(bench, repo, task.base_sha, found), checking)
        return replace(found, canary=canary, checks=checks)

    async def _checks(self, bench: _Bench, commands: Sequence[str]) -> tuple[str, ...]:
        """Those that pass as things are: linters and type checkers, which never stand for tests."""
        return tuple([command for command in commands[:_MOST_CHECKS] if await bench.repro(command) == 0])

    async def canary(self, solve: SolveId, repo: Repo, base: Sha, seen: TestReport) -> str:
        """A test file whose breaking the tests of the prepared workspace notice; "" when none was found."""
        return await self._canary(self._bench(solve, canary_sandbox(solve)), repo, base, baseline([seen]))

    async def _canary(self, bench: _Bench, repo: Repo, base: Sha, found: Baseline) -> str:
        """The first test file whose breaking the tests notice. A few are tried: the command may leave some out."""
        if found.command is None or not found.stable:
            return ""
        paths = [file.path for file in await self._mirrors.files(repo, base) if is_test_file(file.path)]
        for path in canaries(paths, found.stable)[:_CANARIES_TRIED]:
            if await bench.notices(found, await self._broken(repo, base, [path])):
                return path
        return ""

    async def _broken(self, repo: Repo, base: Sha, paths: Iterable[str]) -> _Files:
        contents = {path: await self._mirrors.read(repo, base, path) for path in paths}
        return _Files({path: (break_on_purpose(path, text or b""), "100644") for path, text in contents.items()})

    async def judge(self, facts: SolveFacts, candidate: Candidate) -> Evidence:
        """Gates first: a candidate that fails one is not run. A lost sandbox leaves a hole; the evidence names it."""
        assert facts.task is not None
        assert facts.baseline is not None
        repo, base = facts.solve.issue.repo, facts.task.base_sha
        evidence = _unobserved(candidate, facts.baseline)
        policy = GatePolicy(facts.task.config.protect, pointers=await self._pointers(repo, base, candidate))
        try:
            entries = await self._mirrors.entries(repo, base, candidate.patch)
        except Rejected:
            failures = (GateFailure(Gate.DOES_NOT_APPLY, ""), *check_gates(candidate, policy))
            return replace(evidence, gate_failures=failures)
        contents = {entry.path: entry.content for entry in entries if entry.content is not None}
        if failures := check_gates(candidate, policy, contents):
            return replace(evidence, gate_failures=failures)
        canary = facts.baseline.canary
        trial = _Trial(
            self._bench(facts.id, SandboxId(f"{candidate.run}-judge")),
            facts.baseline,
            sources=_files(entry for entry in entries if not _is_of_tests(entry.path)),
            tests=_files(entry for entry in entries if _is_of_tests(entry.path)),
            canary=await self._broken(repo, base, [canary]) if canary else None,
            repeats=self._repeats,
        )
        try:
            evidence = await trial.regressions(evidence)
            if evidence.stable_total and not evidence.stable_passed:
                return evidence  # whatever else it does, it is out
            evidence = await trial.own_tests(evidence)
            evidence = await trial.repro(evidence)
            evidence = await trial.checks(evidence)
        except SandboxLost:
            return replace(evidence, problem=causes.HALF_OBSERVED)
        except Rejected:
            return replace(evidence, problem=causes.DOES_NOT_FIT)
        return evidence

    async def _pointers(self, repo: Repo, base: Sha, candidate: Candidate) -> frozenset[str]:
        """Of the files that are changed, those that stand for others, which are kept in Git LFS."""
        changed = {change.path for change in candidate.changes if change.kind is ChangeKind.MODIFIED}
        small = [f.path for f in await self._mirrors.files(repo, base) if f.path in changed and f.size < MAX_POINTER]
        contents = {path: await self._mirrors.read(repo, base, path) for path in small[:_POINTERS_LOOKED_AT]}
        return frozenset(path for path, content in contents.items() if is_pointer(content or b""))

    def _bench(self, solve: SolveId, sandbox: SandboxId) -> _Bench:
        return _Bench(self._sandboxes, sandbox, prepared_snapshot(solve), self._timeouts)


def base_sandbox(solve: SolveId) -> SandboxId:
    return SandboxId(f"{solve}-base")


def canary_sandbox(solve: SolveId) -> SandboxId:
    return SandboxId(f"{solve}-canary")


def _unobserved(candidate: Candidate, baseline: Baseline) -> Evidence:
    own = (change.path for change in candidate.changes if change.kind is not ChangeKind.DELETED)
    return Evidence(
        run=candidate.run,
        test_files=tuple(path for path in own if is_test_file(path)),
        repro_before=baseline.repro_exit,
        lines_changed=candidate.lines_changed,
        files_changed=len(candidate.changes),
    )


def _is_of_tests(path: str) -> bool:
    return is_test_file(path) or is_test_support(path)


def _not_repeated(names: Sequence[str]) -> tuple[str, ...]:
    return (causes.passed_when_repeated(listing(names)),) if names else ()


@dataclass(frozen=True, slots=True)
class _Files:
    """What differs from the snapshot's workspace."""

    write: Mapping[str, tuple[bytes, str]] = field(default_factory=dict)
    delete: tuple[str, ...] = ()

    def __or__(self, other: _Files) -> _Files:
        return _Files({**self.write, **other.write}, (*self.delete, *other.delete))


def _files(entries: Iterable[TreeEntry]) -> _Files:
    write, delete = {}, []
    for entry in entries:
        if entry.content is None:
            delete.append(entry.path)
        else:
            write[entry.path] = (entry.content, entry.mode)
    return _Files(write, tuple(delete))


_AS_IT_IS = _Files()


@dataclass(frozen=True, slots=True)
class _Bench:
    """Where things are run: each in a fresh copy of the snapshot, one after the other, in a sandbox of one name."""

    sandboxes: Sandboxes
    sandbox: SandboxId
    snapshot: SnapshotId
    timeouts: Timeouts

    async def tests(self, command: str, files: _Files = _AS_IT_IS) -> TestReport:
        return await again_when_lost("tests", lambda _: self._tests(command, files))

    async def _tests(self, command: str, files: _Files) -> TestReport:
        how = recipe(command)
        async with self._fresh(files):
            await self._run(how.before, _OWN_COMMANDS_SECONDS)
            done = await self._run(how.command, self.timeouts.tests)
            await self._run(how.after, _OWN_COMMANDS_SECONDS)
            left = await self.sandboxes.read(self.sandbox, REPORT, limit=MAX_REPORT)
        return await asyncio.to_thread(  # reports have up to 16 MB, and are of whatever the code under test likes
            report,
            command,
            exit_code=done.exit_code,
            seconds=done.seconds,
            output=f"{done.output}\n[ended by the limit on {done.killed_by}]" if done.killed_by else done.output,
            timed_out=done.timed_out,
            documents=documents(left or b""),
        )

    async def repro(self, command: str, files: _Files = _AS_IT_IS) -> int:
        """Its exit code. One that does not end in time has failed."""
        done = await again_when_lost("repro", lambda _: self._repro(command, files))
        return (done.exit_code or _TIMED_OUT) if done.timed_out else done.exit_code

    async def _repro(self, command: str, files: _Files) -> Finished:
        async with self._fresh(files):
            return await self._run(command, self.timeouts.repro)

    async def notices(self, baseline: Baseline, files: _Files) -> bool:
        """Do the tests tell a workspace in which a test file was broken on purpose from the base commit?"""
        assert baseline.command is not None
        return bool(regressions(baseline, await self.tests(baseline.command, files)))

    async def _run(self, command: str, timeout: float) -> Finished:
        return await self.sandboxes.run(self.sandbox, command, timeout=timeout, env=_ENV)

    @asynccontextmanager
    async def _fresh(self, files: _Files) -> AsyncIterator[None]:
        try:
            await self.sandboxes.create(self.sandbox, snapshot=self.snapshot)
            await self.sandboxes.write(self.sandbox, files.write, delete=files.delete)
            yield
        finally:
            await asyncio.shield(self.sandboxes.close(self.sandbox))


@dataclass(frozen=True, slots=True)
class _Trial:
    """One candidate on the bench. Each method adds to the evidence what it has observed.

    `tests` are the candidate's test files and what tests load or compare with, `sources` all its other files,
    `canary` is the test file broken on purpose.
    """

    bench: _Bench
    baseline: Baseline
    sources: _Files
    tests: _Files
    canary: _Files | None
    repeats: int

    async def regressions(self, evidence: Evidence) -> Evidence:
        """The old tests on the new sources. What fails anew counts when it fails every time."""
        if self.baseline.command is None:
            return evidence
        seen = await self.bench.tests(self.baseline.command, self.sources)
        once = set(regressions(self.baseline, seen))
        always = once
        for _ in range(1 if seen.timed_out else self.repeats):
            if not always:
                break
            seen = await self.bench.tests(self.baseline.command, self.sources)
            always = always & set(regressions(self.baseline, seen))
        evidence = replace(
            evidence,
            regressions=tuple(sorted(always)),
            stable_total=len(self.baseline.stable),
            stable_passed=len(set(self.baseline.stable) - always),
            fixed=fixed(self.baseline, seen),
            problem=shortfall(self.baseline, seen),
            notes=_not_repeated(sorted(once - always)),
        )
        if evidence.stable_passed == 0 or self.canary is None:
            return evidence
        if await self.bench.notices(self.baseline, self.sources | self.canary):
            return evidence
        return replace(evidence, regressions=self.baseline.stable, stable_passed=0, fixed=(), problem=causes.FORGED)

    async def own_tests(self, evidence: Evidence) -> Evidence:
        """Its own tests, without its change and with it; twice when they speak for it, because they may be flaky."""
        own = [path for path in self.tests.write if is_test_file(path)]
        if self.baseline.command is None or not own:
            return evidence
        command = narrow(self.baseline.command, own) or self.baseline.command
        seen = await self._own_tests(command, evidence)
        note = ""
        if seen == FLIP and await self._own_tests(command, evidence) != FLIP:
            seen = OwnTests(None, None)
            note = causes.FLAKY_TESTS
        elif seen == OwnTests(None, True):
            note = causes.UNLOADABLE_TESTS
        return replace(
            evidence,
            own_tests_on_base=seen.on_base,
            own_tests_on_candidate=seen.on_candidate,
            notes=(*evidence.notes, note) if note else evidence.notes,
        )

    async def _own_tests(self, command: str, evidence: Evidence) -> OwnTests:
        without = await self.bench.tests(command, self.tests)
        with_change = await self.bench.tests(command, self.sources | self.tests)
        return own_tests(self.baseline, evidence.regressions, without, with_change)

    async def repro(self, evidence: Evidence) -> Evidence:
        """The repro command on the new sources: it may run old tests, so the candidate's stay out."""
        if self.baseline.repro is None:
            return evidence
        return replace(evidence, repro_after=await self.bench.repro(self.baseline.repro, self.sources))

    async def checks(self, evidence: Evidence) -> Evidence:
        """Linters and type checkers on the whole candidate. One that fails is told, and decides nothing."""
        files = self.sources | self.tests
        failing = [command for command in self.baseline.checks if await self.bench.repro(command, files) != 0]
        notes = [causes.check_fails(command) for command in failing]
        return replace(evidence, notes=(*evidence.notes, *notes))
