"""Who is compared by whom, and what that is worth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.asking import BYTES_PER_TOKEN, bounded, dollars_left, most_dollars
from bot.core.choosing.champion import decide
from bot.core.choosing.comparing import (
    ANSWER_TOKENS,
    affordable,
    family,
    near_tie,
    next_order,
    preference,
    read_answer,
    stranger,
    vote,
)
from bot.core.choosing.odds import Beside
from bot.core.evidence.observations import Case
from bot.core.evidence.pool import PooledTest
from bot.core.model import Answer, Compared, Comparison, Consulted, Limits, ModelSpec, Prices
from tests.core.facts import decided
from tests.core.test_candidate_matrix import IDS, case, pooled
from tests.core.test_choosing import judged

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


FIRST, SECOND, NEITHER = Answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("FIRST", FIRST),
        ("Both are good.\n\nSECOND\n", SECOND),
        ("FIRST\r\n", FIRST),
        ("NEITHER", NEITHER),
        ("SECOND\nFIRST", FIRST),
        ("FIRST\nOr so.", NEITHER),
        ("**FIRST**", NEITHER),
        ("FIRST.", NEITHER),
        ("First", NEITHER),
        ("FIRST or SECOND", NEITHER),
        ("The better one is FIRST", NEITHER),
        ("", NEITHER),
        ("\n\n", NEITHER),
    ],
)
def test_the_last_line_is_read_to_the_letter(text: str, answer: Answer) -> None:
    assert read_answer(text) is answer


def asked(*answers: Answer, dollars: float = 0.0) -> Compared:
    return Compared(A, B, Consulted("judge", len(answers), dollars), answers)


@pytest.mark.parametrize(
    ("compared", "order", "preferred"),
    [
        (asked(), (A, B), None),
        (asked(FIRST), (B, A), None),
        (asked(SECOND), (B, A), None),
        (asked(NEITHER), None, None),
        (asked(FIRST, SECOND), None, A),
        (asked(SECOND, FIRST), None, B),
        (asked(FIRST, FIRST), None, None),
        (asked(FIRST, NEITHER), None, None),
    ],
)
def test_it_is_asked_in_both_orders_unless_the_first_answer_settles_it(
    compared: Compared, order: object, preferred: object
) -> None:
    assert next_order(compared) == order
    found = preference(compared)
    assert (found.preferred if found else None) == preferred
    assert preference(None) is None


CENT = ModelSpec("cent", "p", "y/cent", prices=Prices(0.0, 0.01 / ANSWER_TOKENS * 1_000_000))  # for an answer


@pytest.mark.parametrize(
    ("model", "compared", "left", "expected"),
    [
        (CENT, asked(), 1.0, True),
        (CENT, asked(), 0.019, False),
        (CENT, asked(FIRST, dollars=0.01), 0.011, True),
        (CENT, asked(FIRST, dollars=0.021), 1.0, False),  # the first took more than was thought
        (replace(CENT, prices=Prices(0.0, 4.0)), asked(), 1.0, False),
        (replace(CENT, prices=None), asked(), 1.0, False),
    ],
)
def test_both_orders_cost_three_cents_at_most(
    model: ModelSpec, compared: Compared, left: float, expected: bool
) -> None:
    assert affordable(model, 1000, compared, left) is expected


def test_what_a_question_costs_at_most() -> None:
    model = ModelSpec("m", "p", "y/m", max_tokens=500, prices=Prices(2.0, 10.0))
    assert most_dollars(model, 1_000_000 * BYTES_PER_TOKEN, 1_000) == pytest.approx(2.01)
    assert (bounded(model, 1_000).max_tokens, bounded(model, 100).max_tokens) == (500, 100)
    assert bounded(replace(model, max_tokens=None), 100).max_tokens == 100


def test_what_was_asked_beside_the_runs_is_no_longer_left() -> None:
    facts = replace(decided(), limits=Limits(dollars=0.05))  # the runs took three cents
    assert dollars_left(facts) == pytest.approx(0.02)
    assert dollars_left(replace(facts, compared=asked(FIRST, dollars=0.015))) == pytest.approx(0.005)
    assert dollars_left(replace(facts, compared=asked(FIRST, dollars=0.5))) == 0.0
    assert dollars_left(replace(facts, limits=None)) == 0.0


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
        ([replace(model("b", "y/b"), provider="another")], None),  # of which nobody knows whether there is a key
        ([], None),
    ],
)
def test_the_cheapest_stranger_is_asked(catalogue: list[ModelSpec], expected: str | None) -> None:
    found = stranger(catalogue, [model("mine", "x/mine")])
    assert (found.name if found else None) == expected
    assert family(model("a", "no-slash")) == "no-slash"
