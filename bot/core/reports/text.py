"""What all readers share: names that are the same from run to run, and the error of those that cannot read."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.core.model import Verdict

MAX_NAME = 400  # characters of a test's name; parametrized names can hold whole documents
_MAX_LINE = 2000
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]{0,40}[ -/]{0,10}[@-~]|[@-Z\\-_])")

_WORST_LAST = (Verdict.PASSED, Verdict.SKIPPED, Verdict.FAILED)


class UnreadableReport(ValueError):
    """Malformed, cut off, too large, or not what its format says."""


def worse(one: Verdict, other: Verdict) -> Verdict:
    return max(one, other, key=_WORST_LAST.index)


class Tests:
    """Verdicts by name; of several under one name the worst counts."""

    __test__ = False  # not a test case, whatever pytest thinks of the name

    def __init__(self) -> None:
        self.found: dict[str, Verdict] = {}

    def add(self, name: str, verdict: Verdict) -> None:
        name = name[:MAX_NAME]
        self.found[name] = worse(verdict, self.found.get(name, Verdict.PASSED))


def lines(content: bytes) -> Iterator[str]:
    """Without colours, each cut to a length that patterns can be let loose on."""
    for line in content.decode(errors="replace").split("\n"):
        yield _ESCAPE.sub("", line[:_MAX_LINE]).rstrip("\r")
