"""Approval before publishing: who waits for it, and until when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot.core.ids import RunId, SolveId

PATIENCE = timedelta(days=14)
MAX_WHY = 500  # characters of what is said against a champion


class Standing(StrEnum):
    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Approval:
    """What a repository wants before anything is published. The first answer stands.

    `run`: whose patch was approved. `by`, `by_id` and `key`: who answered, and with which request.
    """

    asked_at: datetime
    expires_at: datetime
    standing: Standing = Standing.WAITING
    run: RunId | None = None
    by: str = ""
    by_id: int = 0
    key: str = ""
    at: datetime | None = None
    why: str = ""

    @property
    def is_waiting(self) -> bool:
        return self.standing is Standing.WAITING

    @property
    def waited(self) -> timedelta:
        """Until somebody answered; clocks of two machines may make that nothing."""
        return max(self.at - self.asked_at, timedelta()) if self.at is not None else timedelta()


def wanted(now: datetime) -> Approval:
    return Approval(now, now + PATIENCE)


def expired(approval: Approval, now: datetime) -> Approval | None:
    """Nobody has answered, and it is too late; None: it is not."""
    if not approval.is_waiting or now < approval.expires_at:
        return None
    return replace(approval, standing=Standing.EXPIRED, key="time", at=now)


def publication(solve: SolveId) -> str:
    """The id of the workflow that publishes what was approved."""
    return f"{solve}-approved"


def ending(solve: SolveId) -> str:
    """The id of the workflow that ends what was not."""
    return f"{solve}-unapproved"
