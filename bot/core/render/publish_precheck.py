"""Why nothing is begun: what was found that forbids publishing, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.render.text import code
from bot.core.text.outgoing import Clean
from bot.core.trigger.publish_precheck import Bar, Obstacle

_ANOTHER_NAME = 'or give me another name: `pull_request: {branch: "..."}` in `.github/solvebot.yml`'
_BYPASS = "Let this App bypass the ruleset"


def not_publishable(branch: Clean, found: Sequence[Obstacle]) -> str:
    """One sentence for each obstacle."""
    lines = [f"- {_sentence(branch, obstacle)}" for obstacle in found]
    return "\n".join(["I could not publish what I find here, so I started nothing:", "", *lines])


def not_permitted(remedy: Clean) -> str:
    return f"I may not publish anything here, so I started nothing. {remedy}".strip().rstrip(".") + "."


def _sentence(branch: Clean, obstacle: Obstacle) -> str:
    named = code(branch)
    detail = code(obstacle.detail)
    match obstacle.bar:
        case Bar.NAME:
            return f"There is a branch {detail}, so git allows none called {named}. Rename it, {_ANOTHER_NAME}."
        case Bar.NO_PULLS:
            return "Pull requests are switched off in this repository. Switch them on in its settings."
        case Bar.CREATION:
            return f"A ruleset forbids new branches such as {named}. {_BYPASS}, {_ANOTHER_NAME}."
        case Bar.BRANCH_NAME:
            return f"A ruleset wants names of branches to {detail}, unlike {named}. {_BYPASS}, {_ANOTHER_NAME}."
        case Bar.MESSAGE:
            return f"A ruleset wants messages of commits to {detail}, and mine would not. {_BYPASS}."
        case Bar.AUTHOR:
            return f"A ruleset wants the e-mail address of a commit to {detail}, and mine does not. {_BYPASS}."
        case Bar.SIGNATURE:
            return f"A ruleset wants signed commits, and this GitHub does not sign what Apps write. {_BYPASS}."
        case Bar.CHECKS:
            return (
                f"A ruleset wants checks to pass before {named} exists. In it, switch on “Do not require status checks "
                f"on creation”, or exclude such branches."
            )
