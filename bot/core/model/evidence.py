"""What was observed about a candidate by running things."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.core.ids import RunId as RunId
from bot.core.ids import SandboxId as SandboxId
from bot.core.ids import Sha as Sha
from bot.core.ids import SnapshotId as SnapshotId
from bot.core.ids import SolveId as SolveId
from bot.core.model.candidate import GateFailure


@dataclass(frozen=True, slots=True)
class Likeness:
    """To another unbroken candidate, each 0 to 1: the old lines that both touch, and the tokens that both change."""

    run: RunId
    place: float
    token: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """What we observed about a candidate by running things. None: not observed."""

    run: RunId
    gate_failures: tuple[GateFailure, ...] = ()
    regressions: tuple[str, ...] = ()  # stable tests that no longer pass
    stable_passed: int = 0
    stable_total: int = 0
    test_files: tuple[str, ...] = ()  # tests that it adds or changes
    own_tests_on_base: bool | None = None  # did its own tests pass without its change (good: False)
    own_tests_on_candidate: bool | None = None  # ... and with it (good: True)
    fixed: tuple[str, ...] = ()  # tests that failed every time on the base commit and pass now
    repro_before: int | None = None  # exit codes of the repro command
    repro_after: int | None = None
    agreement: float = 0.0  # best similarity to a candidate of another run, 0 to 1
    agrees_with: tuple[RunId, ...] = ()  # those at 0.8 or more
    place: float = 0.0  # the mean of its likenesses, another model's counting more; 0 to 1
    token: float = 0.0
    likenesses: tuple[Likeness, ...] = ()
    inert: bool = False  # nothing in it but comments, white space and tests
    lines_changed: int = 0
    files_changed: int = 0
    meddles: tuple[str, ...] = ()  # files in which it touches what runs the tests
    problem: str = ""  # why something could not be observed, for people
    notes: tuple[str, ...] = ()  # how it was observed, for people: "1 new failure passed when repeated"

    @property
    def repro_flips(self) -> bool:
        """The repro command failed before the change and passes after it."""
        return self.repro_before not in (None, 0) and self.repro_after == 0

    @property
    def own_tests_flip(self) -> bool:
        return self.own_tests_on_base is False and self.own_tests_on_candidate is True


@dataclass(frozen=True, slots=True)
class Comparison:
    """The word of a model that read two candidates, in both orders, and said the same both times."""

    preferred: RunId
    other: RunId
    by: str  # the model, as people call it


class Answer(StrEnum):
    """Of a model that was shown two candidates."""

    FIRST = "first"
    SECOND = "second"
    NEITHER = "neither"  # also whatever could not be read
