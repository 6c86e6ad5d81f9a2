"""The check run of our own on a pull request: what GitHub is asked to show, and which button somebody has pressed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

NAME = "Solvebot"
MOST_BUTTONS = 3  # GitHub's limits: https://docs.github.com/en/rest/checks/runs#create-a-check-run
LONGEST_LABEL = 20  # characters
LONGEST_DESCRIPTION = 40
LONGEST_IDENTIFIER = 20
_USE = re.compile(r"use-([1-9][0-9]?)", re.ASCII)


class Conclusion(StrEnum):
    """A robot's word never stops a merge."""

    SUCCESS = "success"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Button:
    label: str
    description: str
    identifier: str


@dataclass(frozen=True, slots=True)
class OwnCheck:
    """`key`: of the solve that opened the pull request. `url`: "" where there is no page.

    GitHub does not tell which buttons a check has, so `summary` names them: whoever compares it knows of both.
    """

    key: str
    title: str
    summary: str
    conclusion: Conclusion
    buttons: tuple[Button, ...] = ()
    url: str = ""


class Wanted(StrEnum):
    """What a button asks for. *Re-run* is GitHub's own, on every check."""

    RETRY = "retry"
    REVISE = "revise"
    USE = "use"
    RERUN = "rerun"


@dataclass(frozen=True, slots=True)
class Pressed:
    """`candidate`: the number of the run whose patch is wanted; 0 where none is."""

    wanted: Wanted
    candidate: int = 0


def read_button(identifier: str) -> Pressed | None:
    """None: no button of ours is called so."""
    if found := _USE.fullmatch(identifier):
        return Pressed(Wanted.USE, int(found[1]))
    return Pressed(Wanted(identifier)) if identifier in (Wanted.RETRY, Wanted.REVISE, Wanted.RERUN) else None


def use_button(candidate: int) -> str:
    return f"{Wanted.USE}-{candidate}"
