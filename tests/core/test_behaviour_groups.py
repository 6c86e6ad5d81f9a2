"""What inputs say that nobody wrote a test for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.choosing.champion import decide
from bot.core.choosing.odds import Beside, weigh
from bot.core.evidence import behaviour_groups
from bot.core.evidence.behaviour import Behaviour, Probed
from bot.core.evidence.observations import Case
from bot.core.model import Likeness, RunId
from tests.core.test_candidate_matrix import IDS, case, pooled
from tests.core.test_choosing import BASELINE, judged

ISSUE = "backoff(1, 1, factor=1.0) crashes with ZeroDivisionError"
CRASH = "raises ZeroDivisionError: float division by zero"
PROBES = ("backoff(1, 1, factor=1.0)", "backoff(1, 2, factor=1.0)", "backoff(2, 2, factor=1.0)", "backoff(1, 2)")
SAME = "returns [1.0, 2.0]"
BASE = (CRASH, CRASH, CRASH, SAME)
RIGHT = ("returns [1.0]", "raises ValueError: cannot be reached", "returns [2.0]", SAME)
EXAMPLE = ("returns [1.0]", CRASH, CRASH, SAME)
SWALLOWS = ("returns [1.0]", "returns [1.0]", "returns [2.0]", SAME)


def probed(**outcomes: tuple[str, ...]) -> Probed:
    return Probed(PROBES, 1, BASE, tuple(Behaviour(IDS[letter], row) for letter, row in outcomes.items()))


A, C = IDS["A"], IDS["C"]
CONSTANT = pooled("E-AC", "E", name="test_constant")


def test_two_special_cases_of_the_example_do_not_beat_one_cure() -> None:
    """A is right, C and D treat the example, E swallows: no test that anybody wrote tells A from the others."""
    c = judged(case("ACDE"), ())
    seen = probed(A=RIGHT, C=EXAMPLE, D=EXAMPLE, E=SWALLOWS)
    decision = decide(c.evidence, c.runs, BASELINE, beside=Beside(seen, ISSUE))
    place = {ranked.run: ranked.place for ranked in decision.ranking}
    assert max(place[A], place[IDS["E"]]) < min(place[C], place[IDS["D"]])
    told = (*decision.reasons, *decision.others)
    assert any("with inputs like those of the issue it does better than C" in reason for reason in told)


def test_who_cures_more_of_what_the_issue_names_leads() -> None:
    seen = probed(A=RIGHT, C=EXAMPLE)
    c = case("AC")
    assert behaviour_groups.cure(seen, A, c, ISSUE) == pytest.approx(1 / 3)
    assert behaviour_groups.cure(seen, C, c, ISSUE) == pytest.approx(-1 / 3)
    assert behaviour_groups.cure(seen, A, c, "it is slow") == 0.0
    assert behaviour_groups.cure(probed(C=EXAMPLE), A, c, ISSUE) == 0.0  # A was not seen


WANTED = f"{ISSUE}. I would expect [1.0]. What cannot be reached should be a ValueError."


def test_who_does_what_the_issue_names_leads() -> None:
    """All return the value that is asked for; only A raises the error that is."""
    seen = probed(A=RIGHT, C=EXAMPLE, E=SWALLOWS)
    c = case("ACE")
    assert behaviour_groups.promise(seen, A, c, WANTED) == pytest.approx(1 / 3)
    assert (
        behaviour_groups.promise(seen, C, c, WANTED)
        == behaviour_groups.promise(seen, IDS["E"], c, WANTED)
        == pytest.approx(-1 / 6)
    )
    assert behaviour_groups.promise(seen, A, c, ISSUE) == 0.0  # names what was done before, and nothing else
    elsewhere = replace(seen, base=(*BASE[:3], "raises ValueError: too small"))  # the base commit knows that error, too
    assert behaviour_groups.promise(elsewhere, A, c, WANTED) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("issue", "expected"),
    [
        ("It raises ValueErrors.", 0.0),  # another word
        ("A ValueError, please.", 0.5),
        ("It says 1.0.", 0.0),  # not the value as it is written
        ("[1.0] is right", 0.0),  # both do that
    ],
)
def test_what_an_issue_names(issue: str, expected: float) -> None:
    assert behaviour_groups.promise(probed(A=RIGHT, C=EXAMPLE), A, case("AC"), issue) == pytest.approx(expected)


def test_who_keeps_a_promise_elsewhere_as_well_leads_and_does_no_harm() -> None:
    """C mends one of two ways to the same fault."""
    rows = ("returns 2", "returns 2", "returns 1")
    raises = "raises IndexError: out of range"
    whole, half = Behaviour(A, (raises, raises, rows[2])), Behaviour(C, (raises, *rows[1:]))
    seen = Probed(("pile[-5]", "pile.pop(-5)", "pile[0]"), 1, rows, (whole, half))
    issue = "A list raises IndexError there, and so should a pile."
    assert behaviour_groups.promise(seen, A, case("AC"), issue) == pytest.approx(0.25)
    assert behaviour_groups.promise(seen, C, case("AC"), issue) == pytest.approx(-0.25)
    assert behaviour_groups.harm(seen, A, case("AC"), issue) == 0.0


def test_the_error_that_the_issue_asks_for_outweighs_a_wrong_test() -> None:
    """E swallows, and brings a test that says so; A is right, and brings none."""
    c = judged(case("ACE"), [CONSTANT])
    decision = decide(
        c.evidence, c.runs, BASELINE, (CONSTANT,), beside=Beside(probed(A=RIGHT, C=EXAMPLE, E=SWALLOWS), WANTED)
    )
    assert decision.champion == A


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        ({"A": RIGHT, "C": EXAMPLE}, True),
        ({"A": EXAMPLE, "C": EXAMPLE}, False),  # nobody does more
        ({"A": RIGHT, "C": SWALLOWS}, False),
        ({"A": RIGHT, "C": BASE}, False),
        ({"A": RIGHT}, False),
    ],
)
def test_who_treats_the_example_alone(outcomes: dict[str, tuple[str, ...]], expected: bool) -> None:
    assert behaviour_groups.example_only(probed(**outcomes), C, case("AC")) is expected


@pytest.mark.parametrize(
    ("models", "outcomes", "expected"),
    [
        ("abc", {"A": SWALLOWS, "B": SWALLOWS, "C": (*EXAMPLE[:2], "returns [2.0]", SAME)}, True),
        ("aac", {"A": SWALLOWS, "B": SWALLOWS, "C": (*EXAMPLE[:2], "returns [2.0]", SAME)}, False),  # of one model
        ("abc", {"A": SWALLOWS, "B": RIGHT, "C": (*EXAMPLE[:2], "returns [2.0]", SAME)}, False),  # they do not agree
        ("abc", {"A": SWALLOWS, "B": SWALLOWS, "C": RIGHT}, False),  # it does something else, and that is new too
        ("abc", {"A": SWALLOWS, "B": SWALLOWS, "C": (*EXAMPLE[:1], "", "returns [2.0]", SAME)}, False),  # not seen
    ],
)
def test_who_leaves_as_it_was_what_two_others_change_alike(
    models: str, outcomes: dict[str, tuple[str, ...]], expected: bool
) -> None:
    assert behaviour_groups.example_only(probed(**outcomes), C, case("ABC", models)) is expected


def test_who_does_nothing_new_is_told_where_others_do() -> None:
    assert behaviour_groups.does_nothing(probed(A=RIGHT, C=BASE), C, case("AC"))
    assert not behaviour_groups.does_nothing(probed(A=BASE, C=BASE), C, case("AC"))
    assert not behaviour_groups.does_nothing(probed(A=RIGHT), C, case("AC"))


def test_the_same_place_counts_as_far_as_the_same_is_done() -> None:
    """C looks like D and does something else; A looks like D less, and does the same."""
    c = judged(case("ACD"), ())
    near = {"A": {"C": 0.4, "D": 0.4}, "C": {"A": 0.4, "D": 1.0}, "D": {"A": 0.4, "C": 1.0}}
    letters = {run: letter for letter, run in IDS.items()}
    like = {
        run: tuple(Likeness(IDS[other], place, 0.0) for other, place in near[letters[run]].items()) for run in c.runs
    }
    evidence = [
        replace(item, likenesses=like[item.run], place=sum(each.place for each in like[item.run]) / 2)
        for item in c.evidence
    ]
    by_text = decide(evidence, c.runs, BASELINE)
    assert by_text.champion != A
    some = ("returns [1.0]", CRASH, "returns [2.0]", SAME)
    seen = probed(A=RIGHT, C=some, D=RIGHT)
    decision = decide(evidence, c.runs, BASELINE, beside=Beside(seen, ISSUE))
    assert [ranked.run for ranked in decision.ranking] == [IDS["D"], A, C]


def test_who_looks_like_one_that_a_vouched_test_tells_from_it_has_no_agreement_of_it() -> None:
    c = judged(case("ABC"), ())
    pool = [pooled("AB-C", "A")]
    evidence = [replace(item, likenesses=(Likeness(IDS["B"], 1.0, 1.0),), place=1.0, token=1.0) for item in c.evidence]
    _, weighed = weigh(Case((evidence[0], c.evidence[1], evidence[2]), c.runs, BASELINE), pool)
    assert (weighed[A].terms.place, weighed[C].terms.place) == (2.2, 0.0)


HARMS = ("returns [1.0]", "returns [1.0]", "returns [2.0]", "returns [1.0]")


def test_what_was_well_and_is_no_longer_counts_against_it() -> None:
    c = case("AC")
    assert behaviour_groups.harm(probed(A=RIGHT, C=HARMS), C, c, ISSUE) == 1.0
    assert behaviour_groups.harm(probed(A=RIGHT, C=HARMS), A, c, ISSUE) == 0.0
    both = judged(c, ())
    decision = decide(both.evidence, both.runs, BASELINE, beside=Beside(probed(A=RIGHT, C=HARMS), ISSUE))
    assert decision.champion == A


def test_where_the_issue_names_no_error_who_is_alone_with_much_is_suspected() -> None:
    base, right = ("returns 1", "returns 2", "returns 3"), ("returns 5", "returns 2", "returns 3")
    early = ("returns 5",) * 3
    seen = Probed(PROBES[:3], 1, base, (Behaviour(A, right), Behaviour(C, early)))
    assert behaviour_groups.harm(seen, C, case("AC"), "1000.0 kB") == pytest.approx(1 / 3)
    assert behaviour_groups.harm(seen, A, case("AC"), "1000.0 kB") == 0.0


@pytest.mark.parametrize(
    ("models", "outcomes", "expected"),
    [
        ("abc", {"A": RIGHT, "B": RIGHT, "C": BASE}, 0.5),
        ("aac", {"A": RIGHT, "B": RIGHT, "C": BASE}, 0.4 / 1.4),
        ("abc", {"A": RIGHT, "B": EXAMPLE, "C": EXAMPLE}, 1 / 3),
        ("abc", {"A": RIGHT, "B": SWALLOWS, "C": BASE}, 1 / 3),
        ("abc", {"A": BASE, "B": BASE, "C": BASE}, None),
        ("abc", {"B": RIGHT, "C": RIGHT}, None),
    ],
)
def test_only_new_conduct_can_be_shared(
    models: str, outcomes: dict[str, tuple[str, ...]], expected: float | None
) -> None:
    found = behaviour_groups.alike(probed(**outcomes), A, case("ABC", models))
    assert found == (None if expected is None else pytest.approx(expected))


ROWS = st.lists(st.sampled_from(["", CRASH, SAME, "raises X", "does not end"]), max_size=6).map(tuple)


@settings(max_examples=100, deadline=None)
@given(
    base=ROWS, rows=st.dictionaries(st.sampled_from([*IDS.values()]), ROWS), asked=st.integers(0, 9), issue=st.text()
)
def test_any_conduct_is_read(base: tuple[str, ...], rows: dict[RunId, tuple[str, ...]], asked: int, issue: str) -> None:
    seen = Probed(PROBES, asked, base, tuple(Behaviour(run, row) for run, row in rows.items()))
    c = case("ABC")
    for run in c.runs:
        assert 0.0 <= (behaviour_groups.alike(seen, run, c) or 0.0) <= 1.0
        assert -1.0 <= behaviour_groups.cure(seen, run, c, issue) <= 1.0
        assert 0.0 <= behaviour_groups.harm(seen, run, c, issue) <= 1.0
        assert not (behaviour_groups.example_only(seen, run, c) and behaviour_groups.does_nothing(seen, run, c))
