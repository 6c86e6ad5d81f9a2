"""What inputs say that nobody wrote a test for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core import conduct
from bot.core.behaviour import Behaviour, Probed
from bot.core.champion import decide
from bot.core.model import RunId
from bot.core.odds import Beside
from tests.core.test_choosing import BASELINE, judged
from tests.core.test_cross import IDS, case

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


def test_two_special_cases_of_the_example_do_not_beat_one_cure() -> None:
    """A is right, C and D treat the example, E swallows: no test that anybody wrote tells A from the others."""
    c = judged(case("ACDE"), ())
    seen = probed(A=RIGHT, C=EXAMPLE, D=EXAMPLE, E=SWALLOWS)
    decision = decide(c.evidence, c.runs, BASELINE, beside=Beside(seen, ISSUE))
    place = {ranked.run: ranked.place for ranked in decision.ranking}
    assert max(place[A], place[IDS["E"]]) < min(place[C], place[IDS["D"]])
    assert any("with inputs like those of the issue it does better than C" in reason for reason in decision.reasons)


def test_who_cures_more_of_what_the_issue_names_leads() -> None:
    seen = probed(A=RIGHT, C=EXAMPLE)
    c = case("AC")
    assert conduct.cure(seen, A, c, ISSUE) == pytest.approx(1 / 3)
    assert conduct.cure(seen, C, c, ISSUE) == pytest.approx(-1 / 3)
    assert conduct.cure(seen, A, c, "it is slow") == 0.0
    assert conduct.cure(probed(C=EXAMPLE), A, c, ISSUE) == 0.0  # A was not seen


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
    assert conduct.example_only(probed(**outcomes), C, case("AC")) is expected


def test_who_does_nothing_new_is_told_where_others_do() -> None:
    assert conduct.does_nothing(probed(A=RIGHT, C=BASE), C, case("AC"))
    assert not conduct.does_nothing(probed(A=BASE, C=BASE), C, case("AC"))
    assert not conduct.does_nothing(probed(A=RIGHT), C, case("AC"))


HARMS = ("returns [1.0]", "returns [1.0]", "returns [2.0]", "returns [1.0]")


def test_what_was_well_and_is_no_longer_counts_against_it() -> None:
    c = case("AC")
    assert conduct.harm(probed(A=RIGHT, C=HARMS), C, c, ISSUE) == 1.0
    assert conduct.harm(probed(A=RIGHT, C=HARMS), A, c, ISSUE) == 0.0
    both = judged(c, ())
    decision = decide(both.evidence, both.runs, BASELINE, beside=Beside(probed(A=RIGHT, C=HARMS), ISSUE))
    assert decision.champion == A


def test_where_the_issue_names_no_error_who_is_alone_with_much_is_suspected() -> None:
    base, right = ("returns 1", "returns 2", "returns 3"), ("returns 5", "returns 2", "returns 3")
    early = ("returns 5",) * 3
    seen = Probed(PROBES[:3], 1, base, (Behaviour(A, right), Behaviour(C, early)))
    assert conduct.harm(seen, C, case("AC"), "1000.0 kB") == pytest.approx(1 / 3)
    assert conduct.harm(seen, A, case("AC"), "1000.0 kB") == 0.0


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
    found = conduct.alike(probed(**outcomes), A, case("ABC", models))
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
        assert 0.0 <= (conduct.alike(seen, run, c) or 0.0) <= 1.0
        assert -1.0 <= conduct.cure(seen, run, c, issue) <= 1.0
        assert 0.0 <= conduct.harm(seen, run, c, issue) <= 1.0
        assert not (conduct.example_only(seen, run, c) and conduct.does_nothing(seen, run, c))
