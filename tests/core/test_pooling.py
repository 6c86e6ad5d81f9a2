"""What is gathered into the pool, and what a case of it is."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.evidence.controls import Contents
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.evidence.pooling import (
    LEAST_SECONDS,
    MOST_CASES,
    MOST_ENTRIES,
    Brought,
    Entry,
    gather,
    holds_only_fixtures,
    may_come_along,
    narrowed,
    pooled,
    red,
    script_report,
    seconds_allowed,
)
from bot.core.model import Baseline, Evidence, RunId, Script, TestReport, Verdict
from tests.core.facts import NOW, decided, run

A, B, C = RunId("a"), RunId("b"), RunId("c")
PYTEST = Baseline("pytest -q", per_test=True, stable=("t::old",), failing=("t::known",), flaky=("t::odd",))


def files(**texts: str) -> Contents:
    return {path: (text.encode(), "100644") for path, text in texts.items()}


def brought(run: RunId, tests: Contents, *scripts: Script, on_base: bool | None = False) -> Brought:
    evidence = Evidence(run, own_tests_on_base=on_base, own_tests_on_candidate=True if tests else None)
    return Brought(run, run.upper(), evidence, tests, scripts)


_CONTROL = r"_[0-9a-f]{8}\.py"


def own_files(entry: Entry) -> list[str]:
    return sorted(path for path in entry.files if not re.search(_CONTROL, path))


def own_command(entry: Entry) -> str:
    """Without our controls."""
    return re.sub(rf" \S*{_CONTROL}|^.* exit \d+; ", "", entry.command)


def test_tests_come_before_scripts_and_everybody_has_a_turn() -> None:
    one, two, three = (Script(f"{n}.py", f"{n}/0") for n in (1, 2, 3))
    unseen = brought(A, files(**{"tests/test_a.py": "1"}), one, two, on_base=None)
    flips = brought(B, files(**{"tests/test_b.py": "2", "tests/data/b.json": "{}"}), three)
    found = gather([unseen, flips], [A, B], PYTEST)
    assert [(entry.key, entry.group, own_files(entry), own_command(entry)) for entry in found] == [
        ("b-tests", "B's tests", ["tests/data/b.json", "tests/test_b.py"], "pytest -q ./tests/test_b.py"),
        ("a-tests", "A's tests", ["tests/test_a.py"], "pytest -q ./tests/test_a.py"),
        ("b-script-1", "B's script 3.py", ["3.py"], "python3 ./3.py"),
        ("a-script-1", "A's script 1.py", ["1.py"], "python3 ./1.py"),
        ("a-script-2", "A's script 2.py", ["2.py"], "python3 ./2.py"),
    ]


def test_what_was_written_from_the_issue_alone_comes_first_and_one_candidate_is_enough() -> None:
    written = [Script("tests/test_issue.py", "1"), Script("tests/test_more.py", "2")]
    own = brought(A, files(**{"tests/test_a.py": "1"}))
    found = gather([own], [A, B], PYTEST, written)
    assert [(entry.key, entry.origin, entry.author, own_command(entry)) for entry in found] == [
        ("issue-tests-1", Origin.ISSUE, None, "pytest -q ./tests/test_issue.py"),
        ("issue-tests-2", Origin.ISSUE, None, "pytest -q ./tests/test_more.py"),
        ("a-tests", Origin.CANDIDATE, A, "pytest -q ./tests/test_a.py"),
    ]
    assert all(entry.control for entry in found)
    assert [entry.key for entry in gather([own], [A], PYTEST, written)] == ["issue-tests-1", "issue-tests-2"]
    assert gather([own], [], PYTEST, written) == ()
    assert gather([own], [A], replace(PYTEST, command=None), written) == ()


@pytest.mark.parametrize(
    ("given", "tried", "keys"),
    [
        ([brought(A, files(**{"test_x.py": "1"}))], [A], []),
        ([brought(A, files(**{"test_x.py": "1"}))], [B], ["a-tests"]),
        ([brought(A, files(**{"test_x.py": "1"}), on_base=True)], [A, B], []),
        ([brought(A, files(**{"conftest.py": "1", "data/x.json": "1"}))], [A, B], []),
        ([brought(r, files(**{"test_x.py": "1"})) for r in (A, B)], [A, B], ["a-tests"]),
        ([brought(r, files(**{"test_x.py": "1", f"test_{r}.py": r})) for r in (A, B)], [A, B], ["a-tests", "b-tests"]),
        ([brought(r, {}, Script(f"{r}.py", "1/0")) for r in (A, B)], [A, B], ["a-script-1"]),
        ([brought(A, files(**{"repro.py": ""}), Script("repro.py", "1/0"))], [A, B], []),
        ([brought(A, {}, Script("repro.ts", "x"))], [A, B], []),
    ],
)
def test_what_is_worth_running(given: list[Brought], tried: list[RunId], keys: list[str]) -> None:
    assert [entry.key for entry in gather(given, tried, PYTEST)] == keys


def test_a_file_that_was_brought_before_is_run_once() -> None:
    both = [brought(r, files(**{"test_x.py": "1", f"test_{r}.py": r})) for r in (A, B)]
    assert [own_command(entry) for entry in gather(both, [A, B], PYTEST)] == [
        "pytest -q ./test_x.py ./test_a.py",
        "pytest -q ./test_b.py",
    ]


def test_there_is_an_end() -> None:
    many = [brought(RunId(f"r{n}"), {}, *(Script(f"s{m}.py", f"{n}/{m}") for m in range(4))) for n in range(8)]
    assert len(gather(many, [A], PYTEST)) == MOST_ENTRIES


@pytest.mark.parametrize(
    ("path", "comes"),
    [
        ("tests/test_a.py", True),
        ("tests/helper.py", True),
        ("tests/data/a.json", True),
        ("pytest.ini", False),
        ("tests/package.json", False),
        ("tests/jest.config.js", False),
        ("tests/spec_helper.rb", False),
        ("tests/conftest.py", True),
    ],
)
def test_what_may_come_along(path: str, comes: bool) -> None:
    assert may_come_along(path, b"") is comes


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("", True),
        ("'''Fixtures.'''\nimport pytest\n@pytest.fixture\ndef a():\n    return 1\n", True),
        ("from pytest import fixture\n@fixture(scope='module', params=[1])\nasync def a(): ...\n", True),
        ("@pytest.fixture(autouse=True)\ndef a(): ...\n", False),
        ("def pytest_runtest_makereport(item, call): ...\n", False),
        ("@pytest.fixture\ndef pytest_collection_modifyitems(items): ...\n", False),
        ("@pytest.hookimpl\ndef x(): ...\n", False),
        ("from tests.hooks import pytest_runtest_makereport\n", False),
        ("from tests.hooks import hook as pytest_runtest_makereport\n", False),
        ("from tests.hooks import *\n", False),
        ("collect_ignore = ['test_a.py']\n", False),
        ("pytest_plugins = ['tests.hooks']\n", False),
        ("import sys; sys.exit(0)\n", False),
        ("def broken(:\n", False),
        ("\0", False),
        ("(" * 5000, False),
        ("#" * 30_000, False),
    ],
)
def test_a_conftest_that_holds_only_fixtures(text: str, harmless: bool) -> None:
    assert holds_only_fixtures(text.encode()) is harmless


@given(st.binary(max_size=300))
def test_no_conftest_is_too_odd(content: bytes) -> None:
    holds_only_fixtures(content)


# ------------------------------------------------------------------------------------------------------- what was seen

P, F, S = Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED
ENTRY = Entry("a-tests", "A's tests", Origin.CANDIDATE, A, files(**{"test_x.py": "1"}), "pytest ./test_x.py")
GUARDED = replace(
    ENTRY,
    files=files(**{"test_x.py": "1", "test_x_ours.py": "1"}),
    command="pytest ./test_x.py ./test_x_ours.py",
    control="test_x_ours",
)
SCRIPT = Entry(
    "a-script-1", "A's script repro.py", Origin.SCRIPT, A, files(**{"repro.py": "1"}), "python3 ./repro.py", "repro.py"
)


def report(
    tests: dict[str, Verdict], *, per_test: bool = True, exit_code: int = 1, timed_out: bool = False
) -> TestReport:
    return TestReport(ENTRY.command, exit_code, tests, per_test, 1.0, timed_out=timed_out)


KNOWN = report({"t::known": F, "t::odd": F, "t::old": F})
WHOLE = report({ENTRY.command: F}, per_test=False)


def ended(exit_code: int, *, timed_out: bool = False) -> TestReport:
    return script_report(SCRIPT, exit_code=exit_code, seconds=1.0, timed_out=timed_out)


@pytest.mark.parametrize(
    ("entry", "first", "second", "names"),
    [
        (ENTRY, report({"x": F, "y": F, "z": P}), report({"x": F, "y": P, "z": F}), ("x",)),
        (ENTRY, report({"x": F}), report({}), ()),
        (ENTRY, KNOWN, KNOWN, ("t::old",)),
        (ENTRY, report({ENTRY.command: F, "x": P}), report({ENTRY.command: F, "x": P}), ()),
        (ENTRY, WHOLE, WHOLE, (ENTRY.command,)),
        (ENTRY, report({"x": F}), WHOLE, ()),
        (ENTRY, report({"x": F}), report({"x": F}, timed_out=True), ()),
        (SCRIPT, ended(1), ended(1), ("repro.py",)),
        (SCRIPT, ended(0), ended(0), ()),
        (SCRIPT, ended(1), ended(2), ()),
        (SCRIPT, ended(127), ended(127), ()),
        (SCRIPT, ended(1, timed_out=True), ended(1, timed_out=True), ()),
    ],
)  # fmt: skip
def test_red_is_twice_and_the_same_way(
    entry: Entry, first: TestReport, second: TestReport, names: tuple[str, ...]
) -> None:
    assert red(entry, PYTEST, first, second) == names


@pytest.mark.parametrize(
    ("entry", "names", "command"),
    [
        (GUARDED, ["test_x::a", "test_x.B::b[1]"], "pytest -q ./test_x.py::a ./test_x.py::B::b ./test_x_ours.py::y"),
        (GUARDED, ["odd", "test_x::a"], "pytest ./test_x.py ./test_x_ours.py"),
        (replace(GUARDED, control=""), ["test_x::a"], "pytest ./test_x.py ./test_x_ours.py"),
    ],
)
def test_on_candidates_only_red_cases_are_run_and_the_controls_that_fail(
    entry: Entry, names: list[str], command: str
) -> None:
    base = report({"test_x::a": F, "test_x::z": P, "test_x_ours::y": F, "test_x_ours::z": P})
    assert narrowed(entry, PYTEST, names, base) == replace(entry, command=command)
    assert narrowed(entry, replace(PYTEST, command="tox"), names, base) == entry


def test_whatever_does_not_pass_has_failed_and_who_was_not_seen_is_in_neither() -> None:
    base = report({"x": F, "y": F})
    seen = {A: report({"x": P, "y": F}), B: report({"x": S}), C: None}
    assert pooled(ENTRY, (base, base), ("x", "y"), seen) == (
        PooledTest("x", Origin.CANDIDATE, A, (A,), (B,), "A's tests"),
    )


def test_where_our_own_test_does_not_fail_nothing_is_believed() -> None:
    entry = replace(ENTRY, control="test_ours")
    base = report({"x": F, "t.test_ours::x": F, "t.test_ours.Of::y": F, "t.test_ours::odd": F})
    again = report({"x": F, "t.test_ours::x": F, "t.test_ours.Of::y": F})
    seen = {
        A: report({"x": P, "t.test_ours::x": F, "t.test_ours.Of::y": F}),
        B: report({"x": P, "t.test_ours::x": F, "t.test_ours.Of::y": P}),
        C: report({"x": P}),
    }
    assert red(entry, PYTEST, base, again) == ("x",)
    [test] = pooled(entry, (base, again), ("x",), seen)
    assert (test.passed_by, test.failed_by) == ((A,), (B, C))


def test_our_own_tests_are_known_whatever_time_of_day_their_cases_are_named_by() -> None:
    """`@pytest.mark.parametrize("value", [datetime.now(), …])`: no two runs name the same cases."""
    entry = replace(ENTRY, control="test_ours")
    base = report({"x": F, "t.test_ours::y[12:00:01]": F, "t.test_ours::z": P})
    seen = {
        A: report({"x": P, "t.test_ours::y[12:00:07]": F, "t.test_ours::z": P}),
        B: report({"x": P, "t.test_ours::y[12:00:08]": F, "t.test_ours::y[12:00:09]": P}),
        C: report({"x": P, "t.test_ours::y[12:00:08]": P}),
    }
    [test] = pooled(entry, (base, base), ("x",), seen)
    assert (test.passed_by, test.failed_by) == ((A,), (B, C))


def test_a_new_test_in_a_long_file_flips_in_its_copy_too() -> None:
    """Only a few tests of the copy are made to fail; the new one, far behind them, is red in both and green in both."""
    entry = replace(ENTRY, control="test_shop_0a1b2c3d")
    base = report({"t.test_shop::old": P, "t.test_shop::new": F, f"t.{entry.control}::old": F,
                   f"t.{entry.control}::new": F})  # fmt: skip
    seen = {
        A: report({"t.test_shop::new": P, f"t.{entry.control}::old": F, f"t.{entry.control}::new": P}),
        B: report({"t.test_shop::new": P, f"t.{entry.control}::old": P, f"t.{entry.control}::new": P}),
    }
    [test] = pooled(entry, (base, base), ("t.test_shop::new",), seen)
    assert (test.passed_by, test.failed_by) == ((A,), (B,))


def test_where_it_is_not_run_on_the_base_commit_either_it_says_nothing() -> None:
    base = report({"x": F})
    [test] = pooled(replace(ENTRY, control="test_ours"), (base, base), ("x",), {A: report({"x": P})})
    assert test.passed_by == (A,)


def test_where_single_tests_are_not_told_the_exit_code_speaks() -> None:
    base = report({ENTRY.command: F}, per_test=False)
    seen = {
        A: report({ENTRY.command: P}, per_test=False, exit_code=0),
        B: report({ENTRY.command: F}, per_test=False, exit_code=0, timed_out=True),
    }
    [test] = pooled(ENTRY, (base, base), (ENTRY.command,), seen)
    assert (test.passed_by, test.failed_by) == ((A,), (B,))


def test_a_hostile_number_of_cases_is_cut() -> None:
    names = [f"x{number}" for number in range(1000)]
    base, green = report(dict.fromkeys(names, F)), report(dict.fromkeys(names, P))
    assert len(pooled(ENTRY, (base, base), names, {A: green})) == MOST_CASES


@pytest.mark.parametrize(("minutes", "seconds"), [(0, LEAST_SECONDS), (7, LEAST_SECONDS), (20, 600.0)])
def test_it_takes_half_of_what_the_runs_took(minutes: int, seconds: float) -> None:
    first = replace(run(1), started_at=NOW, completed_at=NOW + timedelta(minutes=minutes / 2))
    second = replace(run(2), started_at=NOW, completed_at=NOW + timedelta(minutes=minutes))
    assert seconds_allowed(replace(decided(), runs=(first, second, run(3)))) == seconds
