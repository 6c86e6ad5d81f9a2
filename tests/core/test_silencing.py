"""Tests that a candidate keeps from running, as its own tree's report shows them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.evidence.silencing import gone_tests, may_silence_others, named, silenced
from bot.core.model import Baseline, Candidate, ChangeKind, FileChange, RunId, TestReport, Verdict

P, F, S = Verdict.PASSED, Verdict.FAILED, Verdict.SKIPPED
BASE = Baseline(
    "pytest", per_test=True, stable=("t.a::one", "t.a::two[1]", "t.a::two[2]", "t.b::three"), failing=("t.a::old",)
)
ALL = dict.fromkeys(BASE.stable, P)


def without(*names: str) -> dict[str, Verdict]:
    return {name: seen for name, seen in ALL.items() if name not in names}


def report(tests: dict[str, Verdict], *, per_test: bool = True, timed_out: bool = False) -> TestReport:
    return TestReport("pytest", 0, tests, per_test, 1.0, timed_out=timed_out)


@pytest.mark.parametrize(
    ("tests", "gone", "names"),
    [
        (ALL, (), ()),
        (ALL | {"t.a::one": F}, (), ()),
        (ALL | {"t.a::one": S}, (), ("t.a::one",)),
        (ALL | {"t.a::new": S, "t.a::old": S}, (), ()),
        (without("t.a::one"), (), ("t.a::one",)),
        (without("t.b::three"), (), ("t.b::three",)),
        (without("t.a::one"), ("one",), ()),
        (without("t.a::one") | {"t.new::one": P}, (), ()),
        (without("t.a::two[2]"), (), ()),
        (without("t.a::two[2]", "t.a::two[1]"), (), ("t.a::two[1]", "t.a::two[2]")),
        (without("t.b::three") | {"::t.b": F}, (), ()),
    ],
    ids=[
        "all run", "one fails", "skipped", "others are skipped", "missing", "a file is missing", "renamed", "moved",
        "another parameter", "no parameter is left", "not loaded",
    ],
)  # fmt: skip
def test_silenced(tests: dict[str, Verdict], gone: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert silenced(BASE, report(tests), gone, whole=True) == names


def test_of_some_files_only_what_was_heard_of_counts() -> None:
    some = {name: seen for name, seen in without("t.a::one").items() if name.startswith("t.a")}
    assert silenced(BASE, report(some), (), whole=False) == ("t.a::one",)
    assert silenced(BASE, report({}), (), whole=False) == ()


@pytest.mark.parametrize("seen", [report({"pytest": F}, per_test=False), report({"t.a::one": P}, timed_out=True)])
def test_a_run_that_says_nothing_is_held_against_nobody(seen: TestReport) -> None:
    assert silenced(BASE, seen, (), whole=True) == ()


@pytest.mark.parametrize(
    ("path", "may"),
    [
        ("conftest.py", True),
        ("pytest.ini", True),
        ("package.json", True),
        ("Makefile", True),
        ("tests/__init__.py", True),
        ("tests/test_a.py", False),
        ("src/a.py", False),
    ],
)
def test_what_may_silence_others(path: str, may: bool) -> None:
    change = FileChange(path, ChangeKind.MODIFIED, "100644", "100644", None, 1, 1, 0)
    assert may_silence_others([change]) is may


def test_tests_that_are_gone() -> None:
    patch = (
        "diff --git a/tests/test_a.py b/tests/test_a.py\n--- a/tests/test_a.py\n+++ b/tests/test_a.py\n"
        "@@ -1,3 +1,3 @@\n-def test_one():\n-def test_moved():\n+def test_new():\n x\n"
        "diff --git a/tests/test_b.py b/tests/test_b.py\n--- a/tests/test_b.py\n+++ b/tests/test_b.py\n"
        "@@ -1 +1,2 @@\n x\n+def test_moved():\n"
    )
    assert gone_tests(Candidate(RunId("r"), patch, ())) == {"test_one"}


def test_many_names_are_counted() -> None:
    assert named(["a", "b", "c"]) == "a, b, c"
    assert named(["a", "b", "c", "d", "e"]) == "a, b, c and 2 more"


@given(st.lists(st.text(max_size=20)), st.dictionaries(st.text(max_size=20), st.sampled_from(Verdict)), st.booleans())
def test_no_name_is_too_odd(stable: list[str], tests: dict[str, Verdict], whole: bool) -> None:
    found = silenced(Baseline("x", per_test=True, stable=tuple(stable)), report(tests), ("",), whole=whole)
    assert set(found) <= set(stable)


def test_of_a_runner_that_calls_all_files_alike_a_part_says_nothing_about_the_others() -> None:
    known = Baseline("node --test", True, stable=("test::of one file", "test::of another"))
    part = TestReport("node --test a.js", 0, {"test::of one file": Verdict.PASSED}, True, 1.0)
    assert silenced(known, part, (), whole=False) == ()
    assert silenced(known, part, (), whole=True) == ("test::of another",)
