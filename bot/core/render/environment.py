"""What people read about environments: what is tried, what came of it, the configuration that says what was found."""

from __future__ import annotations

import json

from bot.core.environment.help import FOUND_BY_AGENT, Allowance
from bot.core.environment.proof import Attempt, Found, Proof, passing
from bot.core.model import Consulted, SolveFacts, Toolchain
from bot.core.render.failure_reasons import last_lines
from bot.core.render.text import block, count, details, dollars

_MOST_LEFT_OUT = 5


def trying(plan: Toolchain) -> str:
    return f"Trying a plan ({plan.why}): {plan.test or 'no tests'}"


def outcome(attempt: Attempt) -> str:
    """One sentence on what was seen of a plan, and the end of what it printed when it does not hold."""
    report = attempt.trial.report
    took = f" ({attempt.seconds:.0f} s)"
    match attempt.proof:
        case Proof.SINGLE_TESTS:
            said = f"{count(passing(attempt), 'test')} pass, and they are about this code{took}."
        case Proof.EXIT_CODE:
            said = f"The tests pass as one command, and say nothing about single tests{took}."
        case Proof.ANOTHER_COPY:
            said = f"The tests pass with this code broken, too: they load another copy of it{took}."
        case Proof.FAILS:
            said = f"No test passes{took}."
        case _:
            said = f"No test could be run{took}."
    if attempt.set_up_failure:
        said = f"{said} {attempt.set_up_failure}"
    elif report is not None and attempt.proof in (Proof.FAILS, Proof.NOTHING):
        said = f"{said} It said: {last_lines(report.tail, 3)}"
    return said


def tried(attempt: Attempt) -> str:
    """A line of the list of what was tried."""
    return f"{attempt.plan.test or 'no test command'} ({attempt.plan.why}): {outcome(attempt)}"


def notes(found: Found) -> str:
    """What people should know about the environment that is used, and about what was left out."""
    attempt = found.attempt
    said = [attempt.set_up_failure, *attempt.plan.notes, *attempt.lacking]
    if attempt.holds:
        return " ".join(filter(None, said))
    left_out = [f"{skipped.source}: {skipped.reason}" for skipped in found.plans.skipped]
    return " ".join(filter(None, [*said, *left_out[:_MOST_LEFT_OUT]]))


def configuration(attempt: Attempt) -> str:
    """`.github/solvebot.yml` for what was found: what it says then is not searched for again."""
    about = f"# Tried on a fresh copy: {count(passing(attempt), 'test')} pass." if attempt.holds else _NOT_YET
    return f"{about}\n{_setup_and_test(attempt.plan)}"


def beginning_of_configuration(plan: Toolchain | None) -> str:
    """The same for what did not work: the best plan, to be corrected."""
    return f"{_NOT_YET}\n{_setup_and_test(plan or Toolchain((), None, ''))}"


_NOT_YET = "# This does not work yet: say what set-up and tests need."


def _setup_and_test(plan: Toolchain) -> str:
    lines = ["setup:", *(f"  - {json.dumps(command)}" for command in plan.setup)] if plan.setup else ["setup: []"]
    lines.append(f"test: {json.dumps(plan.test or 'make test')}")
    return "\n".join(lines) + "\n"


# ------------------------------------------------------------------------------------------------- the set-up agent


def agent_starts(allowance: Allowance) -> str:
    return (
        f"No plan holds, so an agent looks for one: {allowance.model.name}, "
        f"at most {count(allowance.steps, 'step')} and {dollars(allowance.dollars)}."
    )


def agent_found(work: Consulted) -> str:
    return (
        f"No plan that was read from the repository holds, so an agent looked for one and found it ({_effort(work)}). "
        "It was tried in a fresh sandbox like any other."
    )


def agent_found_nothing(work: Consulted, problem: str) -> str:
    said = f"No plan holds, and an agent that looked for one found none ({_effort(work)}). {problem}"
    return said.rstrip()[:700]


def not_proved(attempt: Attempt) -> str:
    """A script that the agent left, and that did not hold when it was tried."""
    if attempt.holds:
        return "Its script runs tests, but nothing shows that they are about this code."
    return f"Its script did not hold in a fresh sandbox. {outcome(attempt)}"


def agent_at_work(work: Consulted) -> str:
    """While it is looking."""
    return f"No plan that was read from the repository holds, so an agent is looking for one ({_effort(work)})."


def offer(facts: SolveFacts) -> str:
    """What the agent found, as a file to be committed; "" where nothing was found by one."""
    plan, baseline = facts.toolchain, facts.baseline
    if plan is None or baseline is None or plan.why != FOUND_BY_AGENT:
        return ""
    told = f"# Tried on a fresh copy: {count(len(baseline.stable), 'test')} always pass.\n{_setup_and_test(plan)}"
    return details(
        "How it was set up and tested: found by an agent. Commit this, and nobody has to search again",
        f"`.github/solvebot.yml`\n\n{block(told, 'yaml')}",
    )


def _effort(work: Consulted) -> str:
    return f"{work.model}, {count(work.steps, 'step')}, {dollars(work.dollars)}"
