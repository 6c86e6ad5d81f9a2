"""What test runs said, read from hostile reports."""

import time
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.model import Baseline, TestReport, Verdict
from bot.core.reports import (
    MAX_REPORT,
    Document,
    Format,
    OwnTests,
    UnreadableReport,
    baseline,
    canary_fails,
    fixed,
    noticed_alone,
    notices,
    own_tests,
    parse_junit,
    regressions,
    report,
    shortfall,
    told_alone,
)

P, F, S = Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED
COMMAND = "pytest -q"


def suite(cases: str) -> bytes:
    return f'<?xml version="1.0"?><testsuites><testsuite name="pytest">{cases}</testsuite></testsuites>'.encode()


def junit(xml: bytes) -> Document:
    return Document(Format.JUNIT, xml)


def case(name: str, inside: str = "", classname: str = "tests.test_a") -> str:
    return f'<testcase classname="{classname}" name="{name}" time="0.01">{inside}</testcase>'


@pytest.mark.parametrize(
    ("xml", "tests"),
    [
        (suite(case("test_x")), {"tests.test_a::test_x": P}),
        (suite(case("test_x", "<failure message='no'>trace</failure>")), {"tests.test_a::test_x": F}),
        (suite(case("test_x", "<error message='fixture'/>")), {"tests.test_a::test_x": F}),
        (suite(case("test_x", "<skipped type='pytest.xfail'/>")), {"tests.test_a::test_x": S}),
        (suite(case("test_x", "<system-out>&lt;failure/&gt;</system-out>")), {"tests.test_a::test_x": P}),
        (suite(case("test_x", "<flakyFailure/><rerunFailure/>")), {"tests.test_a::test_x": P}),
        (suite(case("test_x[1-a&amp;b::c]")), {"tests.test_a::test_x[1-a&b::c]": P}),
        (suite(case("test_é")), {"tests.test_a::test_é": P}),
        (suite(case("x", "<failure/>") + case("x")), {"tests.test_a::x": F}),
        (suite(case("x") + case("x", "<error/>")), {"tests.test_a::x": F}),
        (suite(case("x") + case("x", "<skipped/>")), {"tests.test_a::x": S}),
        (suite(case("x", "<skipped/>") + case("x", "<failure/>") + case("x")), {"tests.test_a::x": F}),
        (suite("<failure/>" + case("x")), {"tests.test_a::x": P}),
        (suite('<testcase name="tests.test_a" classname=""><error/></testcase>'), {"::tests.test_a": F}),
        (suite("<testcase/>"), {"::": P}),
        (b"<testsuite><testsuite><testsuite>" + case("deep").encode() + b"</testsuite></testsuite></testsuite>",
         {"tests.test_a::deep": P}),
        (suite(""), {}),
    ],
)  # fmt: skip
def test_a_readable_report(xml: bytes, tests: dict[str, Verdict]) -> None:
    assert parse_junit(xml) == tests


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BILLION = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><testsuites>&l9;</testsuites>'


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"not xml",
        b"<html><testcase/></html>",
        suite(case("x"))[:-10],
        suite(case("x")) + suite(case("x")),
        b'<?xml version="1.0" encoding="klingon"?><testsuites/>',
        b"\xff\xfe\x00",
        suite(case("x")) + b"\0",
        suite(case("\x00")),
        BILLION.encode(),
        BILLION.encode("utf-16"),
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuites/>',
        b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><testsuites><testcase name="&e;"/></testsuites>',
        b"<!doctype html><testsuites/>",
        suite(case("&unknown;")),
        b" " * (MAX_REPORT + 1),
    ],
)
def test_a_report_that_is_refused(xml: bytes) -> None:
    with pytest.raises(UnreadableReport):
        parse_junit(xml)


@settings(deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: suite(text)))
def test_no_bytes_do_anything_but_parse_or_be_refused(xml: bytes) -> None:
    with suppress(UnreadableReport):
        assert isinstance(parse_junit(xml), dict)


def test_a_deep_report_is_read_without_recursion() -> None:
    deep = b"<testsuite>" * 50_000 + case("x").encode() + b"</testsuite>" * 50_000
    assert parse_junit(deep) == {"tests.test_a::x": P}


def test_a_large_report_is_read_in_time_proportional_to_its_size() -> None:
    def seconds(cases: int) -> float:
        xml = suite("".join(case(f"test_{n}") for n in range(cases)))
        before = time.process_time()
        assert len(parse_junit(xml)) == cases
        return time.process_time() - before

    assert min(seconds(20_000) for _ in range(3)) < 20 * min(seconds(2_000) for _ in range(3)) + 0.05


def ran(tests: dict[str, Verdict], *, exit_code: int = 0, timed_out: bool = False) -> TestReport:
    return TestReport(COMMAND, exit_code, tests, True, 1.0, "", timed_out)


def ended(exit_code: int, *, timed_out: bool = False) -> TestReport:
    return report(COMMAND, exit_code=exit_code, seconds=9.0, output="", timed_out=timed_out)


def test_with_junit_every_test_has_its_verdict() -> None:
    found = report(
        COMMAND, exit_code=1, seconds=2.0, output="out", documents=[junit(suite(case("a") + case("b", "<failure/>")))]
    )
    assert found == TestReport(COMMAND, 1, {"tests.test_a::a": P, "tests.test_a::b": F}, True, 2.0, "out")


def test_several_junit_files_are_one_report_and_the_worst_counts() -> None:
    files = [suite(case("a")), suite(case("a", "<failure/>") + case("b"))]
    found = report(COMMAND, exit_code=1, seconds=2.0, output="", documents=[junit(file) for file in files])
    assert found.tests == {"tests.test_a::a": F, "tests.test_a::b": P}


@pytest.mark.parametrize(
    ("exit_code", "timed_out", "verdict"), [(0, False, P), (1, False, F), (124, True, F), (0, True, F)]
)
def test_without_junit_the_exit_code_is_all(exit_code: int, timed_out: bool, verdict: Verdict) -> None:
    found = ended(exit_code, timed_out=timed_out)
    assert (found.tests, found.per_test) == ({COMMAND: verdict}, False)


def test_a_failing_command_without_a_failing_test_is_a_failure_of_the_command() -> None:
    found = report(COMMAND, exit_code=1, seconds=1.0, output="", documents=[junit(suite(case("a")))])
    assert found.tests == {"tests.test_a::a": P, COMMAND: F}


def test_an_unreadable_report_is_no_report_and_is_told() -> None:
    found = report(
        COMMAND, exit_code=0, seconds=1.0, output="1 passed", documents=[junit(b"<!DOCTYPE x><testsuites/>")]
    )
    assert not found.per_test
    assert found.tail == "1 passed\n[a test report could not be read: it declares a document type]"


def test_only_the_end_of_the_output_is_kept() -> None:
    assert report(COMMAND, exit_code=0, seconds=1.0, output="x" * 10_000 + "end").tail.endswith("end")
    assert len(report(COMMAND, exit_code=0, seconds=1.0, output="x" * 10_000).tail) == 4000


@pytest.mark.parametrize(
    ("runs", "stable", "failing", "flaky"),
    [
        ([{"a": P}, {"a": P}], ["a"], [], []),
        ([{"a": F}, {"a": F}], [], ["a"], []),
        ([{"a": P}, {"a": F}], [], [], ["a"]),
        ([{"a": P}, {}], [], [], ["a"]),
        ([{"a": F}, {}], [], [], ["a"]),
        ([{"a": P}, {"a": S}], [], [], ["a"]),
        ([{"a": S}, {"a": S}], [], [], []),
        ([{"b": P, "a": P, "c": F}] * 3, ["a", "b"], ["c"], []),
    ],
)
def test_what_a_baseline_says(
    runs: list[dict[str, Verdict]], stable: list[str], failing: list[str], flaky: list[str]
) -> None:
    found = baseline([ran(tests) for tests in runs])
    assert (list(found.stable), list(found.failing), list(found.flaky)) == (stable, failing, flaky)
    assert (found.command, found.per_test) == (COMMAND, True)


def test_a_baseline_without_a_command() -> None:
    assert baseline([]) == Baseline(None, note="No way to run the tests was found.")


def test_a_baseline_by_exit_code() -> None:
    assert baseline([ended(0), ended(0)]).stable == (COMMAND,)
    assert not baseline([ended(0)]).per_test
    failing = baseline([ended(2), ended(2)])
    assert failing.failing == (COMMAND,)
    assert failing.note == (
        "No test passes every time on the base commit; the test command ends with exit code 2 there."
    )


def test_a_baseline_that_does_not_end_says_so() -> None:
    assert baseline([ended(124, timed_out=True)]).note == "The tests did not end within 9 seconds on the base commit."


@pytest.mark.parametrize(
    ("tests", "broken"),
    [
        ({"a": P, "b": P, "flaky": F, "bad": F}, ()),
        ({"a": P, "b": F}, ("b",)),
        ({"a": P, "b": S}, ("b",)),
        ({"a": P}, ("b",)),
        ({}, ("a", "b")),
        ({"a": P, "b": P, "new": F}, ()),
    ],
)
def test_regressions(tests: dict[str, Verdict], broken: tuple[str, ...]) -> None:
    known = Baseline(COMMAND, True, stable=("a", "b"), failing=("bad",), flaky=("flaky",))
    assert regressions(known, ran(tests, exit_code=1)) == broken


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (ended(0), "The tests ended with exit code 0 before a test report was written, so all 2 stable tests count"),
        (ended(124, timed_out=True), "The tests did not end within 9 seconds, so all 2 stable tests count"),
    ],
)
def test_a_run_that_says_nothing_passes_nothing(run: TestReport, why: str) -> None:
    known = Baseline(COMMAND, True, stable=("a", "b"))
    assert regressions(known, run) == ("a", "b")
    assert shortfall(known, run).startswith(why)
    assert shortfall(known, ran({"a": P})) == ""


CANARY = Baseline("pytest", True, ("t::a", "t::b", "u::a"), canary="t.py", canary_fails=("t::a", "t::b"))


@pytest.mark.parametrize(
    ("tests", "honest"),
    [
        ({"t::a": F, "t::b": F, "u::a": P}, True),
        ({"t::a": F, "t::b": F, "u::a": P, "t_ours.Told::test_it": F}, True),
        ({"u::a": P, "t": F}, True),  # could not be loaded
        ({"t::a": P, "t::b": P, "u::a": P}, False),
        ({"t::a": F, "t::b": P, "u::a": P}, False),
        ({"t::a": F, "t::b": F, "u::a": P, "t_ours.Told::test_it": P}, False),
    ],
)
def test_with_the_canary_nothing_passes_that_cannot(tests: dict[str, Verdict], honest: bool) -> None:
    assert notices(CANARY, ran(tests), "t_ours") is honest


@pytest.mark.parametrize(
    ("broken", "alone", "enough"),
    [
        ({"t::a": F, "t::b": F}, {"t::a": P, "t::b": P}, True),
        ({"t::a": F, "t::b": P}, {"t::a": P, "t::b": P}, True),  # only a few of a file are made to fail
        ({"t::a": F}, {"t::a": P, "t::b": P}, False),  # the first failure ends the run: a run of all would be cut short
        ({"t::a": P, "t::b": P}, {"t::a": P, "t::b": P}, False),
        ({"t": F}, {"t::a": P, "t::b": P}, False),  # could not be loaded: what that does to a run of all is not known
        ({"t::a": F, "t::b": F}, {"t::a": P, "t::b": F}, False),  # one only passes behind the tests of other files
        ({"a": F, "b": F}, {"a": P, "b": P}, False),  # other names than in a run of all
        ({}, {}, False),
    ],
)
def test_a_canary_is_known_from_its_own_tests(
    broken: dict[str, Verdict], alone: dict[str, Verdict], enough: bool
) -> None:
    assert noticed_alone(replace(CANARY, canary_fails=()), ran(broken), ran(alone)) is enough


def test_of_a_canary_that_is_run_alone_only_what_says_the_same_there_is_heard() -> None:
    known = replace(CANARY, failing=("t::bad",))
    alone = ran({"t::a": P, "t::b": F, "t::bad": F, "t::c": S})
    assert told_alone(known, alone) == ("t::a", "t::bad", "t::c")


def test_what_fails_because_of_the_canary() -> None:
    known = replace(CANARY, stable=("t::a", "t::b[1]", "t::c", "t::d"), canary_fails=())
    seen = ran({"t::a": F, "t::b[1]": F, "t::c": F, "t::d": P})
    assert canary_fails(known, seen, ["a", "b", "d"]) == ("t::a", "t::b[1]")


def test_regressions_by_exit_code() -> None:
    known = baseline([ended(0)])
    assert regressions(known, ended(0)) == ()
    assert regressions(known, ended(1)) == (COMMAND,)
    assert regressions(known, ended(0, timed_out=True)) == (COMMAND,)
    assert shortfall(known, ended(1)) == ""


def test_the_command_itself_regresses_when_it_was_clean() -> None:
    dirty = report(COMMAND, exit_code=1, seconds=1.0, output="", documents=[junit(suite(case("a")))])
    clean = report(COMMAND, exit_code=0, seconds=1.0, output="", documents=[junit(suite(case("a")))])
    assert regressions(baseline([clean, clean]), dirty) == (COMMAND,)
    assert regressions(baseline([dirty, dirty]), dirty) == ()


VERDICTS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(Verdict), max_size=6)


@settings(deadline=None)
@given(runs=st.lists(VERDICTS, min_size=1, max_size=4))
def test_a_baseline_never_regresses_against_itself(runs: list[dict[str, Verdict]]) -> None:
    reports = [ran(tests) for tests in runs]
    assert all(regressions(baseline(reports), again) == () for again in reports)


@settings(deadline=None)
@given(runs=st.lists(VERDICTS, min_size=1, max_size=4), seen=VERDICTS, worse=st.sampled_from("abcdef"))
def test_a_worse_verdict_never_lessens_regressions(
    runs: list[dict[str, Verdict]], seen: dict[str, Verdict], worse: str
) -> None:
    known = baseline([ran(tests) for tests in runs])
    assert set(regressions(known, ran(seen))) <= set(regressions(known, ran({**seen, worse: F})))


def test_tests_that_the_change_repairs() -> None:
    known = Baseline(COMMAND, True, stable=("a",), failing=("bad", "worse"), flaky=("flaky",))
    assert fixed(known, ran({"a": P, "bad": P, "worse": F, "flaky": P})) == ("bad",)


KNOWN = Baseline(COMMAND, True, stable=("a", "b"), failing=("bad",), flaky=("flaky",))


@pytest.mark.parametrize(
    ("without", "with_change", "said"),
    [
        (ran({"new": F}), ran({"new": P}), OwnTests(False, True)),
        (ran({"new": P}), ran({"new": P}), OwnTests(True, True)),
        (ran({"new": F}), ran({"new": F}), OwnTests(None, False)),
        (ran({"new": F, "two": P}), ran({"new": P, "two": F}), OwnTests(False, False)),
        (ran({"new": F, "two": S}), ran({"new": P, "two": S}), OwnTests(False, True)),
        (ran({"new": S}), ran({"new": S}), OwnTests(None, False)),
        # an existing test with a new expectation
        (ran({"a": F, "b": P}), ran({"a": P, "b": P}), OwnTests(False, True)),
        # nothing new in the files it touched; breaking `b` is a regression, not a failure of its own tests
        (ran({"a": P, "b": P}), ran({"a": P, "b": F}), OwnTests(True, True)),
        # could not be loaded on the base commit
        (ran({"::tests.test_a": F}), ran({"new": P, "a": P}), OwnTests(None, True)),
        (ended(2), ran({"new": P}), OwnTests(None, True)),
        # a coverage threshold, which a few files cannot reach
        (ran({"new": F}), ran({"new": P, COMMAND: F}), OwnTests(False, True)),
        (ran({"new": P, COMMAND: F}), ran({"new": P, COMMAND: F}), OwnTests(True, True)),
        # crashed, or wrote nothing, with the change
        (ran({"new": F}), ended(0), OwnTests(None, False)),
        # what fails or flickers anyway says nothing
        (ran({"bad": F, "flaky": F, "a": P}), ran({"bad": P, "flaky": P, "a": P}), OwnTests(True, True)),
    ],
)
def test_own_tests(without: TestReport, with_change: TestReport, said: OwnTests) -> None:
    assert own_tests(KNOWN, (), without, with_change) == said


def test_a_rewritten_test_whose_old_version_fails_shows_nothing() -> None:
    assert own_tests(KNOWN, ("a",), ran({"a": F}), ran({"a": P})) == OwnTests(None, True)
    assert own_tests(KNOWN, ("a",), ran({"a": F, "new": F}), ran({"a": P, "new": P})) == OwnTests(False, True)


@pytest.mark.parametrize(
    ("without", "with_change", "said"),
    [
        (ended(1), ended(0), OwnTests(False, True)),
        (ended(0), ended(0), OwnTests(True, True)),
        (ended(1), ended(1), OwnTests(False, False)),
        (ended(0, timed_out=True), ended(0), OwnTests(False, True)),
    ],
)
def test_own_tests_by_exit_code(without: TestReport, with_change: TestReport, said: OwnTests) -> None:
    assert own_tests(baseline([ended(0)]), (), without, with_change) == said
    assert own_tests(baseline([ended(1)]), (), without, with_change) == OwnTests(None, None)


def test_what_is_kept_of_the_output_is_what_a_terminal_would_show() -> None:
    seen = report("make", exit_code=1, seconds=1.0, output="\x1b[31m 10 %\r100 %\x1b[0m\nfailed\n")
    assert seen.tail == "100 %\nfailed\n"
