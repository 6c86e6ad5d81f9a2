"""Tests from the issue alone: when they are asked for, and what is taken of an answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.candidate.testfiles import is_test_file, sets_the_runner_up
from bot.core.evidence.issue_tests import (
    ANSWER_TOKENS,
    MOST_BYTES,
    MOST_FILES,
    affordable,
    example,
    files_of,
    is_worth_asking,
)
from bot.core.model import Baseline, Evidence, Gate, GateFailure, Limits, ModelSpec, Prices, Script, SolveFacts
from tests.core.facts import decided, run

KNOWN = ("src/app.py", "tests/test_app.py", "tests/data/x.json", "web/app.spec.ts", "setup.py")


def file(path: str, text: str = "assert True", fence: str = "````") -> str:
    return f"FILE: {path}\n{fence}python\n{text}\n{fence}\n"


@pytest.mark.parametrize(
    ("path", "taken"),
    [
        ("tests/test_new.py", True),
        ("tests/app_test.py", True),
        ("web/new.spec.ts", True),
        ("tests/test_app.py", False),  # is there
        ("tests/TEST_app.py", False),  # the same file on some disks
        ("tests/new/test_new.py", False),  # no tests there yet
        ("test_new.py", False),
        ("src/test_new.py", False),
        ("tests/conftest.py", False),
        ("tests/helper.py", False),
        ("tests/data/test_new.py", False),
        ("src/new.py", False),
        ("pytest.ini", False),
        ("package.json", False),
        (".github/workflows/test.py", False),
        ("tests/../tests/test_new.py", False),
        ("./tests/test_new.py", False),
        ("/tests/test_new.py", False),
        ("tests//test_new.py", False),
        ("tests/-test_x_test.py", False),
        ("tests/test_a;b.py", False),
        ("tests/test_$(x).py", False),
        ("tests/test_ä.py", False),
        ("`tests/test_new.py`", False),
    ],
)
def test_only_new_test_files_beside_others_are_taken(path: str, taken: bool) -> None:
    assert [script.path for script in files_of(file(path), KNOWN)] == ([path] if taken else [])


def test_where_there_are_no_tests_the_first_may_stand_anywhere() -> None:
    assert files_of(file("tests/test_new.py"), ["src/app.py"]) == (Script("tests/test_new.py", "assert True\n"),)


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        ("Here it is.\n\n" + file("tests/test_a.py", "a = 1\n\nb = 2") + "\nDone.", ["a = 1\n\nb = 2\n"]),
        ("FILE: tests/test_a.py\n\n```\nx\n```\n", ["x\n"]),
        (file("tests/test_a.py", "'''\n```\nx\n```\n'''"), ["'''\n```\nx\n```\n'''\n"]),
        (file("tests/test_a.py", "1") + file("tests/test_b.py", "2"), ["1\n", "2\n"]),
        (file("tests/test_a.py", "1") + file("tests/test_a.py", "2"), ["1\n"]),
        ("FILE: tests/test_a.py\n````\nhas no end", []),
        ("````\nhas no name\n````\n", []),
        (file("tests/test_a.py", "1") + "````\nwhose is this?\n````\n", ["1\n"]),
        (file("tests/test_a.py", " \n"), []),
        (file("tests/test_a.py", "FILE: tests/test_b.py"), ["FILE: tests/test_b.py\n"]),
        (file("tests/test_a.py").replace("\n", "\r\n"), ["assert True\n"]),
        ("", []),
    ],
)
def test_a_file_has_a_name_and_an_end(answer: str, texts: list[str]) -> None:
    assert [script.text for script in files_of(answer, KNOWN)] == texts


def test_there_is_an_end_to_what_is_taken() -> None:
    many = "".join(file(f"tests/test_{n}.py") for n in range(9))
    assert len(files_of(many, KNOWN)) == MOST_FILES
    assert files_of(file("tests/test_a.py", "ä" * (MOST_BYTES // 2)), KNOWN) == ()
    two = file("tests/test_a.py", "x" * (MOST_BYTES - 3)) + file("tests/test_b.py", "xx") + file("tests/test_c.py", "x")
    assert [script.path for script in files_of(two, KNOWN)] == ["tests/test_a.py", "tests/test_c.py"]


PIECES = st.sampled_from(
    [
        "FILE: ",
        "tests/test_a.py",
        "tests/conftest.py",
        "../",
        "````",
        "```",
        "\n",
        "\r",
        "\x00",
        "x",
        "\ud800",
        "\u2028",
    ]
)


@given(st.lists(PIECES, max_size=60).map("".join) | st.text(max_size=300))
def test_whatever_it_answers_nothing_but_tests_comes_of_it(answer: str) -> None:
    found = files_of(answer, KNOWN)
    assert len(found) <= MOST_FILES
    assert sum(len(script.text.encode("utf-8", "replace")) for script in found) <= MOST_BYTES
    for script in found:
        assert is_test_file(script.path)
        assert not sets_the_runner_up(script.path)
        assert script.path not in KNOWN


def test_a_long_answer_takes_no_long_time() -> None:
    assert files_of("FILE: a\n```\n" * 200_000, KNOWN) == ()
    assert files_of("`" * 1_000_000, KNOWN) == ()


@pytest.mark.parametrize(
    ("hits", "expected"),
    [
        ({}, "tests/test_app.py"),
        ({"size": {"web/app.spec.ts": 2, "tests/test_app.py": 1, "src/app.py": 9}}, "web/app.spec.ts"),
        ({"size": {"web/app.spec.ts": 2}, "name": {"tests/test_app.py": 3}}, "tests/test_app.py"),
    ],
)
def test_the_example_is_the_test_that_has_most_to_do_with_it(hits: dict[str, dict[str, int]], expected: str) -> None:
    assert example(KNOWN, hits) == expected
    assert example(["src/app.py"], hits) is None


BROKEN = Evidence(run(1).id, gate_failures=(GateFailure(Gate.EMPTY, ""),))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (decided(), True),
        (replace(decided(), runs=(run(1),)), True),
        (replace(decided(), runs=(run(1, evidence=BROKEN),)), False),
        (replace(decided(), runs=(run(1, evidence=None),)), False),
        (replace(decided(), baseline=None), False),
        (replace(decided(), baseline=Baseline(None, runnable=False)), False),
        (replace(decided(), baseline=Baseline("pytest", runnable=False)), False),
    ],
)
def test_tests_are_wanted_where_they_can_be_run_on_somebody(facts: SolveFacts, expected: bool) -> None:
    assert is_worth_asking(facts) is expected


@pytest.mark.parametrize(
    ("answer", "left", "expected"), [(0.049, 1.0, True), (0.051, 1.0, False), (0.02, 0.021, True), (0.02, 0.019, False)]
)
def test_it_stays_within_five_cents_and_what_is_left(answer: float, left: float, expected: bool) -> None:
    """`answer`: dollars for the longest."""
    facts = decided()
    model = ModelSpec("m", "p", "x/m", prices=Prices(0.0, answer / ANSWER_TOKENS * 1_000_000))
    assert affordable(model, 1000, replace(facts, limits=Limits(dollars=facts.dollars + left))) is expected
