"""What is said about a proposed configuration: on its page, to the API, and in its pull request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.core.text.outgoing import Clean
from bot.core.trigger.config_values import Mistake
from bot.core.trigger.proposals import LONGEST_PROPOSAL, Proposal, Unfit

STARTER = """\
# What Solvebot does in this repository.
# What is left out it finds out, or its operator has decided.
labels: [solve-me] # who puts one of these on an issue starts a solve
who: write # the least permission of those who may ask
# setup: ["pip install -e .[test]"]
# test: "pytest -q"
# attempts: 3
# limits: {dollars: 2.00, minutes: 30}
# protect: ["migrations/**"] # no patch may change these
# pull_request: {draft: auto}
"""

WHY_NOT: Mapping[Unfit, str] = {
    Unfit.MISTAKES: "There are mistakes in it, with which nothing would be started.",
    Unfit.UNCHANGED: "The file says that already.",
    Unfit.SECRET: "It holds what looks like a secret, so it is not put on a branch.",
    Unfit.TOO_LONG: f"It is longer than {LONGEST_PROPOSAL:,} characters. It needs a few lines only.",
}


def listed(mistakes: Sequence[Mistake]) -> str:
    return " ".join(f"Line {mistake.line}: {mistake.reason}" for mistake in mistakes)


def title(proposal: Proposal) -> str:
    return "Configure Solvebot" if proposal.is_new else "Change the configuration of Solvebot"


def body(proposal: Proposal, login: Clean) -> str:
    told = "adds" if proposal.is_new else "changes"
    return (
        f"This {told} `{proposal.path}`. It was read without a mistake, and holds from the moment it is on the default "
        f"branch.\n\n*{login} asked for this through Solvebot.*"
    )


def opened(number: int, url: str) -> str:
    return f"Pull request #{number} is open: {url}"


def not_opened(remedy: str) -> str:
    return f"GitHub did not let the bot open the pull request. {remedy}".rstrip()


def nothing_to_build_on() -> str:
    return "There is no commit in the repository yet, so there is no branch that a pull request could go to."
