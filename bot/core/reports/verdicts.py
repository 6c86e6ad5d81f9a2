"""What a test run said, and what two of them say together.

Per-test results come from the reports that runners leave behind; a command without any is judged by its exit code.
Both come out of a sandbox in which code we do not trust has just run, so everything here is read as hostile data, and
whatever is missing or unreadable counts against the candidate, never for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.core.model import Baseline, TestReport, Verdict
from bot.core.reports.formats import Document
from bot.core.reports.json_formats import readable
from bot.core.reports.reading import read
from bot.core.text.terminal_text import as_shown

_MOST_CANARIES = 200
MAX_TAIL = 4000  # characters of output kept with a report
_USAGE_ERROR = re.compile(r"error: unrecognized arguments: [^\n]{1,300}")  # the cause, where pytest was run once more


def report(
    command: str,
    *,
    exit_code: int,
    seconds: float,
    output: str,
    timed_out: bool = False,
    documents: Iterable[Document] = (),
) -> TestReport:
    """One execution of the test command, per test where it left a readable report, else one entry.

    An exit code that says failure while no test failed is a failure of the command itself (a coverage threshold, a
    linter behind `&&`, a crash after the report was written) and gets its own entry, named after the command. A runner
    that says that it ran no test has not succeeded, whatever its exit code.
    """
    said = read(documents)
    output = as_shown(readable(output))
    per_test, failed = bool(said.tests), exit_code != 0 or timed_out
    tests = said.tests
    if not per_test:
        tests = {command: Verdict.FAILED if failed or said.none_ran else Verdict.PASSED}
    elif failed and Verdict.FAILED not in tests.values():
        tests[command] = Verdict.FAILED
    notes = [f"a test report could not be read: {said.unreadable}"] if said.unreadable else []
    if said.none_ran:
        notes.append("no tests were run")
    if (cause := _USAGE_ERROR.search(output)) and cause.group() not in output[-MAX_TAIL:]:
        notes.append(cause.group())
    tail = "\n".join([output[-MAX_TAIL:], *(f"[{note}]" for note in notes)])
    return TestReport(command, exit_code, tests, per_test, seconds, tail, timed_out, said.none_ran)


def baseline(reports: Sequence[TestReport]) -> Baseline:
    """What the tests say on the base commit, from several executions of the same command.

    Stable: passed every time. Failing: failed every time. Flaky: the answer changed, absence being an answer.
    A test that was skipped every time is none of these.
    """
    if not reports:
        return Baseline(command=None, note="No way to run the tests was found.")
    stable, failing, flaky = [], [], []
    for name in sorted({name for report in reports for name in report.tests}):
        answers = {report.tests.get(name) for report in reports}
        if answers == {Verdict.PASSED}:
            stable.append(name)
        elif answers == {Verdict.FAILED}:
            failing.append(name)
        elif answers != {Verdict.SKIPPED}:
            flaky.append(name)
    last = reports[-1]
    return Baseline(
        command=last.command,
        per_test=any(report.per_test for report in reports),
        stable=tuple(stable),
        failing=tuple(failing),
        flaky=tuple(flaky),
        tail=last.tail,
        note=_baseline_note(reports, stable),
    )


def _baseline_note(reports: Sequence[TestReport], stable: Sequence[str]) -> str:
    last = reports[-1]
    if any(report.timed_out for report in reports):
        return f"The tests did not end within {last.seconds:.0f} seconds on the base commit."
    if stable:
        return ""
    if last.none_ran:
        return f"No tests were run on the base commit; the test command ends with exit code {last.exit_code} there."
    return f"No test passes every time on the base commit; the test command ends with exit code {last.exit_code} there."


def regressions(baseline: Baseline, report: TestReport) -> tuple[str, ...]:
    """Stable tests that did not pass: failed, skipped or missing. Sorted.

    Missing counts because a run that ends early (a crash, a time limit, an exit in the middle) must not look better
    than one that fails. The command itself counts when it was clean on the base commit and now fails although no
    test does.
    """
    if not baseline.per_test:
        return () if _clean(report) else baseline.stable
    broken = {name for name in baseline.stable if report.tests.get(name) is not Verdict.PASSED}
    was_clean = bool(baseline.stable) and not baseline.failing and not baseline.flaky
    if was_clean and report.per_test and report.tests.get(report.command) is Verdict.FAILED:
        broken.add(report.command)
    return tuple(sorted(broken))


def notices(baseline: Baseline, report: TestReport, control: str = "") -> bool:
    """Is this what a run says when the canary is broken on purpose, with a test of ours beside it that fails?

    Nothing may pass then that cannot: no test that the canary made fail on the base commit, and none of ours, whose
    names hold `control`.
    """
    passed = {name for name, seen in report.tests.items() if seen is Verdict.PASSED}
    lies = bool(control) and any(control in name for name in passed)
    return bool(regressions(baseline, report)) and not lies and passed.isdisjoint(baseline.canary_fails)


def canary_fails(baseline: Baseline, report: TestReport, names: Iterable[str]) -> tuple[str, ...]:
    """Stable tests that failed on the base commit because of the canary, whose tests have these names."""
    known = {*names}
    failed = (name for name in baseline.stable if report.tests.get(name) is Verdict.FAILED)
    return tuple(name for name in failed if name.rpartition("::")[2].partition("[")[0] in known)[:_MOST_CANARIES]


def tell_all(baseline: Baseline, with_canary: TestReport, alone: TestReport) -> bool:
    """Do two runs on the base commit, one with the canary and one of its own tests alone, say what one run says?"""
    passed = {name for name, seen in alone.tests.items() if seen is Verdict.PASSED}
    told = with_canary.per_test and alone.per_test and alone.command not in alone.tests
    return told and passed.issuperset(hidden(baseline, with_canary))


def hidden(baseline: Baseline, with_canary: TestReport) -> tuple[str, ...]:
    """Stable tests of which nothing is known, because the canary is in the way."""
    return tuple(name for name in baseline.stable if with_canary.tests.get(name) is not Verdict.PASSED)


def noticed_alone(baseline: Baseline, broken: TestReport, alone: TestReport) -> bool:
    """Do a canary's tests, run alone, say as much as a run of all tests would?

    They are known from the run of all by the same names, so that one runs them, too, and all of them pass as they do
    there: what only passes behind the tests of other files would fail with any candidate. With the canary in place each
    is still told, so that no failure keeps others from being run; and some fail, though nothing else was changed.
    """
    own = {name for name in baseline.stable if name in alone.tests}
    passed = all(alone.tests[name] is Verdict.PASSED for name in own)
    told = broken.per_test and alone.per_test and alone.command not in alone.tests and own <= broken.tests.keys()
    return passed and told and any(broken.tests[name] is Verdict.FAILED for name in own)


def told_alone(baseline: Baseline, alone: TestReport) -> tuple[str, ...]:
    """The tests of a canary's file that say the same alone as among all others: a candidate's are heard from there."""
    stable = {*baseline.stable}
    return tuple(sorted(name for name, seen in alone.tests.items() if seen is Verdict.PASSED or name not in stable))


def combined(baseline: Baseline, with_canary: TestReport, alone: TestReport, control: str) -> TestReport:
    """One report from the two. Of the canary's tests only the second run is heard, of all others only the first."""
    if not with_canary.per_test:
        return with_canary
    own = {*baseline.canary_tests}
    tests = {name: seen for name, seen in with_canary.tests.items() if name not in own}
    tests = {name: seen for name, seen in tests.items() if not (control and control in name)}
    tests |= {name: seen for name, seen in alone.tests.items() if name in own}
    if alone.tests.get(alone.command) is Verdict.FAILED:
        tests[with_canary.command] = Verdict.FAILED
    failed = alone.exit_code or int(Verdict.FAILED in tests.values())
    seconds, timed_out = with_canary.seconds + alone.seconds, with_canary.timed_out or alone.timed_out
    return replace(with_canary, exit_code=failed, tests=tests, seconds=seconds, timed_out=timed_out)


def shortfall(baseline: Baseline, report: TestReport) -> str:
    """Why all stable tests count as not passed, where the run said nothing about single tests; else empty."""
    if not baseline.per_test or report.per_test:
        return ""
    how = (
        f"did not end within {report.seconds:.0f} seconds"
        if report.timed_out
        else f"ended with exit code {report.exit_code} before a test report was written"
    )
    return f"The tests {how}, so all {len(baseline.stable)} stable tests count as not passed."


def fixed(baseline: Baseline, report: TestReport) -> tuple[str, ...]:
    """Tests that failed every time on the base commit and pass in this run."""
    return tuple(name for name in baseline.failing if report.tests.get(name) is Verdict.PASSED)


@dataclass(frozen=True, slots=True)
class OwnTests:
    """What the tests that a candidate brings said without and with its change. None: no answer."""

    on_base: bool | None
    on_candidate: bool | None


FLIP = OwnTests(on_base=False, on_candidate=True)


def own_tests(baseline: Baseline, broken: Iterable[str], on_base: TestReport, on_candidate: TestReport) -> OwnTests:
    """Compare two runs of the candidate's version of the tests: on the base commit's sources and on its own.

    Its own tests are the names that the baseline does not know, and the known ones whose new version no longer
    passes on the base commit. All must pass with the change, and one must fail without it. `broken` are regressions:
    a test whose old version fails with the change and whose new version passes shows that it was rewritten, no more.

    There is no answer from the base commit when they cannot even be loaded there: importing what only the change
    adds is no demonstration of the problem, and neither is anything else that breaks before a test starts. That the
    command fails though no test does is none either: what demands that all code is covered is never content with few.
    """
    stable, unreliable = set(baseline.stable), {*baseline.failing, *baseline.flaky}
    if not on_base.per_test and not on_candidate.per_test:
        if on_base.command in unreliable:
            return OwnTests(None, None)
        return OwnTests(_clean(on_base), _clean(on_candidate))
    if not on_candidate.per_test:
        return OwnTests(None, False)
    before, after = on_base.tests, on_candidate.tests
    own = after.keys() - unreliable.union(broken, (on_candidate.command,))
    own -= {name for name in own & stable if before.get(name) is Verdict.PASSED}
    passing = {name for name in own if after[name] is Verdict.PASSED}
    passes = not own or (bool(passing) and all(after[name] is not Verdict.FAILED for name in own))
    if any(before.get(name) is Verdict.FAILED for name in passing):
        return OwnTests(False, passes)
    failed_before = {name for name, verdict in before.items() if verdict is Verdict.FAILED}
    if on_base.per_test:
        failed_before -= {on_base.command}
    if failed_before <= unreliable and all(before.get(name) is Verdict.PASSED for name in own):
        return OwnTests(True, passes)
    return OwnTests(None, passes)


def _clean(report: TestReport) -> bool:
    return report.exit_code == 0 and not report.timed_out and not report.none_ran
