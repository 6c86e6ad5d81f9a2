"""When the runs that have not begun are not begun."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.choosing.early_stop import Saved, enough, saved
from bot.core.evidence.observations import Case
from bot.core.evidence.pool import PooledTest
from bot.core.model import Evidence, Gate, GateFailure, RunFacts, Status
from tests.core.facts import NOW, run
from tests.core.test_candidate_matrix import IDS, case, pooled
from tests.core.test_choosing import judged

PAIR = frozenset({IDS["A"], IDS["B"]})
BOTH = [pooled("AB-", "A"), pooled("AB-", "B")]


def alike(models: str = "ab", prior: float = 0.5, **changes: object) -> Case:
    """A and B made nearly the same change; `changes` are those of the evidence of B."""
    c = judged(case("AB", models, same_text=("AB",)), ())
    runs = {
        run: replace(facts, experiment=replace(facts.experiment, model=replace(facts.experiment.model, prior=prior)))
        for run, facts in c.runs.items()
    }
    a, b = with_tests(c).evidence
    return Case((a, replace(b, **changes)), runs, c.baseline)  # type: ignore[arg-type]


def with_tests(c: Case) -> Case:
    """Each brings a test that fails without its change."""
    own = (replace(item, own_tests_on_base=False, own_tests_on_candidate=True) for item in c.evidence)
    return replace(c, evidence=tuple(own))


@pytest.mark.parametrize(
    ("what", "c", "pool", "found"),
    [
        ("nearly the same change of two models", alike(), [], True),
        ("but one brings no test", alike(own_tests_on_base=None, own_tests_on_candidate=None), [], False),
        ("but one's test passes without its change", alike(own_tests_on_base=True), [], False),
        ("of one model", alike("aa"), [], False),
        ("of one strong model", alike("aa", prior=0.7), [], True),
        ("and all tests are green", alike(), BOTH, True),
        ("but a test is red on one", alike(), [pooled("A-B", "A")], False),
        ("but one was not tested", alike(stable_total=0, stable_passed=0), [], False),
        ("but one breaks a test", alike(regressions=("t1",), stable_passed=39), [], False),
        ("but one is out", alike(gate_failures=(GateFailure(Gate.SECRET, ""),)), [], False),
        ("but nothing is changed", alike(inert=True), [], False),
        ("but one asks for the issue's example", alike(special_cases=("113",)), [], False),
        ("another change", judged(case("AB"), ()), [], False),
        ("another change, the tests of both are green", with_tests(judged(case("AB"), ())), BOTH, True),
        ("another change, one author's are", judged(case("AB"), ()), BOTH[:1], False),
        ("one candidate", judged(case("A"), ()), [], False),
    ],
)  # fmt: skip
def test_two_that_are_enough(what: str, c: Case, pool: list[PooledTest], found: bool) -> None:
    assert enough(c, pool) == (PAIR if found else frozenset()), what


def test_of_many_two_are_enough() -> None:
    c = alike()
    third = Evidence(IDS["C"], gate_failures=(GateFailure(Gate.EMPTY, ""),))
    runs = {**case("ABC").runs, **c.runs}
    assert enough(Case((third, *c.evidence), runs, c.baseline), []) == PAIR


def ended(index: int, minutes: int) -> RunFacts:
    return run(index, started_at=NOW, completed_at=NOW + timedelta(minutes=minutes))


def not_begun(index: int, minutes: int, error: str = "Not needed.") -> RunFacts:
    ending = NOW + timedelta(minutes=minutes)
    return run(index, status=Status.CANCELLED, completed_at=ending, error=error, dollars=0.0)


@pytest.mark.parametrize(
    ("what", "runs", "expected"),
    [
        ("the mean of 1 and 3 cents, twice", [ended(1, 1), ended(3, 2), not_begun(4, 3), not_begun(5, 3)], (2, 0.04)),
        ("who ended later does not count", [ended(1, 1), ended(3, 9), not_begun(4, 3)], (1, 0.01)),
        ("nothing was known yet", [not_begun(4, 3)], (1, 0.0)),
        ("all were begun", [ended(1, 1), ended(3, 2)], None),
        ("somebody stopped it", [ended(1, 1), not_begun(2, 3, error="")], None),
        ("nobody", [], None),
    ],
)  # fmt: skip
def test_what_was_saved(what: str, runs: list[RunFacts], expected: tuple[int, float] | None) -> None:
    found = saved(runs)
    assert found == (None if expected is None else Saved(*expected, "Not needed.")), what
