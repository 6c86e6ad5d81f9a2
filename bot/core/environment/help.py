"""When no plan holds, an agent may look for the environment: whether, by which model, for how much, and what it left.

Published systems that do this end in a script that is run again from nothing, and find that the size of the model is
not what decides. So the cheapest model of the line-up looks, and what it says counts for nothing: its script is tried
like any other plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.core.environment.proof import Attempt, Proof
from bot.core.model import Experiment, Limits, ModelSpec, RepoConfig, Toolchain
from bot.core.runners import REPORT_FOLDER
from bot.core.trigger.config import MAX_SIZE, ConfigProblem, parse_config

FOUND_BY_AGENT = "found by the set-up agent"
SCRIPT = "/home/agent/environment.yml"  # where the agent leaves it: outside the workspace
MAX_SCRIPT = MAX_SIZE  # bytes
MAX_COMMANDS = 40
MOST_OF_BUDGET = 0.25  # of what the solve may cost: the attempts are what was asked for
LEAST_DOLLARS = 0.01  # below it an agent cannot even look around
READ_PER_WRITTEN = 30  # tokens: each step reads the whole conversation again


@dataclass(frozen=True, slots=True)
class HelpPolicy:
    """What the operator allows an agent to spend on one environment."""

    allowed: bool = True
    dollars: float = 0.25
    steps: int = 40


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one agent gets. It exceeds its dollars by one call of its model at most."""

    model: ModelSpec
    steps: int
    dollars: float


@dataclass(frozen=True, slots=True)
class NoHelp:
    """`reason`: a sentence for people; "" where the operator wants it so, and nobody needs to be told."""

    reason: str = ""


NO_HELP = NoHelp()


def allowance(policy: HelpPolicy, limits: Limits, experiments: Sequence[Experiment]) -> Allowance | NoHelp:
    """The operator's dollars, and never more than a quarter of the solve's; the cheapest model of the line-up."""
    if not policy.allowed:
        return NO_HELP
    model = cheapest([experiment.model for experiment in experiments])
    if model is None:
        return NoHelp("No agent looked for one: no model of the line-up has a known price.")
    dollars = min(policy.dollars, limits.dollars * MOST_OF_BUDGET)
    if dollars < LEAST_DOLLARS:
        return NoHelp(f"No agent looked for one: ${limits.dollars:g} for the whole solve leave too little for it.")
    return Allowance(model, min(policy.steps, limits.steps), dollars)


def cheapest(models: Sequence[ModelSpec]) -> ModelSpec | None:
    """By what a typical step costs, which reads far more than it writes; the first of equals.

    Only active ones whose price is known: no budget could be kept with another.
    """
    priced = [(model, model.prices) for model in models if model.is_active and model.prices is not None]
    best = min(priced, key=lambda pair: READ_PER_WRITTEN * pair[1].input + pair[1].output, default=None)
    return best[0] if best else None


def needs_help(chosen: Attempt, config: RepoConfig) -> bool:
    """No plan holds. Where the repository itself names its tests, it is enough that they pass."""
    if chosen.holds:
        return False
    return config.test is None or chosen.proof in (Proof.FAILS, Proof.NOTHING)


def is_proved(attempt: Attempt) -> bool:
    """More than of a plan that was read: nobody but a model says that these are tests, so they must be seen to notice.

    A report that the script writes by itself says the same with the product's code or a test file broken on purpose.
    """
    return attempt.holds and (attempt.trial.notices is True or bool(attempt.trial.canary))


@dataclass(frozen=True, slots=True)
class Script:
    """What the agent left. `problem`: why there is no plan in it, a sentence for people and for the agent."""

    plan: Toolchain | None
    problem: str = ""


def read_script(content: bytes | None, config: RepoConfig, ecosystem: str) -> Script:
    """The script in the words of `.github/solvebot.yml`, so that people can commit what was found.

    It is what anybody likes: size, number of commands and keys are bounded, and whatever is odd is refused. A test
    command that the repository names itself stands.
    """
    if content is None:
        return Script(None, f"There is no file {SCRIPT}.")
    if len(content) > MAX_SCRIPT:
        return Script(None, f"{SCRIPT} is larger than {MAX_SCRIPT // 1024} kB.")
    try:
        read = parse_config(content.decode())
    except UnicodeDecodeError:
        return Script(None, f"{SCRIPT} is not UTF-8 text.")
    if isinstance(read, ConfigProblem):
        first = read.mistakes[0]
        return Script(None, f"{SCRIPT} has a mistake in line {first.line}: {first.reason}")
    if problem := _problem(read):
        return Script(None, problem)
    return Script(Toolchain(read.setup or (), config.test or read.test, FOUND_BY_AGENT, ecosystem))


def _problem(read: RepoConfig) -> str:
    setup, test = read.setup or (), read.test or ""
    if read != RepoConfig(setup=read.setup, test=read.test):
        return f"{SCRIPT} has keys other than `setup` and `test`."
    if not test:
        return f"{SCRIPT} does not say how the tests are run: there is no `test`."
    if "\n" in test:
        return f"`test` in {SCRIPT} must be one line of shell."
    if len(setup) > MAX_COMMANDS:
        return f"{SCRIPT} has {len(setup)} set-up commands. Use at most {MAX_COMMANDS}."
    if any(_REPORTS in command for command in (*setup, test)):
        return f"{SCRIPT} names {REPORT_FOLDER}, where only test runners write."
    return ""


_REPORTS = REPORT_FOLDER.rpartition("/")[2]
