"""Whether two candidates made the same change."""

import difflib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.candidate.similarity import AGREES, agreement, place, with_agreement
from bot.core.evidence.observations import Case
from bot.core.model import (
    Baseline,
    Candidate,
    Evidence,
    Experiment,
    Gate,
    GateFailure,
    Likeness,
    ModelSpec,
    RunFacts,
    RunId,
    SolveId,
    Strategy,
)

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


# ------------------------------------------------------------------------------------------------------ where it is

LONG = "".join(f"line {number}\n" for number in range(1, 41))


def edited(*numbers: int, text: str = "other") -> str:
    lines = LONG.splitlines(keepends=True)
    return patch("".join(f"{text}\n" if n in numbers else line for n, line in enumerate(lines, 1)), old=LONG)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (edited(10), edited(10, text="more"), 1.0),  # lines 7 to 13, whatever is put there
        (edited(10), edited(12), 5 / 9),  # 7 to 13 and 9 to 15
        (edited(10), edited(30), 0.0),
        (edited(10), edited(10, 30), 7 / 14),
        (edited(10), edited(10) + new_file("def test_x(): ...\n", "tests/test_x.py"), 1.0),
        (edited(10), patch(LONG.replace("line 10\n", "other\n"), path="app/b.py", old=LONG), 0.0),
        (new_file("x = 1\n", "a.py"), new_file("y = 2\n", "a.py"), 1.0),
        (new_file("x = 1\n", "a.py"), new_file("x = 1\n", "b.py"), 0.0),
        (edited(10), "", 0.0),
        (edited(10), "diff --git a/x b/x\n@@ -9999999999,1 +1,1 @@\n-a\n+b\n", 0.0),
    ],
)
def test_whether_two_changes_are_made_in_one_place(one: str, other: str, expected: float) -> None:
    found = place(one, other)
    assert found == pytest.approx(expected) or expected == 0.0 == found
    assert place(other, one) == found


def test_a_header_that_promises_more_lines_than_there_are_covers_those_that_are_there() -> None:
    boasting = "diff --git a/a.py b/a.py\n@@ -1,999999999 +1,1 @@\n-x = 1\n+x = 2\n"
    assert place(boasting, "diff --git a/a.py b/a.py\n@@ -1,2 +1,2 @@\n-x = 1\n y = 1\n+x = 3\n") == 0.5


@settings(deadline=None)
@given(st.text(), st.text())
def test_the_place_of_any_text_is_compared(one: str, other: str) -> None:
    assert 0.0 <= place(one, other) <= 1.0
    assert 0.0 <= place(new_file(one, "a.py"), new_file(other, "a.py")) <= 1.0


# ----------------------------------------------------------------------------------------------------- among the others

BASELINE = Baseline("t", stable=("t1", "t2", "t3", "t4", "t5"))


def case(*evidence: Evidence, models: str = "xxx") -> Case:
    runs = {}
    for index, (id, name) in enumerate(zip((A, B, C), models, strict=True), 1):
        spec = ModelSpec(name, "somewhere", name)
        runs[id] = RunFacts(id, SolveId("s"), Experiment(index, spec, None, Strategy.BASELINE, 100, 1.0))
    return Case(evidence, runs, BASELINE)


def compared(texts: dict[RunId, str], *evidence: Evidence, models: str = "xxx") -> dict[RunId, Evidence]:
    candidates = {run: Candidate(run, text, ()) for run, text in texts.items()}
    return {item.run: item for item in with_agreement(case(*evidence, models=models), candidates)}


def test_agreement_is_filled_in_for_those_that_are_not_broken() -> None:
    out = Evidence(C, gate_failures=(GateFailure(Gate.SECRET, "a key"),))
    found = compared(dict.fromkeys((A, B, C), GUARD_PATCH), out, Evidence(B), Evidence(A))
    assert list(found) == [C, B, A]
    assert found[C] == out
    for run, other in ((A, B), (B, A)):
        like = (Likeness(other, 1.0, 1.0),)
        assert found[run] == Evidence(run, agreement=1.0, agrees_with=(other,), place=1.0, token=1.0, likenesses=like)


def test_one_that_breaks_many_tests_is_no_witness() -> None:
    breaking = Evidence(C, regressions=("t1", "t2"), stable_passed=3, stable_total=5)
    found = compared(dict.fromkeys((A, C), GUARD_PATCH), Evidence(A), breaking)
    assert (found[A].place, found[A].agrees_with) == (0.0, ())


def test_a_candidate_that_stands_alone() -> None:
    other = patch(BASE.replace("/ len(values)", "/ max(len(values), 1)"))
    found = compared({A: GUARD_PATCH, B: other}, Evidence(A), Evidence(B))
    assert all(item.agreement < AGREES and item.agrees_with == () for item in found.values())
    assert compared({A: GUARD_PATCH}, Evidence(A)) == {A: Evidence(A)}


@pytest.mark.parametrize(
    ("models", "expected"),
    [("xxx", 0.5), ("xyz", 0.5), ("xyx", 1 / 1.4), ("xxy", 0.4 / 1.4)],
)
def test_agreement_with_another_model_counts_more(models: str, expected: float) -> None:
    texts = {A: edited(10), B: edited(10), C: edited(30)}
    found = compared(texts, *map(Evidence, texts), models=models)[A]
    assert found.place == pytest.approx(expected)
    assert (found.token > found.place) is (agreement(texts[A], texts[C]) > 0)


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        (GUARD_PATCH, False),
        (patch(BASE.replace("    total = 0\n", "    # handles rounding\n    total = 0\n")), True),
        (new_file("def test_x(): ...\n", "tests/test_x.py"), True),
        (new_file("\n\n", "app/new.py"), True),
    ],
)
def test_what_changes_nothing_but_comments_and_tests_is_told(text: str, inert: bool) -> None:
    found = compared({A: text, B: text}, Evidence(A), Evidence(B))[A]
    assert found.inert is inert
    assert (found.place, found.token) == ((0.0, 0.0) if inert else (1.0, 1.0))
