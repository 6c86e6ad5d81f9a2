"""What a run is told, and how it is planned."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.core.ids import RunId as RunId
from bot.core.ids import SandboxId as SandboxId
from bot.core.ids import Sha as Sha
from bot.core.ids import SnapshotId as SnapshotId
from bot.core.ids import SolveId as SolveId
from bot.core.model.models import ModelSpec
from bot.core.model.names import letter
from bot.core.model.request import RepoConfig, SolveOptions, Strategy
from bot.core.trigger.feedback import Feedback


@dataclass(frozen=True, slots=True)
class Experiment:
    """A planned attempt. `dollars` is its share of the solve's budget."""

    index: int  # 1-based; the label people see is candidate A, B, C...
    model: ModelSpec
    temperature: float | None
    strategy: Strategy
    steps: int
    dollars: float
    round: int = 1

    @property
    def letter(self) -> str:
        return letter(self.index)


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment on the issue that existed, unedited since, when the solve was asked for."""

    author: str
    body: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Task:
    """The frozen input of a solve: cleaned text as of the trigger, and the commit the work starts from."""

    title: str
    body: str
    remarks: tuple[Remark, ...]
    base_branch: str
    base_sha: Sha
    config: RepoConfig
    options: SolveOptions
    digest: str  # sha256 of everything above, hex; shown in the status comment
    private: bool = False
    left_out: tuple[str, ...] = ()  # what was dropped on freezing and why, for people
    feedback: Feedback | None = None  # of a revision: what reviewers say about the base commit's change
