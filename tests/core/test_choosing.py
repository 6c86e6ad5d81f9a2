"""The choice where everybody's tests were run on everybody: real bugs in miniature, with what decides in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from bot.core.choosing.champion import decide
from bot.core.choosing.odds import Beside
from bot.core.evidence.behaviour import EQUALS_ALL, Behaviour, Probed
from bot.core.evidence.observations import Case
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import Baseline, Decision, Outcome
from tests.core.test_candidate_matrix import IDS, case, pooled

STABLE = tuple(f"t{number}" for number in range(40))
BASELINE = Baseline("pytest -q", True, STABLE)


def judged(c: Case, pool: Sequence[PooledTest], place: float = 0.5) -> Case:
    """All keep the old tests; who has tests in the pool has seen them flip; all change the same place."""
    authors = {test.author for test in pool if test.origin is Origin.CANDIDATE}
    evidence = tuple(
        replace(
            item,
            stable_passed=40,
            stable_total=40,
            place=0.0 if item.inert else place,
            own_tests_on_base=False if item.run in authors else None,
            own_tests_on_candidate=True if item.run in authors else None,
            test_files=("tests/test_new.py",) if item.run in authors else (),
        )
        for item in c.evidence
    )
    return Case(evidence, c.runs, BASELINE)


def choose(c: Case, *pool: PooledTest, place: float = 0.5) -> Decision:
    c = judged(c, pool, place)
    return decide(c.evidence, c.runs, BASELINE, pool)


def chosen(decision: Decision) -> str:
    return next((letter for letter, run in IDS.items() if run == decision.champion), "none")


# A is right, B is right and brings the full test; the others are wrong.
EXAMPLE_ONLY = pooled("ABCDE-F", "D", name="test_one")  # D special-cases the example, and so does C
CONSTANT = pooled("E-ABCD", "E", name="tests.test_new::test_constant")  # E is wrong, and so is its test
FULL = pooled("AB-CDE", "B", name="test_full")
BACKOFF = [EXAMPLE_ONLY, CONSTANT, FULL]


def without(letters: str, pool: Sequence[PooledTest]) -> list[PooledTest]:
    gone = {IDS[letter] for letter in letters}
    kept = [test for test in pool if test.author not in gone]
    return [
        replace(
            test,
            passed_by=tuple(run for run in test.passed_by if run not in gone),
            failed_by=tuple(run for run in test.failed_by if run not in gone),
        )
        for test in kept
    ]


def test_the_narrow_test_of_an_overfit_patch_does_not_count_as_much_as_the_full_one() -> None:
    decision = choose(case("ABCDE"), *BACKOFF)
    assert (chosen(decision), decision.outcome, decision.confidence) == ("B", Outcome.READY, 0.884)
    assert (*decision.reasons, *decision.others) == (
        "It keeps all 40 stable tests.",
        "Its own tests fail without the change and pass with it: tests/test_new.py.",
        "It passes 2 of 3 tests of all candidates, and fails E's test_constant.",
        "Chosen over A: A brings no test that fails without its change.",
        "Chosen over D: it passes 2 of 3 tests of all candidates, D 1, and the tests of D pass on all the others too.",
        "Chosen over C: it passes 2 of 3 tests of all candidates, C 1, and C brings no test that fails without its "
        "change.",
        "Chosen over E: it passes the tests that more of the others vouch for, E does not, and nobody but E passes its "
        "tests.",
    )
    assert {ranked.run: ranked.verdict for ranked in decision.ranking}[IDS["E"]] == "fails others' tests"


def test_a_wrong_test_of_a_wrong_patch_wins_nothing() -> None:
    """Nobody's test tells them apart but that of the wrong one: then no reason is made of it."""
    decision = choose(case("ACDE"), *without("B", BACKOFF))
    assert {ranked.confidence for ranked in decision.ranking} == {0.536}
    assert decision.outcome is Outcome.DRAFT


def test_tests_from_the_issue_alone_find_the_right_one_without_tests() -> None:
    from_issue = [pooled("ACDE-", name="test_the_example"), pooled("A-CDE", name="test_unreachable")]
    decision = choose(case("ACDE"), *without("B", BACKOFF), *from_issue)
    assert (chosen(decision), decision.outcome) == ("A", Outcome.READY)
    assert "of 2 tests written from the issue alone it passes 2, E 1" in (*decision.reasons, *decision.others)[-1]
    assert not any("Nothing that was run shows" in doubt for doubt in decision.uncertain)


def test_what_changes_nothing_loses_against_what_changes_behaviour() -> None:
    """F writes a comment; C special-cases the example and D is wrong near by."""
    pool = [
        pooled("ABC-DF", "B", name="test_size[999999]"),
        pooled("AB-CDF", "B", name="test_size[999]"),
        pooled("ABD-CF", "B", name="test_size[1000000]"),
    ]
    decision = choose(case("ABCDF", inert="F"), *pool)
    assert chosen(decision) == "B"
    last = decision.ranking[-1]
    assert (last.run, last.verdict, last.eligible) == (IDS["F"], "changes no code", False)
    told = choose(case("ABCDF"), *pool)  # also where only its behaviour shows it
    assert told.ranking[-1].run == IDS["F"]


@pytest.mark.parametrize(("letters", "right"), [("ABCD", "AB"), ("ACD", "ACD")])
def test_half_a_fix_with_a_test_that_the_whole_one_passes_too(letters: str, right: str) -> None:
    """C fixes one of two places; D the example only."""
    gone = "".join(set("ABCD") - set(letters))
    pool = without(gone, [pooled("ABCD-", "C", name="test_negative"), pooled("AB-CD", "B", name="test_pop")])
    decision = choose(case(letters), *pool)
    assert chosen(decision) in right
    if letters == "ACD":  # nothing that was run tells them apart, so nobody is told that it is ready
        assert decision.outcome is Outcome.DRAFT


def test_a_clique_of_one_model_does_not_outweigh_independent_ones() -> None:
    pool = [pooled("AB-CD", "A"), pooled("CD-AB", "C")]
    decision = choose(case("ABCD", "abcc"), *pool)
    assert chosen(decision) == "A"
    even = choose(case("ABCD"), *pool)
    first, second = (next(r for r in even.ranking if r.run == IDS[letter]) for letter in "AC")
    assert first.confidence == second.confidence


def test_who_leads_by_nothing_is_not_trusted_beyond_one_in_two() -> None:
    """Two that do different things, equally likely: a repository that wants more than that gets no pull request."""
    c, pool = case("ABCD"), [pooled("AB-CD", "A"), pooled("CD-AB", "C")]
    evidence = judged(c, pool).evidence
    for trust, outcome in ((0.35, Outcome.DRAFT), (0.6, Outcome.NONE)):
        decision = decide(evidence, c.runs, BASELINE, tuple(pool), trust=trust)
        assert decision.outcome is outcome
        assert decision.ranking[0].confidence == 0.5
        assert decision.ranking[0].eligible is (outcome is Outcome.DRAFT)


def test_all_alike_by_tests_of_two_authors_is_two_kinds_of_evidence() -> None:
    pool = [pooled("ABC-", "A"), pooled("ABC-", "B")]
    assert choose(case("ABC"), *pool, place=0.9).outcome is Outcome.READY
    assert choose(case("ABC"), pool[0], place=0.9).outcome is Outcome.DRAFT
    assert choose(case("ABC"), pool[0], place=0.9).uncertain[:2] == (
        "Its own tests pass on every other candidate too, so they do not tell it from them.",
        "One thing alone was seen that speaks for it: stable tests were run and all pass.",
    )


def test_what_others_wrote_proves_where_nothing_else_can() -> None:
    c = case("AB")
    bare = Baseline(None)
    pool = (pooled("A-B"),)
    assert decide(c.evidence, c.runs, bare, pool, trust=0.3).champion == IDS["A"]
    assert decide(c.evidence, c.runs, bare, (), trust=0.1).champion is None


def test_hostile_names_of_tests_stay_on_one_line() -> None:
    pool = [pooled("B-A", "B", name="x::a\n## fixes #1\u202e" + "y" * 5000), pooled("A-B", "A", name="")]
    for reason in choose(case("AB"), *pool).reasons:
        assert reason.isprintable()
        assert len(reason) < 400


def test_who_passes_anything_has_passed_nothing() -> None:
    """B returns what equals everything, so it passes A's tests; that makes them no less worth."""
    anything = f"returns {EQUALS_ALL}"
    seen = (Behaviour(IDS["A"], ("returns 1",)), Behaviour(IDS["B"], (anything,)))
    probed = Probed(("f(1)",), 1, ("raises ValueError",), seen)
    c = judged(case("AB"), [pooled("AB-", "A")])
    believed, doubted = (
        decide(c.evidence, c.runs, BASELINE, (pooled("AB-", "A"),), beside=beside)
        for beside in (Beside(), Beside(probed))
    )
    failed = decide(c.evidence, c.runs, BASELINE, (pooled("A-B", "A"),))
    assert believed.confidence < min(failed.confidence, doubted.confidence)
    assert doubted.champion == IDS["A"]
