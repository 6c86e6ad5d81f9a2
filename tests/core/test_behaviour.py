"""What candidates do with the same inputs, compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.evidence.behaviour import (
    EQUALS_ALL,
    Behaviour,
    Difference,
    Probed,
    alike,
    alone,
    cured,
    differences,
    pass_anything,
    shared_behaviour,
    telling,
    unchanged,
)
from bot.core.ids import RunId

A, B, C, D = (RunId(name) for name in "abcd")
ZERO, VALUE = "raises ZeroDivisionError", "raises ValueError"
PROBED = Probed(
    ("f(1, 1)", "f(1, 2)", "f(10, 20)", "f(2, 2)", "f(3)"),
    1,
    (ZERO, ZERO, ZERO, ZERO, "returns 3"),
    (
        Behaviour(A, ("returns [1]", VALUE, VALUE, "returns [2]", "returns 3")),
        Behaviour(B, ("returns [1]", "returns [1]", "returns [10]", "returns [1]", "returns 3")),
        Behaviour(C, (ZERO, ZERO, ZERO, ZERO, "returns 3")),
        Behaviour(D, ("returns [1]", VALUE, VALUE, "returns [2]", "returns 3")),
    ),
)


def test_those_that_do_the_same_everywhere_are_alike() -> None:
    assert telling(PROBED) == (0, 1, 2, 3)
    assert alike(PROBED) == ((A, D), (B,), (C,))


def test_what_an_error_says_is_worded_as_everybody_likes() -> None:
    said = tuple(f"{VALUE}: {number}" for number in range(2))
    probed = Probed(("f()",), 1, (f"{VALUE}: old",), (Behaviour(A, said[:1]), Behaviour(B, said[1:])))
    assert (alike(probed), telling(probed), unchanged(probed)) == (((A, B),), (), frozenset())
    assert differences(probed, A, B) == ()


def test_who_does_what_was_done_before_changes_nothing() -> None:
    assert unchanged(PROBED) == {C}


@pytest.mark.parametrize(("one", "other", "share"), [(A, D, 1.0), (A, B, 0.25), (A, C, 0.0), (A, RunId("x"), None)])
def test_shared_behaviour(one: RunId, other: RunId, share: float | None) -> None:
    assert shared_behaviour(PROBED, one, other) == share


@pytest.mark.parametrize(
    ("run", "issue", "share"),
    [(A, "ZeroDivisionError: division", 1.0), (C, "ZeroDivisionError", 0.0), (A, "It is wrong", None)],
)
def test_who_cures_the_error_that_the_issue_names(run: RunId, issue: str, share: float | None) -> None:
    assert cured(PROBED, run, issue) == share


@pytest.mark.parametrize(("run", "share"), [(A, 0.0), (B, 0.75), (C, 0.0), (RunId("x"), None)])
def test_who_does_what_nobody_else_does_is_alone(run: RunId, share: float | None) -> None:
    assert alone(PROBED, run) == share


def test_the_shortest_difference_of_each_kind() -> None:
    assert differences(PROBED, A, B) == (
        Difference("f(1, 2)", VALUE, "returns [1]", ZERO),
        Difference("f(2, 2)", "returns [2]", "returns [1]", ZERO),
    )
    assert differences(PROBED, A, D) == ()


_OUTCOMES = st.lists(st.sampled_from(["", "returns 1", "raises A", "raises "]), max_size=4).map(tuple)


@given(_OUTCOMES, _OUTCOMES, _OUTCOMES, st.integers(0, 5))
def test_nothing_that_is_missing_raises(base: tuple[str, ...], a: tuple[str, ...], b: tuple[str, ...], n: int) -> None:
    probed = Probed(("p", "q", "r"), n, base, (Behaviour(A, a), Behaviour(B, b)))
    alike(probed)
    unchanged(probed)
    differences(probed, A, B)
    shared_behaviour(probed, A, B)
    cured(probed, A, "A")
    alone(probed, A)


def test_who_returns_what_equals_everything_passes_anything() -> None:
    odd = f"returns {EQUALS_ALL}"
    seen = (Behaviour(A, (odd, "returns 2")), Behaviour(B, ("returns 1", odd)), Behaviour(C, ("", "returns 2")))
    assert pass_anything(Probed(("f(1)", "any()"), 1, ("returns 1", odd), seen)) == {A}
