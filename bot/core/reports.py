"""What a test run said, read from what it left behind.

A JUnit report is the only format that most runners share, so per-test results come from it; a runner without one is
judged by its exit code. Both come out of a sandbox in which code we do not trust has just run, so everything here is
read as hostile data, and whatever is missing or unreadable counts against the candidate, never for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.parsers import expat

from bot.core.model import Baseline, TestReport, Verdict

MAX_REPORT = 16 * 1024 * 1024  # bytes of one JUnit report; a suite of 50,000 tests writes about 10 MB
MAX_NAME = 400  # characters of a test's name; parametrized names can hold whole documents
MAX_TAIL = 4000  # characters of output kept with a report

_WORST_LAST = (Verdict.PASSED, Verdict.SKIPPED, Verdict.FAILED)
_VERDICT_OF = {"failure": Verdict.FAILED, "error": Verdict.FAILED, "skipped": Verdict.SKIPPED}


class UnreadableReport(ValueError):
    """Not a JUnit report: malformed, cut off, too large, or it declares a document type."""


def parse_junit(xml: bytes) -> dict[str, Verdict]:
    """Test name to verdict. Names are `classname::name`; of several results under one name the worst counts.

    A document type is refused before anything in it is read, because entities that expand are only declared there.
    Raises `UnreadableReport`.
    """
    if len(xml) > MAX_REPORT:
        raise UnreadableReport(f"larger than {MAX_REPORT} bytes")
    reader = _JUnitReader()
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    try:
        parser.Parse(xml, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # the last two: an encoding Python does not know
        raise UnreadableReport(str(error)) from error
    return reader.tests


def _refuse_doctype(*_: object) -> None:
    raise UnreadableReport("it declares a document type")


class _JUnitReader:
    """Collects test cases at any depth of nested suites. The root must be `testsuite` or `testsuites`."""

    def __init__(self) -> None:
        self.tests: dict[str, Verdict] = {}
        self._seen_root = False
        self._test: str | None = None
        self._verdict = Verdict.PASSED

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._seen_root:
            self._seen_root = True
            if tag not in ("testsuite", "testsuites"):
                raise UnreadableReport("it is not a JUnit report")
        if tag == "testcase":
            self._test = f"{attributes.get('classname', '')}::{attributes.get('name', '')}"[:MAX_NAME]
            self._verdict = Verdict.PASSED
        elif tag in _VERDICT_OF and self._test is not None:
            self._verdict = _worse(self._verdict, _VERDICT_OF[tag])

    def end(self, tag: str) -> None:
        if tag == "testcase" and self._test is not None:
            self.tests[self._test] = _worse(self._verdict, self.tests.get(self._test, Verdict.PASSED))
            self._test = None


def _worse(one: Verdict, other: Verdict) -> Verdict:
    return max(one, other, key=_WORST_LAST.index)


def report(
    command: str,
    *,
    exit_code: int,
    seconds: float,
    output: str,
    timed_out: bool = False,
    junit: Iterable[bytes] = (),
) -> TestReport:
    """One execution of the test command, per test where it left a readable JUnit report, else one entry.

    An exit code that says failure while no test failed is a failure of the command itself (a coverage threshold, a
    linter behind `&&`, a crash after the report was written) and gets its own entry, named after the command.
    """
    tests, unreadable = _merged(junit)
    per_test, failed = bool(tests), exit_code != 0 or timed_out
    if not per_test:
        tests = {command: Verdict.FAILED if failed else Verdict.PASSED}
    elif failed and Verdict.FAILED not in tests.values():
        tests[command] = Verdict.FAILED
    tail = output[-MAX_TAIL:]
    if unreadable:
        tail = f"{tail}\n[a test report could not be read: {unreadable}]"
    return TestReport(command, exit_code, tests, per_test, seconds, tail, timed_out)


def _merged(junit: Iterable[bytes]) -> tuple[dict[str, Verdict], str]:
    tests: dict[str, Verdict] = {}
    unreadable = ""
    for xml in junit:
        try:
            found = parse_junit(xml)
        except UnreadableReport as error:
            unreadable = str(error)
            continue
        for name, verdict in found.items():
            tests[name] = _worse(verdict, tests.get(name, Verdict.PASSED))
    return tests, unreadable


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
    adds is no demonstration of the problem, and neither is anything else that breaks before a test starts.
    """
    stable, unreliable = set(baseline.stable), {*baseline.failing, *baseline.flaky}
    if not on_base.per_test and not on_candidate.per_test:
        if on_base.command in unreliable:
            return OwnTests(None, None)
        return OwnTests(_clean(on_base), _clean(on_candidate))
    if not on_candidate.per_test:
        return OwnTests(None, False)
    before, after = on_base.tests, on_candidate.tests
    own = after.keys() - unreliable.union(broken)
    own -= {name for name in own & stable if before.get(name) is Verdict.PASSED}
    passing = {name for name in own if after[name] is Verdict.PASSED}
    passes = not own or (bool(passing) and all(after[name] is not Verdict.FAILED for name in own))
    if any(before.get(name) is Verdict.FAILED for name in passing):
        return OwnTests(False, passes)
    failed_before = {name for name, verdict in before.items() if verdict is Verdict.FAILED}
    if failed_before <= unreliable and all(before.get(name) is Verdict.PASSED for name in own):
        return OwnTests(True, passes)
    return OwnTests(None, passes)


def _clean(report: TestReport) -> bool:
    return report.exit_code == 0 and not report.timed_out
