"""When no plan holds: whether an agent may look for one, by which model, what it is told, and what it left."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.choosing.experiments import Plan, after_setup
from bot.core.environment.brief import Signposts, setup_brief, signposts
from bot.core.environment.files import Files
from bot.core.environment.help import (
    FOUND_BY_AGENT,
    NO_HELP,
    Allowance,
    HelpPolicy,
    NoHelp,
    Script,
    allowance,
    cheapest,
    is_proved,
    needs_help,
    read_script,
)
from bot.core.environment.proof import Attempt, Trial
from bot.core.environment.tools import Tools
from bot.core.model import Experiment, Limits, ModelSpec, Prices, RepoConfig, Strategy, TestReport, Toolchain, Verdict
from bot.core.render.environment import configuration
from bot.core.trigger.config import parse_config

NOTHING_SAID = RepoConfig()
PYTEST = Toolchain(("pip install .",), "pytest -q", "detected")


def model(name: str, input: float, output: float, *, is_active: bool = True) -> ModelSpec:
    return ModelSpec(name, "p", f"p/{name}", prices=Prices(input, output), is_active=is_active)


DEAR, CHEAP, TERSE = model("dear", 3, 15), model("cheap", 0.25, 2), model("terse", 0.25, 1.5)
UNPRICED = ModelSpec("free?", "p", "p/free")


@pytest.mark.parametrize(
    ("models", "chosen"),
    [
        ([DEAR, CHEAP], CHEAP),
        ([CHEAP, TERSE], TERSE),
        ([model("reads cheaply", 0.1, 4), CHEAP], model("reads cheaply", 0.1, 4)),  # it reads far more than it writes
        ([model("a", 1, 1), model("b", 1, 1)], model("a", 1, 1)),
        ([UNPRICED, DEAR], DEAR),
        ([model("asleep", 0.01, 0.01, is_active=False), DEAR], DEAR),
        ([UNPRICED], None),
        ([], None),
    ],
)
def test_the_cheapest_model_looks(models: list[ModelSpec], chosen: ModelSpec | None) -> None:
    assert cheapest(models) == chosen


def experiments(*models: ModelSpec) -> tuple[Experiment, ...]:
    return tuple(Experiment(i, m, None, Strategy.BASELINE, 100, 0.5) for i, m in enumerate(models, 1))


@pytest.mark.parametrize(
    ("policy", "limits", "models", "answer"),
    [
        (HelpPolicy(), Limits(dollars=2.0), (DEAR, CHEAP), Allowance(CHEAP, 40, 0.25)),
        (HelpPolicy(), Limits(dollars=0.4), (DEAR,), Allowance(DEAR, 40, 0.1)),
        (HelpPolicy(), Limits(dollars=2.0, steps=15), (DEAR,), Allowance(DEAR, 15, 0.25)),
        (HelpPolicy(dollars=0.1, steps=5), Limits(dollars=2.0), (DEAR,), Allowance(DEAR, 5, 0.1)),
        (HelpPolicy(allowed=False), Limits(), (DEAR,), NO_HELP),
        (
            HelpPolicy(),
            Limits(dollars=0.03),
            (DEAR,),
            NoHelp("No agent looked for one: $0.03 for the whole solve leave too little for it."),
        ),
        (
            HelpPolicy(),
            Limits(),
            (UNPRICED,),
            NoHelp("No agent looked for one: no model of the line-up has a known price."),
        ),
    ],
)
def test_what_an_agent_may_spend(
    policy: HelpPolicy, limits: Limits, models: tuple[ModelSpec, ...], answer: Allowance | NoHelp
) -> None:
    assert allowance(policy, limits, experiments(*models)) == answer


@pytest.mark.parametrize(("spent", "shares"), [(0.25, [0.875, 0.875]), (0.0, [1.0, 1.0]), (2.5, [0.0, 0.0])])
def test_the_runs_share_what_is_left(spent: float, shares: list[float]) -> None:
    rest = after_setup(Plan(experiments(DEAR, CHEAP), Limits(dollars=2.0)), spent)
    assert [experiment.dollars for experiment in rest.experiments] == shares
    assert rest.limits.dollars == 2.0


def attempt(passed: bool, *, per_test: bool, notices: bool | None = True, failure: str = "") -> Attempt:
    verdicts = {"a": Verdict.PASSED if passed else Verdict.FAILED}
    report = TestReport("pytest -q", 0 if passed else 1, verdicts, per_test, 1.0, tail="E  no such module")
    return Attempt(PYTEST, Trial(report, notices), failure)


SINGLE, EXIT_CODE = attempt(True, per_test=True), attempt(True, per_test=False)
COPY, FAILS = attempt(True, per_test=True, notices=False), attempt(False, per_test=True)
NO_TESTS = Attempt(PYTEST, Trial())
UNSET = attempt(True, per_test=True, failure="The set-up command failed.")


@pytest.mark.parametrize(
    ("chosen", "unsaid", "named"),
    [
        (SINGLE, False, False),
        (EXIT_CODE, True, False),
        (COPY, True, False),
        (UNSET, True, False),
        (FAILS, True, True),
        (NO_TESTS, True, True),
    ],
)
def test_when_help_is_needed(chosen: Attempt, unsaid: bool, named: bool) -> None:
    """Where the repository names its tests, not while they pass."""
    assert needs_help(chosen, NOTHING_SAID) is unsaid
    assert needs_help(chosen, RepoConfig(test="sh tests/test.sh")) is named


@pytest.mark.parametrize(
    ("seen", "proved"),
    [
        (SINGLE, True),
        (EXIT_CODE, False),
        (COPY, False),
        (FAILS, False),
        (NO_TESTS, False),
        (UNSET, False),
        (attempt(True, per_test=True, notices=None), False),  # nobody but a model says that these are tests
    ],
)
def test_what_proves_a_script(seen: Attempt, proved: bool) -> None:
    assert is_proved(seen) is proved


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("test: pytest -q", Toolchain((), "pytest -q", FOUND_BY_AGENT, "python")),
        ('setup: make\ntest: "a && b"', Toolchain(("make",), "a && b", FOUND_BY_AGENT, "python")),
        (
            "setup:\n  - |\n    one\n    two\n  - three\ntest: >\n  pytest\n  -q\n",
            Toolchain(("one\ntwo", "three"), "pytest -q", FOUND_BY_AGENT, "python"),
        ),
    ],
)
def test_a_script(text: str, plan: Toolchain) -> None:
    assert read_script(text.encode(), NOTHING_SAID, "python") == Script(plan)


def test_tests_that_the_repository_names_stand() -> None:
    found = read_script(b"setup: [make]\ntest: 'true'", RepoConfig(test="make check"), "")
    assert found.plan is not None
    assert (found.plan.setup, found.plan.test) == (("make",), "make check")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "There is no file /home/agent/environment.yml."),
        (b"a" * 1_048_576, "/home/agent/environment.yml is larger than 64 kB."),
        (b"\xff\xfe", "/home/agent/environment.yml is not UTF-8 text."),
        (b"", "does not say how the tests are run"),
        (b"setup: [make]", "does not say how the tests are run"),
        (b"test: |\n  a\n  b\n", "must be one line of shell"),
        (b"test: a\nmodels: [x]", "has keys other than `setup` and `test`"),
        (b"test: a\nprotect: []\nwho: read", "has keys other than `setup` and `test`"),
        (b"test: a\nlanguage: python", "has a mistake in line 2"),
        (b"test: [a, b]", "has a mistake in line 1"),
        (b"test: !!python/object/apply:os.system [ls]", "has a mistake in line 1"),
        (b"a: &a [x]\ntest: *a", "has a mistake in line 1"),
        (b"\t", "has a mistake in line 1"),
        (b"[" * 5000, "has a mistake in line 1"),
        (b"test: x\nsetup: [" + b",".join(b"m%d" % i for i in range(41)) + b"]", "has 41 set-up commands"),
        (b"test: cp x ~/.solvebot/report.xml", "where only test runners write"),
        (b"setup: ['ls > $HOME/.solvebot/a']\ntest: x", "where only test runners write"),
    ],
)
def test_what_is_no_script(content: bytes | None, problem: str) -> None:
    found = read_script(content, NOTHING_SAID, "")
    assert found.plan is None
    assert problem in found.problem


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_whatever_was_left_is_read(content: bytes) -> None:
    found = read_script(content, NOTHING_SAID, "")
    assert (found.plan is None) == bool(found.problem)


def test_what_was_found_can_be_committed() -> None:
    found = Toolchain(('echo "a: b" > \\ü', "make # it"), "PYTHONPATH=. pytest -k 'a or b'", FOUND_BY_AGENT)
    told = parse_config(configuration(Attempt(found, SINGLE.trial)))
    assert isinstance(told, RepoConfig)
    assert (told.setup, told.test) == (found.setup, found.test)


def test_where_to_look_first() -> None:
    paths = ["README.md", "a.py", "b.py", ".github/workflows/ci.yml", "Makefile", ".devcontainer/devcontainer.json"]
    found = signposts(Files(frozenset(paths), {}), Tools({}))
    assert found.paths == (".github/workflows/ci.yml", ".devcontainer/devcontainer.json", "Makefile", "README.md")
    assert found.ecosystem == "python"


def test_it_is_told_what_was_tried_and_how_it_failed() -> None:
    told = setup_brief(
        Signposts(("Makefile",), "python", Tools({"node": "20.1", "make": ""})),
        RepoConfig(test="make check"),
        [FAILS],
        "",
    )
    assert told == (
        "Files that say how it is built and tested, best first:\n- Makefile\n\n"
        "Programs in the sandbox: make, node 20.1.\n\n"
        "The project itself says that its tests are run with this, which stands: make check\n\n"
        "Plan 1 (detected) did not hold.\n$ pip install .\n$ pytest -q\nNo test passes (0 s). It said: "
        "E  no such module\nE  no such module"
    )


def test_it_is_told_what_was_wrong_with_the_script_before() -> None:
    told = setup_brief(Signposts((), "", Tools({})), NOTHING_SAID, [], "There is no file.")
    assert told == (
        "Programs in the sandbox: none that are known.\n\n"
        "An earlier agent left a script, which did not do: There is no file."
    )


def test_it_is_told_at_most_so_much() -> None:
    long = "x" * 100_000
    paths = frozenset(f".github/workflows/{number}{long}.yml" for number in range(99))
    report = TestReport(long, 1, {}, False, 1.0, tail=long)
    tried = [Attempt(Toolchain((long,) * 99, long, long), Trial(report), long)] * 99
    told = setup_brief(signposts(Files(paths, {}), Tools({})), RepoConfig(test=long), tried, long)
    assert len(told) < 50_000
