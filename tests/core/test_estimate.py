"""What a solve will cost, from the record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.choosing.experiments import Plan, ServerLimits, plan
from bot.core.estimate import KnownRun, estimate
from bot.core.model import Limits, ModelSpec, RepoConfig, SolveId, SolveOptions

HERE, ELSEWHERE = 7, 8
CATALOGUE = [ModelSpec("sonnet", "p", "s"), ModelSpec("mini", "p", "m")]
SERVER = ServerLimits(Limits(dollars=2.0), ("sonnet", "mini"), 2)


def planned(attempts: int = 2, dollars: float = 2.0) -> Plan:
    found = plan(SolveOptions(attempts=attempts, dollars=dollars), RepoConfig(), CATALOGUE, SERVER)
    assert isinstance(found, Plan)
    return found


def run(n: int, model: str = "sonnet", dollars: float = 0.2, repository: int = HERE, minutes: float = 5.0) -> KnownRun:
    return KnownRun(SolveId(f"s-{n}"), repository, model, dollars, minutes)


def test_without_a_record_there_are_only_limits() -> None:
    found = estimate(planned(), HERE, [])
    assert (found.dollars_from, found.dollars_to, found.most_dollars) == (0.0, 2.0, 2.0)
    assert (found.minutes_from, found.known, found.here, found.unknown) == (None, 0, False, ("sonnet", "mini"))


def test_each_attempt_costs_what_runs_of_its_model_do() -> None:
    known = [*(run(n, dollars=0.1 * n, minutes=n) for n in range(1, 6)), *(run(n, "mini", 0.01) for n in range(11, 14))]
    found = estimate(planned(), HERE, known)
    assert (found.dollars_from, found.dollars_to) == (0.21, 0.51)
    assert (found.minutes_from, found.minutes_to) == (3, 5.0)
    assert (found.known, found.here, found.unknown) == (8, True, ())


@pytest.mark.parametrize(
    ("here", "known", "is_here"),
    [(3, 3, True), (2, 6, False), (0, 4, False)],
)
def test_where_little_is_known_here_runs_elsewhere_count_too(here: int, known: int, is_here: bool) -> None:
    plan_of_one = replace(planned(1), experiments=planned(1).experiments[:1])
    runs = [*(run(n) for n in range(here)), *(run(10 + n, repository=ELSEWHERE) for n in range(4))]
    found = estimate(plan_of_one, HERE, runs)
    assert (found.known, found.here) == (known, is_here)


def test_no_run_is_taken_to_cost_more_than_its_share() -> None:
    found = estimate(planned(2, 0.5), HERE, [run(n, dollars=9.0) for n in range(5)])
    assert (found.dollars_from, found.dollars_to, found.most_dollars) == (0.25, 0.5, 0.5)


@given(st.lists(st.tuples(st.sampled_from(["sonnet", "mini", "?"]), st.floats(0, 1e6), st.integers(6, 9))))
def test_never_more_than_the_limit(rows: list[tuple[str, float, int]]) -> None:
    known = [run(n, model, dollars, place) for n, (model, dollars, place) in enumerate(rows)]
    found = estimate(planned(), HERE, known)
    assert 0 <= found.dollars_from <= found.dollars_to <= found.most_dollars
