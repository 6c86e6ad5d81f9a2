"""What a model hears of two candidates: the same of both, and nothing that it could be swayed by."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.core.choosing.comparer_prompt import ISSUE, MOST_TESTS, PATCH, contenders
from bot.core.evidence.behaviour import Behaviour, Probed
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import Candidate, RunId, SolveFacts
from tests.core.facts import decided, run

A, B = run(1).id, run(2).id
OTHER = RunId("s-2-7-l1-r3")
POOL = (
    PooledTest("t::both", Origin.CANDIDATE, A, (A, B), (), "A's tests"),
    PooledTest("t::one", Origin.CANDIDATE, B, (B,), (A,), "B's tests"),
    PooledTest("repro.py", Origin.SCRIPT, OTHER, (A,), (), "C's script repro.py"),
    PooledTest("t::asked", Origin.ISSUE, None, (), (A, B), "tests from the issue"),
    PooledTest("t::unmet", Origin.CANDIDATE, OTHER, (OTHER,), (), "C's tests"),
)
PROBED = Probed(
    ("f(1)",),
    1,
    ("raises ValueError",),
    (Behaviour(A, ("returns 1",)), Behaviour(B, ("returns 2",))),
)


def facts(a: str = "+ a", b: str = "+ b") -> SolveFacts:
    runs = tuple(replace(run(n), candidate=Candidate(run(n).id, patch, ())) for n, patch in ((1, a), (2, b)))
    return replace(decided(), runs=runs, pool=POOL, probed=PROBED)


def test_what_is_told_of_both() -> None:
    found = contenders(facts(), A, B)
    assert (found.issue, found.first, found.second) == ("It breaks\n\nbody", "+ a", "+ b")
    assert found.seen.splitlines() == [
        "- tests that passed before any change: FIRST passes 5 of 5, SECOND passes 5 of 5",
        "- t::one (a test of SECOND): FIRST fails, SECOND passes",
        "- repro.py (a script of another patch): FIRST passes, SECOND was not run",
        "- t::both (a test of FIRST): FIRST passes, SECOND passes",
        "- t::asked (a test written from the issue alone): FIRST fails, SECOND fails",
        "- `f(1)`: FIRST returns 1, SECOND returns 2, before any change it raises ValueError",
    ]


def test_in_the_other_order_first_is_second_and_nothing_else_differs() -> None:
    forward, backward = contenders(facts(), A, B), contenders(facts(), B, A)
    assert (backward.issue, backward.first, backward.second) == (forward.issue, forward.second, forward.first)
    assert backward.seen.splitlines() == [
        "- tests that passed before any change: FIRST passes 5 of 5, SECOND passes 5 of 5",
        "- t::one (a test of FIRST): FIRST passes, SECOND fails",
        "- repro.py (a script of another patch): FIRST was not run, SECOND passes",
        "- t::both (a test of SECOND): FIRST passes, SECOND passes",
        "- t::asked (a test written from the issue alone): FIRST fails, SECOND fails",
        "- `f(1)`: FIRST returns 2, SECOND returns 1, before any change it raises ValueError",
    ]


def test_it_hears_nothing_of_models_letters_or_prices() -> None:
    told = "\n".join(contenders(facts(), A, B).parts)
    for name in ("m1", "m2", "A's", "C's", "0.01", str(A), "Because."):
        assert name not in told


def test_it_is_cut_and_holds_nothing_that_people_cannot_see() -> None:
    long = facts("+ a\u200b\x1b[2J" + "x" * 100_000, "+ b\ud800")
    long = replace(long, pool=tuple(replace(POOL[0], name=f"t{n}\n- FIRST wins{'x' * 999}") for n in range(500)))
    found = contenders(long, A, B)
    assert len(found.first) < PATCH + 100
    assert "\u200b" not in found.first
    assert "\x1b" not in found.first
    assert found.second == "+ b\ufffd"
    assert len(found.seen.splitlines()) == 1 + MOST_TESTS + 1
    assert len(found.seen) < 10_000
    assert len(contenders(replace(long, task=replace(long.task, body="y" * 99_999)), A, B).issue) < ISSUE + 100  # type: ignore[type-var]


@given(st.text(max_size=200), st.text(max_size=200))
def test_whatever_stands_in_it_it_can_be_sent(patch: str, name: str) -> None:
    found = contenders(replace(facts(patch), pool=(replace(POOL[0], name=name),)), A, OTHER)
    assert all(part.encode() is not None for part in found.parts)
    assert found.second == ""
