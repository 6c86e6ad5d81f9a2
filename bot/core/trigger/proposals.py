"""A new text of the repository's configuration, on its way to a pull request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from bot.core.model import Person, Repo
from bot.core.trigger.config import ConfigProblem, parse_config
from bot.core.trigger.config_values import Mistake

LONGEST_PROPOSAL = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Proposal:
    """`is_new`: there is no such file yet. `key`: of the request, so that a repetition finds what it has made."""

    repo: Repo
    path: str
    text: str
    is_new: bool
    by: Person
    key: str

    @property
    def branch(self) -> str:
        return f"solvebot/configuration-{self.key}"


class Unfit(Enum):
    """Why a text is proposed to nobody."""

    MISTAKES = "there are mistakes in it"
    UNCHANGED = "the file says it already"
    SECRET = "it holds a secret of this bot"
    TOO_LONG = "it is too long"


def tidied(text: str) -> str:
    """As git and YAML like it: browsers send `\\r\\n`, and people forget the last line's end."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip()
    return f"{lines}\n" if lines else ""


def mistakes_in(text: str) -> tuple[Mistake, ...]:
    """All that would keep the bot from starting anything, with line and remedy; the same as is said in comments."""
    config = parse_config(text)
    return config.mistakes if isinstance(config, ConfigProblem) else ()


def unfit(text: str, present: str | None, redacted: str) -> Unfit | None:
    """`present`: the file as it is. `redacted`: the text without what may not be said; else it would lie on a branch.

    A text that says nothing is fit where there is a file: then the defaults hold.
    """
    if len(text) > LONGEST_PROPOSAL:
        return Unfit.TOO_LONG
    if redacted != text:
        return Unfit.SECRET
    if mistakes_in(text):
        return Unfit.MISTAKES
    return Unfit.UNCHANGED if text == tidied(present or "") else None
