"""Who is compared by whom, and what that is worth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.champion import decide
from bot.core.comparing import Answer, family, near_tie, stranger, vote
from bot.core.evidence import Case
from bot.core.model import Comparison, ModelSpec, Prices
from bot.core.odds import Beside
from bot.core.pool import PooledTest
from tests.core.test_choosing import judged
from tests.core.test_cross import IDS, case, pooled

A, B = IDS["A"], IDS["B"]


def pair(**changes: object) -> Case:
    """A and B differ in nothing; `changes` are those of the evidence of B."""
    c = judged(case("AB"), ())
    a, b = c.evidence
    return Case((a, replace(b, **changes)), c.runs, c.baseline)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("what", "c", "pool", "expected"),
    [
        ("nothing tells them apart", pair(), [], (A, B)),
        ("one is a little better", pair(place=0.8), [], (B, A)),
        ("one is much better", pair(place=0.95), [], None),
        ("one is broken", pair(regressions=("t1",), stable_passed=39), [], None),
        ("nearly the same change", pair(agrees_with=(A,)), [], (A, B)),  # of A nobody says so
        ("the same change", judged(case("AB", same_text=("AB",)), ()), [], None),
        ("the same change, yet a test tells them apart", judged(case("AB", same_text=("AB",)), ()),
         [pooled("A-B", "A"), pooled("B-A", "B")], (A, B)),
        ("both are unlikely", judged(case("AB"), (), place=0.0), [], None),
        ("there is one", judged(case("A"), ()), [], None),
    ],
)  # fmt: skip
def test_only_near_ties_are_compared(what: str, c: Case, pool: list[PooledTest], expected: object) -> None:
    assert near_tie(c, pool) == expected, what


@pytest.mark.parametrize(
    ("forward", "backward", "preferred"),
    [
        (Answer.FIRST, Answer.SECOND, A),
        (Answer.SECOND, Answer.FIRST, B),
        (Answer.FIRST, Answer.FIRST, None),
        (Answer.SECOND, Answer.SECOND, None),
        (Answer.FIRST, Answer.NEITHER, None),
        (Answer.NEITHER, Answer.NEITHER, None),
    ],
)
def test_who_disagrees_with_itself_has_no_vote(forward: Answer, backward: Answer, preferred: object) -> None:
    found = vote((A, B), forward, backward, "judge")
    assert (found.preferred if found else None) == preferred
    assert found is None or {found.preferred, found.other} == {A, B}


def test_its_word_is_worth_one_unit_and_is_told() -> None:
    said = Beside(comparison=Comparison(B, A, "judge"))
    near, far = pair(place=0.3), pair(place=0.03)  # 0.44 and 1.03 of log-odds behind
    for c, winner in ((near, B), (far, A)):
        assert decide(c.evidence, c.runs, c.baseline, beside=said, trust=0.0).champion == winner
    told = decide(near.evidence, near.runs, near.baseline, beside=said, trust=0.0)
    assert told.reasons[-1] == "Chosen over A: a model that read both, in both orders, prefers it to A."


def model(name: str, model_id: str, price: float | None = 1.0, *, is_active: bool = True) -> ModelSpec:
    return ModelSpec(name, "p", model_id, prices=None if price is None else Prices(price, price), is_active=is_active)


@pytest.mark.parametrize(
    ("catalogue", "expected"),
    [
        ([model("a", "x/a"), model("b", "y/b", 2.0), model("c", "z/c", 1.5)], "c"),
        ([model("a", "x/a"), model("b", "X/b")], None),
        ([model("b", "y/b", None)], None),
        ([model("b", "y/b", is_active=False)], None),
        ([model("b", "y/b"), model("a", "z/a")], "a"),
        ([], None),
    ],
)
def test_the_cheapest_stranger_is_asked(catalogue: list[ModelSpec], expected: str | None) -> None:
    found = stranger(catalogue, [model("mine", "x/mine")])
    assert (found.name if found else None) == expected
    assert family(model("a", "no-slash")) == "no-slash"
