"""Who runs with what: the line-up, the layout and the limits."""

import pytest

from bot.core.choosing.experiments import Plan, ServerLimits, plan
from bot.core.model import Limits, ModelSpec, RepoConfig, SolveOptions, Strategy
from bot.core.trigger.commands import Misread

BASE, TEST, MINI = Strategy.BASELINE, Strategy.TEST_FIRST, Strategy.MINIMAL
CATALOGUE = [
    ModelSpec("a", "p", "vendor/a"),
    ModelSpec("b", "p", "vendor/b", temperature=0.2),
    ModelSpec("c", "p", "vendor/c"),
    ModelSpec("d", "p", "vendor/d"),
]
SERVER = ServerLimits(Limits(parallel=3, minutes=30.0, dollars=2.0, steps=150), models=("a", "b"), attempts=3)


def planned(options: SolveOptions, config: RepoConfig | None = None, server: ServerLimits = SERVER) -> Plan:
    result = plan(options, config or RepoConfig(), CATALOGUE, server)
    assert isinstance(result, Plan), result
    return result


@pytest.mark.parametrize(
    ("options", "config", "layout"),
    [
        # nobody says anything: the server's models in turn, each round with the next strategy
        (SolveOptions(), RepoConfig(), [("a", BASE, None), ("b", TEST, 0.2), ("a", TEST, None)]),
        # all combinations before any repetition, temperatures last
        (
            SolveOptions(attempts=6),
            RepoConfig(models=("a",)),
            [
                ("a", BASE, None),
                ("a", TEST, None),
                ("a", BASE, 0.7),
                ("a", TEST, 0.7),
                ("a", BASE, 1.0),
                ("a", TEST, 1.0),
            ],
        ),
        (
            SolveOptions(attempts=5),
            RepoConfig(models=("b",), strategies=(BASE,)),
            [("b", BASE, 0.2), ("b", BASE, 0.7), ("b", BASE, 1.0), ("b", BASE, 0.4), ("b", BASE, 0.2)],
        ),
        # one attempt for each model that is named, also above the default
        (
            SolveOptions(models=("c", "a", "C", "b", "d")),
            RepoConfig(models=("b",), attempts=None),
            [("c", BASE, None), ("a", TEST, None), ("b", BASE, 0.2), ("d", TEST, None)],
        ),
        # two named strategies and two attempts: both are seen
        (
            SolveOptions(models=("a", "b"), strategies=(MINI, TEST), attempts=2),
            RepoConfig(),
            [("a", MINI, None), ("b", TEST, 0.2)],
        ),
        # named temperatures are spread over the models, too
        (
            SolveOptions(models=("a", "b"), strategies=(BASE,), temperatures=(0.0, 0.9), attempts=4),
            RepoConfig(),
            [("a", BASE, 0.0), ("b", BASE, 0.9), ("a", BASE, 0.9), ("b", BASE, 0.0)],
        ),
        # the repository's number stands unless the command says another
        (SolveOptions(), RepoConfig(attempts=1), [("a", BASE, None)]),
        (SolveOptions(attempts=2), RepoConfig(attempts=1), [("a", BASE, None), ("b", TEST, 0.2)]),
    ],
)
def test_layout(options: SolveOptions, config: RepoConfig, layout: list[tuple[str, Strategy, float | None]]) -> None:
    experiments = planned(options, config).experiments
    assert [(e.model.name, e.strategy, e.temperature) for e in experiments] == layout
    assert [e.index for e in experiments] == list(range(1, len(layout) + 1))


def test_no_combination_comes_twice_while_there_are_others() -> None:
    options = SolveOptions(models=("a", "b"), strategies=(BASE, TEST), temperatures=(0.1, 0.9), attempts=8)
    experiments = planned(options).experiments
    assert len({(e.model.name, e.strategy, e.temperature) for e in experiments}) == 8


@pytest.mark.parametrize(
    ("options", "config", "limits"),
    [
        (SolveOptions(), RepoConfig(), Limits(3, 30.0, 2.0, 150)),
        (SolveOptions(dollars=1.0, minutes=10.0), RepoConfig(), Limits(3, 10.0, 1.0, 150)),
        (SolveOptions(dollars=9.0, minutes=90.0), RepoConfig(), Limits(3, 30.0, 2.0, 150)),
        (
            SolveOptions(dollars=1.5),
            RepoConfig(parallel=1, minutes=20.0, dollars=1.0, steps=50),
            Limits(1, 20.0, 1.0, 50),
        ),
        (SolveOptions(), RepoConfig(rounds=2), Limits(3, 30.0, 2.0, 150, rounds=2)),
        (SolveOptions(), RepoConfig(parallel=8, minutes=999.0, dollars=99.0, steps=900), Limits(3, 30.0, 2.0, 150)),
    ],
)
def test_the_strictest_limit_wins(options: SolveOptions, config: RepoConfig, limits: Limits) -> None:
    result = planned(options, config)
    assert result.limits == limits
    assert {e.steps for e in result.experiments} == {limits.steps}


@pytest.mark.parametrize("attempts", range(1, 9))
@pytest.mark.parametrize("dollars", [0.1, 0.7, 1.0, 2.0])
def test_the_shares_are_equal_and_never_more_than_the_whole(attempts: int, dollars: float) -> None:
    shares = [e.dollars for e in planned(SolveOptions(attempts=attempts, dollars=dollars)).experiments]
    assert len(set(shares)) == 1
    assert dollars - 1e-4 < sum(shares) <= dollars + 1e-9


@pytest.mark.parametrize(
    ("options", "server", "note"),
    [
        (
            SolveOptions(attempts=8),
            ServerLimits(SERVER.limits, ("a",), 3, max_attempts=2),
            "8 attempts were asked for; this server allows 2.",
        ),
        (SolveOptions(models=("a", "b", "c"), attempts=2), SERVER, "With 2 attempts there is no place for c."),
        (SolveOptions(models=("a", "b"), attempts=1), SERVER, "With 1 attempt there is no place for b."),
        (SolveOptions(dollars=5.0), SERVER, "$5 were allowed; the limit here is $2."),
        (SolveOptions(minutes=90.0), SERVER, "90 minutes were allowed; the limit here is 30."),
    ],
)
def test_less_than_asked_for_is_said(options: SolveOptions, server: ServerLimits, note: str) -> None:
    assert planned(options, server=server).notes == (note,)


@pytest.mark.parametrize(
    ("options", "config", "what"),
    [
        (SolveOptions(models=("x",)), RepoConfig(models=("y",)), "`x` is not a model here."),
        (SolveOptions(), RepoConfig(models=("y",)), "`y` is not a model here. It comes from `.github/solvebot.yml`."),
        (SolveOptions(dollars=0.02, attempts=3), RepoConfig(), "$0.02 is not enough for 3 attempts."),
        (SolveOptions(dollars=0.005, attempts=1), RepoConfig(), "$0.005 is not enough for 1 attempt."),
    ],
)
def test_what_cannot_be_planned(options: SolveOptions, config: RepoConfig, what: str) -> None:
    result = plan(options, config, CATALOGUE, SERVER)
    assert isinstance(result, Misread)
    assert result.what == what


def test_a_default_line_up_that_is_gone_is_the_operators_fault() -> None:
    result = plan(SolveOptions(), RepoConfig(), CATALOGUE, ServerLimits(SERVER.limits, ("gone",)))
    assert isinstance(result, Misread)
    assert "default line-up" in result.what
