"""What is run on the base commit, and about one candidate: gates, old tests, its own tests, the repro command."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bot.core import reports
from bot.core.candidate.file_roles import MAX_TEXT, product_files, roles_of, to_be_read, unusual_tests
from bot.core.candidate.gates import GatePolicy, check_gates, skips_its_own_tests
from bot.core.candidate.special_cases import special_cases
from bot.core.candidate.testfiles import names_of_tests
from bot.core.choosing.phrases import listing
from bot.core.environment.absent_files import MAX_POINTER, attributes_above, given_to_lfs, is_pointer
from bot.core.environment.files import Files
from bot.core.environment.proof import Attempt, Proof, Trial, notices, starts
from bot.core.environment.sources import sources_to_break
from bot.core.evidence.controls import control_case
from bot.core.evidence.meddling import meddled
from bot.core.evidence.silencing import gone_tests, may_silence_others
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
    SolveFacts,
    SolveId,
    Task,
    TestReport,
    Toolchain,
    prepared_snapshot,
)
from bot.core.render import failure_reasons
from bot.core.reports import baseline
from bot.core.runners import (
    break_on_purpose,
    break_tests_on_purpose,
    canaries,
    cases,
    narrow,
    narrow_to_cases,
)
from bot.core.sandboxes import Use, sandbox_of
from bot.judging.bench import Bench, Canary, Overlay, Timeouts, base_sandbox, canary_sandbox, overlay_of
from bot.judging.parts import in_parts
from bot.judging.trial import CandidateTrial
from bot.ports import Mirrors, Rejected, Sandboxes, SandboxLost

_CANARIES_TRIED = 2
_POINTERS_LOOKED_AT = 60  # more files are changed by no candidate that passes the gates
_ATTRIBUTES_READ = 20
_MOST_CHECKS = 4
_MOST_READ = 1_000_000  # bytes of a file that a candidate changes


class Judge:
    """Each public method may be repeated after a crash: it starts from the snapshot again."""

    def __init__(
        self,
        mirrors: Mirrors,
        sandboxes: Sandboxes,
        timeouts: Timeouts,
        *,
        times: int = 3,
        repeats: int = 2,
        secrets: tuple[str, ...] = (),
    ) -> None:
        """`times`: executions of the baseline. `repeats`: of a run with new failures; what passes once is flaky.

        `secrets`: what no candidate may bring in, by its value.
        """
        self._mirrors = mirrors
        self._sandboxes = sandboxes
        self._timeouts = timeouts
        self._times = times
        self._repeats = repeats
        self._secrets = secrets

    async def trial(
        self, solve: SolveId, repo: Repo, base: Sha, plan: Toolchain, files: Files, seconds: float
    ) -> Trial:
        """Is this prepared workspace one in which candidates can be judged? `seconds`: at most, for each run of tests.

        Side by side: the tests as they are, and with the product's own code broken, which they have to notice.
        """
        if plan.test is None:
            return Trial()
        timeouts = self._timeouts.at_most(seconds)
        bench, another = (
            Bench(self._sandboxes, name, prepared_snapshot(solve), timeouts)
            for name in (base_sandbox(solve), canary_sandbox(solve))
        )
        broken = await self._broken(repo, base, sources_to_break(files, plan.ecosystem))
        if not broken.write:
            return Trial(await bench.tests(plan.test))
        report, without_sources = await asyncio.gather(bench.tests(plan.test), another.tests(plan.test, broken))
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
        if command is not None and counts:
            reports += await self._repeated(solve, command, reports)
        found = baseline(reports)
        if not counts:
            found = replace(found, stable=(), failing=(), flaky=(), note=failure_reasons.ANOTHER_COPY)
        found = await self._with_roles(repo, task.base_sha, found)
        found = replace(
            found, runnable=counts and any(starts(seen, given=task.config.test is not None) for seen in reports)
        )
        found = replace(found, note=" ".join(filter(None, (note, found.note))))
        repro = task.options.repro or task.config.repro
        if repro is not None:
            found = replace(found, repro=repro, repro_exit=await bench.repro(repro))
        checking = self._checks(self._bench(solve, canary_sandbox(solve)), attempt.plan.checks)
        found, checks = await asyncio.gather(self._with_canary(bench, repo, task.base_sha, found), checking)
        return replace(found, checks=checks)

    async def _repeated(self, solve: SolveId, command: str, seen: Sequence[TestReport]) -> list[TestReport]:
        """The executions that are missing, two at a time; tests that do not end in time are not run again."""
        benches = [self._bench(solve, name(solve)) for name in (base_sandbox, canary_sandbox)]
        reports: list[TestReport] = []
        if not seen:
            reports.append(await benches[0].tests(command))
        while len(seen) + len(reports) < self._times and not [*seen, *reports][-1].timed_out:
            missing = self._times - len(seen) - len(reports)
            reports += await asyncio.gather(*(bench.tests(command) for bench in benches[:missing]))
        return reports

    async def _checks(self, bench: Bench, commands: Sequence[str]) -> tuple[str, ...]:
        """Those that pass as things are: linters and type checkers, which never stand for tests."""
        return tuple([command for command in commands[:_MOST_CHECKS] if await bench.repro(command) == 0])

    async def canary(self, solve: SolveId, repo: Repo, base: Sha, seen: TestReport) -> str:
        """A test file whose breaking the tests of the prepared workspace notice; "" when none was found."""
        bench = self._bench(solve, canary_sandbox(solve))
        return (await self._with_canary(bench, repo, base, baseline([seen]))).canary

    async def _with_roles(self, repo: Repo, base: Sha, found: Baseline) -> Baseline:
        """With what is called like a test and is product code, and the other way round."""
        paths = [file.path for file in await self._mirrors.files(repo, base)]
        told = (*found.stable, *found.failing, *found.flaky)
        texts = await self._mirrors.texts(repo, base, to_be_read(paths), limit=MAX_TEXT)
        product = await asyncio.to_thread(product_files, paths, texts, told)
        return replace(found, product=product, unusual_tests=unusual_tests(paths, told) if found.per_test else ())

    async def _with_canary(self, bench: Bench, repo: Repo, base: Sha, found: Baseline) -> Baseline:
        """The first test file whose breaking the tests notice. A few are tried: the command may leave some out."""
        if found.command is None or not found.stable:
            return found
        is_test = roles_of(found).is_test
        paths = [file.path for file in await self._mirrors.files(repo, base) if is_test(file.path)]
        for path in canaries(paths, found.stable)[:_CANARIES_TRIED]:
            canary = await self._broken_tests(repo, base, path)
            alone = await self._alone(bench, found, path)
            if alone is not None:
                seen = await bench.tests(alone.command, canary.files)
                if reports.noticed_alone(found, seen, alone):
                    few = await self._fewest(bench, found, path, seen, alone)
                    return _with_its_tests_alone(_named(found, path, canary, seen), few)
            seen = await bench.tests(found.command, canary.files)
            if reports.notices(found, seen, canary.control):
                found = _named(found, path, canary, seen)
                if alone is None or not reports.tell_all(found, seen, alone):
                    return found
                return _with_its_tests_alone(found, await self._fewest(bench, found, path, seen, alone))
        return found

    async def _fewest(
        self, bench: Bench, found: Baseline, path: str, seen: TestReport, alone: TestReport
    ) -> TestReport:
        """Only what the canary makes fail, run alone; its file, where that is hardly more or they need the others."""
        hidden = [name for name in reports.hidden(found, seen) if name in alone.tests]
        single = cases([path], hidden) if 2 * len(hidden) < len(alone.tests) else None
        command = narrow_to_cases(found.command or "", single) if single else None
        few = await bench.tests(command) if command else alone
        return few if {*hidden} <= {*reports.told_alone(found, few)} else alone

    async def _alone(self, bench: Bench, found: Baseline, path: str) -> TestReport | None:
        """The tests of one file, where they can be run alone: then nothing of the others has to be run again."""
        command = narrow(found.command or "", [path]) if found.per_test else None
        return await bench.tests(command) if command else None

    async def _broken(self, repo: Repo, base: Sha, paths: Iterable[str]) -> Overlay:
        contents = {path: await self._mirrors.read(repo, base, path) for path in paths}
        return Overlay({path: (break_on_purpose(path, text or b""), "100644") for path, text in contents.items()})

    async def _broken_tests(self, repo: Repo, base: Sha, path: str) -> Canary:
        text = break_tests_on_purpose(path, await self._mirrors.read(repo, base, path) or b"")
        name, control = control_case(path, base)
        return Canary(Overlay({path: (text, "100644"), **control}), name)

    async def judge(self, facts: SolveFacts, candidate: Candidate) -> Evidence:
        """Gates first: a candidate that fails one is not run. A lost sandbox leaves a hole; the evidence names it."""
        assert facts.task is not None
        assert facts.baseline is not None
        repo, base = facts.solve.issue.repo, facts.task.base_sha
        evidence = _unobserved(candidate, facts.baseline, f"{facts.task.title}\n{facts.task.body}")
        roles = roles_of(facts.baseline)
        pointers = await self._pointers(repo, base, candidate)
        policy = GatePolicy(facts.task.config.protect, pointers=pointers, roles=roles, secrets=self._secrets)
        try:
            entries = await self._mirrors.entries(repo, base, candidate.patch)
        except Rejected:
            failures = (GateFailure(Gate.DOES_NOT_APPLY, ""), *check_gates(candidate, policy))
            return replace(evidence, gate_failures=failures)
        contents = {entry.path: entry.content for entry in entries if entry.content is not None}
        if failures := check_gates(candidate, policy, contents):
            return replace(evidence, gate_failures=failures)
        before = await self._mirrors.texts(repo, base, [entry.path for entry in entries], limit=_MOST_READ)
        own = facts.task.feedback.own_tests if facts.task.feedback else ()  # a revision may change what came along
        parts = in_parts(entries, before, roles, frozenset(own))
        evidence = replace(evidence, meddles=meddled(candidate, roles, before))
        if parts.uncut and not facts.baseline.per_test:
            evidence = replace(evidence, problem=failure_reasons.says_which_tests(listing(parts.uncut)))
        canary = facts.baseline.canary
        trial = CandidateTrial(
            self._bench(facts.id, sandbox_of(candidate.run, Use.JUDGE)),
            facts.baseline,
            parts,
            canary=await self._broken_tests(repo, base, canary) if canary else None,
            repeats=self._repeats,
            gone=gone_tests(candidate, roles),
            sets_runner_up=may_silence_others(candidate.changes, roles),
        )
        try:
            evidence = await trial.regressions(evidence)
            if evidence.stable_total and not evidence.stable_passed:
                return evidence  # whatever else it does, it is out
            evidence = await trial.own_tests(evidence)
            evidence = await trial.silencing(evidence)
            if evidence.gate_failures:
                return evidence
            evidence = await trial.repro(evidence)
            evidence = await trial.checks(evidence)
        except SandboxLost:
            return replace(evidence, problem=failure_reasons.HALF_OBSERVED)
        except Rejected:
            return replace(evidence, problem=failure_reasons.DOES_NOT_FIT)
        return evidence

    async def on_top(self, facts: SolveFacts, patch: str, head: Sha) -> tuple[str, ...] | None:
        """With what others have committed since: the stable tests that no longer pass. None: it does not fit there."""
        assert facts.task is not None
        assert facts.baseline is not None
        try:
            entries = await self._mirrors.entries(facts.solve.issue.repo, head, patch, since=facts.task.base_sha)
        except Rejected:
            return None
        if facts.baseline.command is None:
            return ()
        bench = self._bench(facts.id, sandbox_of(facts.id, Use.JUDGE))
        seen = await bench.tests(facts.baseline.command, overlay_of(entries))
        return tuple(reports.regressions(facts.baseline, seen))

    async def _pointers(self, repo: Repo, base: Sha, candidate: Candidate) -> frozenset[str]:
        """Of the files that are changed, those that stand for others, which are kept in Git LFS; or that should."""
        changed = {change.path for change in candidate.changes if change.kind is ChangeKind.MODIFIED}
        small = [f.path for f in await self._mirrors.files(repo, base) if f.path in changed and f.size < MAX_POINTER]
        contents = {path: await self._mirrors.read(repo, base, path) for path in small[:_POINTERS_LOOKED_AT]}
        pointers = (path for path, content in contents.items() if is_pointer(content or b""))
        return frozenset((*pointers, *await self._new_in_lfs(repo, base, candidate)))

    async def _new_in_lfs(self, repo: Repo, base: Sha, candidate: Candidate) -> tuple[str, ...]:
        """New files that the base commit gives to Git LFS: published as they are, no clone would take them for such."""
        added = [change.path for change in candidate.changes if change.kind is ChangeKind.ADDED][:_POINTERS_LOOKED_AT]
        above = {path for each in added for path in attributes_above(each)}
        there = sorted(above & {file.path for file in await self._mirrors.files(repo, base)}, key=len)
        texts = {path: await self._mirrors.read(repo, base, path) for path in there[:_ATTRIBUTES_READ]}
        return given_to_lfs(added, {path: (text or b"").decode(errors="replace") for path, text in texts.items()})

    def _bench(self, solve: SolveId, sandbox: SandboxId) -> Bench:
        return Bench(self._sandboxes, sandbox, prepared_snapshot(solve), self._timeouts)


def _named(found: Baseline, path: str, canary: Canary, seen: TestReport) -> Baseline:
    text, _ = canary.files.write[path]
    names = names_of_tests(path, text.decode("utf-8", "replace").split("\n"))
    return replace(found, canary=path, canary_fails=reports.canary_fails(found, seen, names))


def _with_its_tests_alone(found: Baseline, alone: TestReport) -> Baseline:
    """Then a candidate needs one run of all tests, and not a second one for the canary."""
    return replace(found, canary_alone=alone.command, canary_tests=reports.told_alone(found, alone))


def _unobserved(candidate: Candidate, baseline: Baseline, issue: str) -> Evidence:
    is_test = roles_of(baseline).is_test
    own = (change.path for change in candidate.changes if change.kind is not ChangeKind.DELETED)
    return Evidence(
        run=candidate.run,
        test_files=tuple(path for path in own if is_test(path)),
        repro_before=baseline.repro_exit,
        special_cases=special_cases(candidate.patch, issue, is_test),
        lines_changed=candidate.lines_changed,
        files_changed=len(candidate.changes),
        notes=tuple(_seen_in_the_patch(candidate)),
    )


def _seen_in_the_patch(candidate: Candidate) -> Iterator[str]:
    """What is no gate, and what people should know."""
    if skipping := skips_its_own_tests(candidate):
        yield failure_reasons.skips_its_own_tests(listing(skipping))
    if candidate.put_back:
        yield failure_reasons.put_back(candidate.put_back)
    if modes := [c.path for c in candidate.changes if c.kind is ChangeKind.MODIFIED and c.old_mode != c.new_mode]:
        yield failure_reasons.changes_modes(modes)
