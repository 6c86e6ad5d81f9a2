"""What people did with a pull request, in the status comment; and the one question, where nobody wanted it."""

from __future__ import annotations

from bot.core.model import Fate, SolveFacts
from bot.core.render.failure_reasons import quoted
from bot.core.render.text import details, harmless

LONGEST = 500  # characters of a reason
QUESTION = "It was closed and not merged. What was wrong with it?"


def what_became(facts: SolveFacts) -> str:
    """ "" while it is open."""
    match facts.fate:
        case Fate.MERGED:
            return "It was merged."
        case Fate.CHANGED:
            return "It was merged, after changes."
        case Fate.REVERTED:
            return "It was merged, and taken back."
        case Fate.CLOSED if facts.fate_why:
            return f"It was closed and not merged: {harmless(quoted(facts.fate_why, LONGEST))}"
        case Fate.CLOSED:
            how = "Say `/solve reject` and why, in a comment here or there. It is kept with the record, and shown here."
            return details(QUESTION, how)
        case _:
            return ""


def retargeted(by: str, before: str, now: str) -> str:
    """Stored, and escaped where it is shown."""
    return f"{by} changed the pull request's base branch from {before} to {now}. What was run, was run on {before}."
