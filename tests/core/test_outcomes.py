"""What became of champions, and which models that speaks for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agent.catalogue import CATALOGUE
from bot.core.choosing.comparing import family
from bot.core.choosing.experiments import AUTO, Plan, ServerLimits, plan
from bot.core.choosing.line_up import NEARLY, attempt_dollars, line_up, oracle
from bot.core.choosing.outcomes import Tally, fate, moved, reverted, reverted_commits, tally, with_record
from bot.core.model import Fared, Fate, Limits, ModelSpec, Prices, PullRequest, RepoConfig, Sha, SolveOptions, Strategy

OURS = PullRequest(2, "https://github.com/octo/greet/pull/2", "solvebot/1-x", Sha("a" * 40), draft=False)
CHEAP = ModelSpec("cheap", "p", "one/cheap", prices=Prices(0.1, 0.4, 0.01), prior=0.7)
TWIN = replace(CHEAP, name="twin", model_id="one/twin", prior=0.69)
OTHER = ModelSpec("other", "p", "two/other", prices=Prices(0.3, 1.2, 0.03), prior=0.68)
DEAR = ModelSpec("dear", "p", "three/dear", prices=Prices(5.0, 25.0, 0.5), prior=0.71)


@pytest.mark.parametrize(
    ("merged", "head", "expected"),
    [
        (True, "a" * 40, Fate.MERGED),
        (True, "b" * 40, Fate.CHANGED),
        (False, "a" * 40, Fate.CLOSED),
        (False, "b" * 40, Fate.CLOSED),
    ],
)
def test_what_people_did_with_it(merged: bool, head: str, expected: Fate) -> None:
    assert fate(OURS, merged=merged, head_sha=head) is expected


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ("Reverts octo/greet#2", 2),
        ("Reverts Octo/Greet#2\n\nIt broke the build.", 2),
        ("It broke.\nReverts octo/greet#17", 17),
        ("Reverts other/greet#2", None),
        ("This reverts octo/greet#2 in part", None),
        ("Reverts #2", None),
        ("", None),
    ],
)
def test_which_pull_request_is_taken_back(body: str, number: int | None) -> None:
    assert reverted(body, "octo/greet") == number


A, B = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("message", "commits"),
    [
        (f'Revert "Fix"\n\nThis reverts commit {A}.', [A]),
        (f'Revert "Merge"\n\nThis reverts commit {A}, reversing\nchanges made to {B}.', [A]),
        (f"This reverts commit {A}.\nThis reverts commit {B}.\nThis reverts commit {A}.", [A, B]),
        (f"> This reverts commit {A}.", []),
        ("This reverts commit abc1234.", []),
        (f"This reverts commit {A}0.", []),
        ("\n".join(f"This reverts commit {number:040x}." for number in range(99)), [f"{n:040x}" for n in range(10)]),
        ("", []),
    ],
)
def test_which_commits_are_taken_back(message: str, commits: list[str]) -> None:
    assert list(reverted_commits(message)) == commits


def test_a_prior_begins_as_twenty_issues_and_people_move_it() -> None:
    assert moved(0.7, Tally()) == 0.7
    assert moved(0.7, Tally(merged=20)) == pytest.approx(0.85)
    assert moved(0.7, Tally(changed=20)) == pytest.approx(0.6)
    assert moved(0.7, Tally(closed=10, reverted=10)) == pytest.approx(0.35)
    fared = [
        Fared("cheap", Strategy.BASELINE, "octo/greet", Fate.MERGED, 3),
        Fared("cheap", Strategy.TEST_FIRST, "octo/other", Fate.CLOSED, 1),
        Fared("gone", Strategy.BASELINE, "octo/greet", Fate.CLOSED, 9),
    ]
    assert tally(fared) == Tally(merged=3, closed=10)
    cheap, dear = with_record((CHEAP, DEAR), fared)
    assert cheap.prior == pytest.approx((20 * 0.7 + 3) / 24)
    assert dear == DEAR


def test_the_cheapest_set_that_is_nearly_the_best() -> None:
    assert [model.name for model in line_up((CHEAP, TWIN, OTHER, DEAR), 2)] == ["cheap", "other"]
    assert [model.name for model in line_up((CHEAP, TWIN), 2)] == ["cheap", "twin"]  # there is only one family
    assert [model.name for model in line_up((replace(CHEAP, prices=None), OTHER), 3)] == ["other"]
    assert line_up((replace(CHEAP, is_active=False),), 3) == ()


def test_what_attempts_of_the_catalogue_cost_is_what_was_measured() -> None:
    known = {model.name: attempt_dollars(model) for model in CATALOGUE}
    assert known["deepseek-v3.2"] == pytest.approx(0.03, abs=0.005)
    assert known["opus"] == pytest.approx(0.70, abs=0.02)


@given(
    st.lists(
        st.builds(
            ModelSpec,
            name=st.text("ab", min_size=1, max_size=4),
            provider=st.just("p"),
            model_id=st.sampled_from(["one/a", "one/b", "two/a", "three/a"]),
            prices=st.none() | st.builds(Prices, st.floats(0, 10), st.floats(0, 50)),
            prior=st.floats(0, 1),
        ),
        max_size=7,
    ),
    st.integers(1, 4),
)
def test_it_is_diverse_and_nearly_the_best(models: list[ModelSpec], most: int) -> None:
    found = line_up(models, most)
    priced = [model for model in models if model.prices is not None]
    assert bool(found) is bool(priced)
    assert len(found) <= most
    if found and len({family(model) for model in priced}) > 1 and most > 1:
        assert len({family(model) for model in found}) > 1
        assert all(
            oracle(found) >= oracle((one, other)) - NEARLY - 1e-9
            for one in priced
            for other in priced
            if family(one) != family(other)
        )


def test_auto_plans_with_it() -> None:
    server = ServerLimits(Limits(), AUTO, attempts=2)
    planned = plan(SolveOptions(), RepoConfig(), (CHEAP, TWIN, OTHER, DEAR), server)
    assert isinstance(planned, Plan)
    assert [each.model.name for each in planned.experiments] == ["cheap", "other"]
