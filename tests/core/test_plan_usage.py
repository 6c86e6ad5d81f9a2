"""How much of a plan is used, as tables."""

from __future__ import annotations

import pytest

from bot.core.resilience.plan_usage import Plan, Quota, crossings, forecast, quotas
from bot.core.resilience.sandbox_leases import Outcome, Used

HOBBY = Plan("e2b", 1.0, 20)


def used(name: str, outcome: Outcome, times: int, provider: str = "e2b") -> Used:
    return Used(provider, name, outcome, times, 1.0)


def test_what_of_a_plan_is_used() -> None:
    told = [
        used("create", Outcome.DONE, 100),
        used("create", Outcome.UNCLEAR, 20),
        used("create", Outcome.TRANSIENT, 3),
        used("create", Outcome.LIMITED, 7),
        used("create", Outcome.REJECTED, 7),
        used("create", Outcome.DENIED, 7),
        used("execute", Outcome.DONE, 5000),
        used("create", Outcome.DONE, 50, provider="other"),
    ]
    assert quotas(HOBBY, machines=5, used=told) == (
        Quota("e2b", "machines", 5, 20),
        Quota("e2b", "creations", 123, 3600),
    )


def test_without_a_rate_there_is_nothing_to_be_short_of() -> None:
    assert quotas(Plan("e2b", 0.0, 20), machines=0, used=[]) == (Quota("e2b", "machines", 0, 20),)
    [_, creations] = quotas(Plan("e2b", 0.0001, 20), machines=0, used=[])
    assert creations.most == 1


@pytest.mark.parametrize(
    ("count", "remaining", "share", "nearly"),
    [(0, 20, 0.0, False), (15, 5, 0.75, False), (16, 4, 0.8, True), (20, 0, 1.0, True), (23, 0, 1.15, True)],
)
def test_a_quota(count: int, remaining: int, share: float, nearly: bool) -> None:
    quota = Quota("e2b", "machines", count, 20)
    assert (quota.remaining, quota.is_nearly_used_up) == (remaining, nearly)
    assert quota.share == pytest.approx(share)


def test_a_crossing_is_told_once() -> None:
    few, many = Quota("e2b", "machines", 15, 20), Quota("e2b", "machines", 16, 20)
    elsewhere = Quota("other", "machines", 20, 20)
    assert crossings([few], set()) == []
    assert crossings([many, elsewhere], set()) == [many, elsewhere]
    assert crossings([many, elsewhere], {("e2b", "machines")}) == [elsewhere]


@pytest.mark.parametrize(
    ("plan", "machines", "queued", "said"),
    [
        (HOBBY, 7, 0, "No runs are queued."),
        (
            HOBBY,
            7,
            1,
            "Room for all of 1 queued run: 7 of 20 machines are in use. "
            "Creating what they need takes 3 s at 1 a second.",
        ),
        (
            Plan("e2b", 5.0, 20),
            7,
            300,
            "Room for 13 of 300 queued runs: 7 of 20 machines are in use. "
            "Creating what they need takes 3 min at 5 a second.",
        ),
        (Plan("e2b", 0.0, 4), 9, 2, "Room for 0 of 2 queued runs: 9 of 4 machines are in use."),
    ],
)
def test_whether_what_is_queued_fits(plan: Plan, machines: int, queued: int, said: str) -> None:
    assert forecast(plan, machines=machines, queued=queued) == said
