"""Sandboxes that a service lends us: what we have asked for, what we hold, and what it costs in requests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from bot.core.model import SandboxId, SnapshotId

LeaseKey = NewType("LeaseKey", str)  # made by us before we ask; the machine carries it in its metadata
MachineId = NewType("MachineId", str)  # the service's
ImageId = NewType("ImageId", str)  # the service's, of a machine that was saved

WARM = ":warm:"  # how the sandbox of a machine without an owner is called; none of the story's is


@dataclass(frozen=True, slots=True)
class Lease:
    """Our right to one machine, written down before it is asked for, so that none is ever lent without anybody knowing.

    `machine` is None as long as it is not known whether the service has made it. A warm machine has no owner yet, and
    the name of its sandbox begins with `WARM`.
    """

    key: LeaseKey
    sandbox: SandboxId
    provider: str
    asked_at: datetime
    expires_at: datetime
    image: ImageId | None = None  # what it was started from; None: a template
    machine: MachineId | None = None
    networked: bool = False  # may reach some hosts: during set-up only

    @property
    def is_warm(self) -> bool:
        return self.sandbox.startswith(WARM)


@dataclass(frozen=True, slots=True)
class Image:
    """A snapshot under our name and the service's."""

    name: SnapshotId
    provider: str
    image: ImageId
    taken_at: datetime


class Outcome(StrEnum):
    """What one request to the service came to."""

    DONE = "done"
    TRANSIENT = "transient"  # it failed, and may work the next time: 5xx, connection, timeout, HTML instead of JSON
    UNCLEAR = "unclear"  # as transient, but it may have been done
    LIMITED = "limited"  # too many requests, or too many machines
    GONE = "gone"  # the machine is no more
    REJECTED = "rejected"  # a bad template or argument: asking again changes nothing
    DENIED = "denied"  # the key


@dataclass(frozen=True, slots=True)
class Operation:
    """One request to a service, for the account."""

    provider: str
    name: str  # "create", "execute", ...: a method of `Provider`
    attempt: int  # 1 for the first
    at: datetime
    seconds: float
    outcome: Outcome
    sandbox: str = ""


@dataclass(frozen=True, slots=True)
class Used:
    """Requests of one kind that came to the same."""

    provider: str
    name: str  # as in `Operation`
    outcome: Outcome
    times: int
    seconds: float  # of all together
