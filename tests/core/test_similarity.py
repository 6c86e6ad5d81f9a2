"""Whether two candidates made the same change."""

import difflib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.model import Candidate, Evidence, Gate, GateFailure, RunId
from bot.core.similarity import AGREES, agreement, with_agreement

BASE = """def mean(values):
    total = 0
    for value in values:
        total += value
    return total / len(values)
"""
A, B, C = RunId("s-r1"), RunId("s-r2"), RunId("s-r3")


def patch(new: str, path: str = "app/stats.py", old: str = BASE) -> str:
    """As git writes it."""
    lines = difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"a/{path}", f"b/{path}")
    return f"diff --git a/{path} b/{path}\nindex 1111111..2222222 100644\n{''.join(lines)}"


def new_file(text: str, path: str) -> str:
    body = "".join(f"+{line}\n" for line in text.splitlines())
    count = len(text.splitlines())
    return (
        f"diff --git a/{path} b/{path}\nnew file mode 100644\nindex 0000000..1111111\n"
        f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{count} @@\n{body}"
    )


GUARD = BASE.replace("    total = 0\n", "    if not values:\n        return 0.0\n    total = 0\n")
GUARD_PATCH = patch(GUARD)


@pytest.mark.parametrize(
    "other",
    [
        GUARD_PATCH,
        patch(GUARD.replace("if not values:", "if  not values :  # nothing to add up")),
        patch(GUARD.replace("    if not", "    # an empty list has no mean\n    if not")),
        GUARD_PATCH + new_file("def test_empty():\n    assert mean([]) == 0.0\n", "tests/test_stats.py"),
        new_file("def test_empty():\n    assert mean([]) == 0.0\n", "tests/test_a.py") + GUARD_PATCH,
        GUARD_PATCH + "diff --git a/x.png b/x.png\nnew file mode 100644\nGIT binary patch\nliteral 3\nKcmZ\n\n",
    ],
)
def test_the_same_change(other: str) -> None:
    assert agreement(GUARD_PATCH, other) == 1.0


@pytest.mark.parametrize(
    "other",
    [
        "",
        patch(GUARD, path="app/other.py"),
        patch(BASE.replace("/ len(values)", "/ max(len(values), 1)")),
        patch(BASE.replace("    total = 0\n", "    if values == [1, 2]:\n        return 1.5\n    total = 0\n")),
        patch(BASE.replace("    total = 0\n", "    raise NotImplementedError\n")),
        new_file("if not values:\n    return 0.0\n", "tests/test_stats.py"),
    ],
)
def test_another_change(other: str) -> None:
    assert agreement(GUARD_PATCH, other) < AGREES
    assert agreement(GUARD_PATCH, other) == agreement(other, GUARD_PATCH)


def test_what_both_remove_does_not_make_them_agree() -> None:
    old = BASE + "x = compute(first, second, third, fourth, fifth)\n"
    one = patch(old.replace("x = compute(first, second, third, fourth, fifth)", "x = None"), old=old)
    other = patch(old.replace("x = compute(first, second, third, fourth, fifth)", "y = 42"), old=old)
    assert agreement(one, other) < AGREES


def test_a_name_of_its_own_still_agrees() -> None:
    long = BASE.replace(
        "    total = 0\n", "    size = len(values)\n    if size == 0:\n        raise ValueError('no values')\n"
    )
    assert AGREES <= agreement(patch(long), patch(long.replace("'no values'", "'empty'"))) < 1.0


@pytest.mark.parametrize(
    ("path", "one", "other"),
    [
        ("a.c", "#include <math.h>\n", "#include <time.h>\n"),
        ("a.py", 'url = "http://a"\n', 'url = "http://b"\n'),
        ("a.py", "name = '#one'\n", "name = '#two'\n"),
        ("a.js", "const u = 'x//1';\n", "const u = 'x//2';\n"),
    ],
)
def test_what_only_looks_like_a_comment_counts(path: str, one: str, other: str) -> None:
    assert agreement(new_file(one, path), new_file(other, path)) < 1.0


@pytest.mark.parametrize(
    ("path", "comment"),
    [("a.py", "x = 1  # why"), ("a.js", "x = 1 // why"), ("a.c", "x = 1 /* why */"), ("a.rb", "x = 1 # why")],
)
def test_comments_do_not_count(path: str, comment: str) -> None:
    assert agreement(new_file("x = 1\n", path), new_file(comment + "\n", path)) == 1.0


def test_lines_that_look_like_headers_are_lines() -> None:
    one = new_file("++ b/tests/test_x.py\nreal = 1\n", "a.py")
    assert agreement(one, new_file("real = 1\n", "a.py")) not in (0.0, 1.0)


@pytest.mark.parametrize("empty", ["", "diff --git a/a b/b\nsimilarity index 100%\nrename from a\nrename to b\n"])
def test_nothing_agrees_with_nothing(empty: str) -> None:
    assert agreement(empty, empty) == 0.0
    only_tests = new_file("def test_x(): ...\n", "tests/test_x.py")
    assert agreement(only_tests, only_tests) == 0.0


@settings(deadline=None)
@given(st.text(), st.text())
def test_any_text_is_compared(one: str, other: str) -> None:
    assert 0.0 <= agreement(one, other) <= 1.0
    assert 0.0 <= agreement(new_file(one, "a.py"), new_file(other, "a.py")) <= 1.0


@pytest.mark.parametrize("unit", ["x = 1\n", '\\"' * 50 + "\n", "/*" * 50 + "\n", "'" * 101 + "\n", "#" * 100 + "\n"])
def test_hostile_text_takes_time_proportional_to_its_size(unit: str) -> None:
    def seconds(times: int) -> float:
        text = new_file(unit * times, "a.js")
        before = time.process_time()
        agreement(text, text)
        return time.process_time() - before

    assert min(seconds(4000) for _ in range(3)) < 20 * min(seconds(400) for _ in range(3)) + 0.05


def candidate(run: RunId, text: str) -> Candidate:
    return Candidate(run, text, ())


def test_agreement_is_filled_in_for_those_that_pass_the_gates() -> None:
    out = Evidence(C, gate_failures=(GateFailure(Gate.SECRET, "a key"),))
    candidates = {run: candidate(run, GUARD_PATCH) for run in (A, B, C)}
    found = with_agreement([out, Evidence(B), Evidence(A)], candidates)
    assert [item.run for item in found] == [C, B, A]
    assert [(item.agreement, item.agrees_with) for item in found] == [(0.0, ()), (1.0, (A,)), (1.0, (B,))]


def test_a_candidate_that_stands_alone() -> None:
    other = patch(BASE.replace("/ len(values)", "/ max(len(values), 1)"))
    found = with_agreement([Evidence(A), Evidence(B)], {A: candidate(A, GUARD_PATCH), B: candidate(B, other)})
    assert all(item.agreement < AGREES and item.agrees_with == () for item in found)
    assert with_agreement([Evidence(A)], {A: candidate(A, GUARD_PATCH)}) == (Evidence(A),)
