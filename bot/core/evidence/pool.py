"""Tests that judge every candidate, whoever wrote them: the pool, and how each candidate did on each of its tests."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.core.ids import RunId


class Origin(StrEnum):
    """Who wrote a pooled test."""

    CANDIDATE = "candidate"  # a new or changed test of a candidate
    SCRIPT = "script"  # a script that a run wrote on its way to see the problem, and did not hand in
    ISSUE = "issue"  # written from the issue alone, by a model that has seen no candidate


@dataclass(frozen=True, slots=True)
class PooledTest:
    """One test case of the pool: red on the base commit, the same way twice, and green on at least one candidate.

    A candidate in neither of the last two was not seen on it.
    """

    name: str  # as the runner says it; for a script its path
    origin: Origin
    author: RunId | None  # None: none of the candidates
    passed_by: tuple[RunId, ...]
    failed_by: tuple[RunId, ...]
    group: str = ""  # tests of one group came in one file or one run: "A's tests", "B's script repro.py"
