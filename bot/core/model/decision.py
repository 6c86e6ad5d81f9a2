"""The ranked evidence and the outcome."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from bot.core.ids import RunId as RunId
from bot.core.ids import SandboxId as SandboxId
from bot.core.ids import Sha as Sha
from bot.core.ids import SnapshotId as SnapshotId
from bot.core.ids import SolveId as SolveId


class Outcome(StrEnum):
    READY = "ready"
    DRAFT = "draft"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Ranked:
    """One candidate's place. `verdict` is one short phrase: "champion", "runner-up", "breaks 2 tests"."""

    run: RunId
    place: int
    verdict: str
    eligible: bool
    confidence: float = 0.0  # the chance that it is right, 0 to 1; 0 where none was stated


@dataclass(frozen=True, slots=True)
class Decision:
    """The ranked evidence and the outcome, stored whole. It can be computed again from the evidence."""

    outcome: Outcome
    champion: RunId | None
    runner_up: RunId | None
    ranking: tuple[Ranked, ...]
    reasons: tuple[str, ...]  # why this one, one sentence each, facts only
    uncertain: tuple[str, ...]  # what nobody checked, and why it is a draft
    confidence: float = 0.0  # that the champion is right, 0 to 1; 0 where none was stated
    others: tuple[str, ...] = ()  # why not those after the next one, one sentence each
    chosen_by: str = ""  # the login of who put this champion in the place of ours
