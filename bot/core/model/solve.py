"""One answer to one trigger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.core.ids import RunId as RunId
from bot.core.ids import SandboxId as SandboxId
from bot.core.ids import Sha as Sha
from bot.core.ids import SnapshotId as SnapshotId
from bot.core.ids import SolveId as SolveId
from bot.core.model.places import IssueRef
from bot.core.model.request import SolveOptions, Trigger


@dataclass(frozen=True, slots=True)
class Solve:
    """One answer to one trigger, as it is accepted. What happens to it later is in `SolveFacts`."""

    id: SolveId
    issue: IssueRef
    issue_title: str
    issue_body: str
    trigger: Trigger
    options: SolveOptions
    created_at: datetime
    revises: SolveId | None = None  # a revision: whose pull request it changes, which `issue` then is
    asked: str = ""  # the text that asks for it

    @property
    def workflow(self) -> str:
        """By its name in the engine."""
        return "solve" if self.revises is None else "revise"


class Status(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)
