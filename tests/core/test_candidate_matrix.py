"""The pool: which test counts how much, and what the candidates' answers say about them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.evidence.candidate_matrix import Telling, independence, matrix
from bot.core.evidence.observations import Case
from bot.core.evidence.pool import Origin, PooledTest
from bot.core.model import Baseline, Evidence, Experiment, ModelSpec, RunFacts, RunId, SolveId, Strategy, run_id

SOLVE = SolveId("s")
IDS = {letter: run_id(SOLVE, index) for index, letter in enumerate("ABCDEFGH", 1)}


def case(letters: str, models: str = "", inert: str = "", same_text: tuple[str, ...] = ()) -> Case:
    """`models`: a letter for the model of each; all different when it is left out. `same_text`: pairs."""
    runs, evidence = {}, []
    for letter, model in zip(letters, models or letters.lower(), strict=True):
        run = IDS[letter]
        spec = ModelSpec(model, "somewhere", model, prior=0.5)
        runs[run] = RunFacts(
            run, SOLVE, Experiment(ord(letter) - ord("A") + 1, spec, None, Strategy.BASELINE, 100, 1.0)
        )
        agreeing = {IDS[other] for pair in same_text if letter in pair for other in pair if other != letter}
        evidence.append(Evidence(run, agrees_with=tuple(sorted(agreeing)), inert=letter in inert))
    return Case(tuple(evidence), runs, Baseline("t", stable=("t",)))


def pooled(
    answers: str, author: str = "", origin: Origin = Origin.CANDIDATE, name: str = "t", of: str = ""
) -> PooledTest:
    """`AB-CD`: passes on A and B, fails on C and D."""
    passed, _, failed = answers.partition("-")
    group = of or (f"{author}'s tests" if author else "from the issue")
    kind = origin if author else Origin.ISSUE
    return PooledTest(
        name, kind, IDS[author] if author else None, tuple(IDS[x] for x in passed), tuple(IDS[x] for x in failed), group
    )


def even(c: Case) -> dict[RunId, float]:
    return dict.fromkeys(c.runs, 0.4)


def weight(c: Case, *pool: PooledTest) -> list[float]:
    return [round(column.weight, 3) for column in matrix(pool, c, even(c)).columns]


@pytest.mark.parametrize(
    ("what", "models", "test", "expected"),
    [
        ("another model vouches for it", "abcd", pooled("AB-CD", "A"), 0.22),
        ("two others do", "abcd", pooled("ABC-D", "A"), 0.26),
        ("the same model does", "aacd", pooled("AB-CD", "A"), 0.088),
        ("two runs of one other model do", "abbd", pooled("ABC-D", "A"), 0.182),
        ("nobody but its author", "abcd", pooled("A-BCD", "A"), 0.0),
        ("everybody", "abcd", pooled("ABCD-", "A"), 0.1),
        ("a script", "abcd", pooled("AB-CD", "A", Origin.SCRIPT), 0.154),
        ("from the issue alone, one passes", "abcd", pooled("A-BCD"), 0.698),
        ("from the issue alone, all pass", "abcd", pooled("ABCD-"), 0.1),
        ("nobody", "abcd", pooled("-ABCD", "A"), None),
    ],
)
def test_a_test_weighs_what_its_independent_witnesses_weigh(
    what: str, models: str, test: PooledTest, expected: float | None
) -> None:
    anchor = pooled("ABCD-", "D", of="so that all of them pass something")
    found = weight(case("ABCD", models), test, anchor)
    assert found[:-1] == ([] if expected is None else [expected]), what


def test_the_same_answers_of_one_group_count_once_and_other_answers_share() -> None:
    c = case("ABCD")
    once = weight(c, pooled("AB-CD", "A", name="one"))
    assert weight(c, *(pooled("AB-CD", "A", name=f"t{n}") for n in range(500))) == once
    twice = [pooled("AB-CD", "A", name="one"), pooled("BC-AD", "A", name="two"), pooled("D-", "D")]
    assert sum(weight(c, *twice)) < 2 * weight(c, *twice[1:])[0]


def shares(c: Case, *pool: PooledTest) -> dict[str, float]:
    table = matrix(pool, c, even(c))
    return {letter: round(table.share(IDS[letter]), 2) for letter in IDS if IDS[letter] in c.runs}


def test_who_passes_what_others_vouch_for_leads() -> None:
    """A and B are right, C and D special-case the example, E is wrong and says so in a test."""
    found = shares(case("ABCDE"), pooled("AB-CDE", "B"), pooled("ABCDE-", "D"), pooled("E-ABCD", "E"))
    assert found["A"] == found["B"]
    assert found["A"] > 1.5 * max(found["C"], found["D"], found["E"])
    assert found["C"] == found["D"] == found["E"]  # the test of E is worth nothing


def test_two_wrong_ones_do_not_beat_two_right_ones_and_one_model_is_one_witness() -> None:
    pool = pooled("AB-CD", "A"), pooled("CD-AB", "C")
    assert set(shares(case("ABCD"), *pool).values()) == {0.5}
    of_one_model = shares(case("ABCD", "abcc"), *pool)
    assert of_one_model["A"] == of_one_model["B"] > 0.6
    drawn_twice = shares(case("ABCD", "abcc", same_text=("CD",)), *pool)
    assert drawn_twice["A"] > of_one_model["A"]


def test_who_was_not_seen_on_a_test_is_not_judged_by_it() -> None:
    found = shares(case("ABC"), pooled("AB-", "A"), pooled("A-B", "B"))
    assert found["C"] == 0.5


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ([], Telling.UNMET),
        ([pooled("B-A", "B")], Telling.UNMET),
        ([pooled("A-", "A")], Telling.UNMET),
        ([pooled("AB-C", "A"), pooled("C-", "C")], Telling.TELLS),
        ([pooled("ABC-", "A")], Telling.NARROW),
        ([pooled("AB-C", "A")], Telling.NARROW),  # C is like the base commit
        ([pooled("A-BC", "A")], Telling.ALONE),
        ([pooled("ABC-", "A"), pooled("A-BC", "A")], Telling.ALONE),
        ([pooled("A-B", "A")], Telling.AGAINST_ONE),
        ([pooled("AB-C", "A", Origin.SCRIPT), pooled("C-", "C")], Telling.UNMET),  # its script is not its test
    ],
)
def test_what_its_own_tests_say_of_a_candidate(pool: list[PooledTest], expected: Telling) -> None:
    c = case("ABC")
    assert matrix(pool, c, even(c)).own_tests(IDS["A"]) is expected


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ([], False),
        ([pooled("AB-C", "A"), pooled("C-", "C")], False),  # it is its own test
        ([pooled("AB-C", "B"), pooled("C-", "C")], True),
        ([pooled("AB-C", "B")], False),  # only what is like the base commit fails
        ([pooled("ABC-", "B")], False),  # it may be narrow
        ([pooled("ABC-", "B"), pooled("ABC-", "C")], True),
        ([pooled("ABC-", "A"), pooled("ABC-", "B")], True),
        ([pooled("ABC-")], True),
        ([pooled("ABC-"), pooled("B-AC")], False),  # half of it
        ([pooled("B-A", "B")], False),
    ],
)
def test_whether_it_passes_what_others_wrote(pool: list[PooledTest], expected: bool) -> None:
    c = case("ABC")
    assert matrix(pool, c, even(c)).passes_others(IDS["A"]) is expected


@pytest.mark.parametrize(
    ("models", "pool", "expected"),
    [
        ("abcd", [], 0.0),
        ("abcd", [pooled("ABCD-", "A")], 0.0),  # all alike: it may be narrow
        ("abcd", [pooled("AB-CD", "A"), pooled("CD-AB", "C")], 2 / 9),
        ("abcd", [pooled("AB-CD", "A"), pooled("CD-AB", "C"), pooled("AB-CD", "B")], 1 / 3),
        ("aacd", [pooled("AB-CD", "A"), pooled("CD-AB", "C"), pooled("AB-CD", "B")], 0.4 / 2.4),
        ("abcd", [pooled("CD-AB", "C"), pooled("C-DAB")], 0.0),  # A is like the base commit
    ],
)
def test_behaving_alike(models: str, pool: list[PooledTest], expected: float) -> None:
    c = case("ABCD", models)
    assert matrix(pool, c, even(c)).alike(IDS["A"]) == pytest.approx(expected)


def test_two_runs_of_one_model_are_no_two_witnesses() -> None:
    c = case("ABC", "xyx", same_text=("AC",))
    assert independence(c, IDS["A"], IDS["B"]) == 1.0
    assert independence(case("AB", "xx"), IDS["A"], IDS["B"]) == 0.4
    assert independence(c, IDS["A"], IDS["C"]) == 0.1
    assert independence(c, IDS["A"], RunId("unknown")) == 1.0


# ------------------------------------------------------------------------------------------------- what always holds

ANYBODY = st.sampled_from([*IDS.values(), RunId("stranger")])
TESTS = st.builds(
    PooledTest,
    st.text(max_size=5),
    st.sampled_from(Origin),
    st.none() | ANYBODY,
    st.lists(ANYBODY, max_size=6).map(tuple),
    st.lists(ANYBODY, max_size=6).map(tuple),
    st.sampled_from(["", "g", "h"]),
)


@settings(max_examples=100, deadline=None)
@given(pool=st.lists(TESTS, max_size=12), chances=st.dictionaries(ANYBODY, st.floats(0, 1)), data=st.data())
def test_any_pool_is_read_and_its_order_never_matters(
    pool: list[PooledTest], chances: Mapping[RunId, float], data: st.DataObject
) -> None:
    c = case("ABCDE", "aabbc", inert="E", same_text=("AB",))
    table = matrix(pool, c, chances)
    turned = matrix(data.draw(st.permutations(pool)), c, chances)
    for run in c.runs:
        assert 0.0 <= table.share(run) <= 1.0
        assert -1.0 <= table.lead(run) <= 1.0
        assert 0.0 <= table.alike(run) <= 1.0
        assert 0.0 <= (table.from_issue(run) or 0.0) <= 1.0
        assert table.share(run) == pytest.approx(turned.share(run))
        assert table.own_tests(run) is turned.own_tests(run)
        assert table.passes_others(run) is turned.passes_others(run)
        assert table.alike(run) == turned.alike(run)
    assert abs(sum(table.lead(item.run) for item in c.unbroken)) < 1e-9


def test_a_pool_without_end_is_read_to_its_limit() -> None:
    c = case("AB")
    pool = [pooled("AB-", "A", name=str(number), of=str(number)) for number in range(20_000)]
    assert len(matrix(pool, c, even(c)).columns) == 5_000
