"""What kind a command line is. Decided by the program's name; where arguments matter, by them too."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from enum import Enum


class Kind(Enum):
    SETUP = "set-up"  # installs, builds
    TEST = "test"  # a test runner, or a task runner that is told to test
    CHECK = "check"  # lint, types, formatting
    UNFIT = "unfit"  # nothing for a sandbox: deploys, uploads, talks to services, needs root
    OTHER = "other"


_SHELL_SYNTAX = re.compile(r"[;&|<>()$`*?\[\]{}~\\\n#!]")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")


def plain_words(line: str) -> list[str] | None:
    """The words of one plain command: no pipe, no substitution, no redirection. None for anything else."""
    if _SHELL_SYNTAX.search(line):
        return None
    try:
        return shlex.split(line)
    except ValueError:  # an open quote
        return None


def without_assignments(words: Sequence[str]) -> list[str]:
    """`CI=1 pytest -q` -> `pytest -q`."""
    rest = list(words)
    while rest and _ASSIGNMENT.match(rest[0]):
        rest.pop(0)
    return rest
