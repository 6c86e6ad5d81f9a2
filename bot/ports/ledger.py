"""What services that lend sandboxes have lent us."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from bot.core.model import (
    SandboxId,
    SnapshotId,
)
from bot.core.resilience.circuit_breaker import Health
from bot.core.resilience.sandbox_leases import Image, Lease, LeaseKey, MachineId, Operation, Used


class Ledger(Protocol):
    """What we hold at services that lend sandboxes and how they do: shared by all workers, kept across crashes.

    Each method is one transaction.
    """

    async def instance(self) -> str:
        """Tells what is ours from what others on the same account have: 12 lower-case letters and digits."""

    # machines
    async def intend(self, lease: Lease, *, at_most: int) -> bool:
        """Write down that it is about to be asked for. False when `at_most` leases of the provider are open already.

        Raises `Rejected` when another lease is for the same sandbox.
        """

    async def lent(self, key: LeaseKey, machine: MachineId) -> None:
        """Raises `Gone` when the lease is over: somebody has returned it meanwhile, and it must be killed."""

    async def extended(self, key: LeaseKey, expires_at: datetime) -> None:
        """One that is over stays so."""

    async def networked(self, key: LeaseKey, networked: bool) -> None:
        """Raises `Gone` when the lease is over: nobody would take the network away again."""

    async def hand_over(self, key: LeaseKey, sandbox: SandboxId) -> bool:
        """Give a warm machine an owner. False when somebody was quicker, or it is gone."""

    async def returned(self, key: LeaseKey) -> None:
        """The lease is over. Twice is once."""

    async def lease(self, sandbox: SandboxId) -> Lease | None: ...
    async def leases(self) -> list[Lease]: ...

    # snapshots
    async def saved(self, image: Image) -> Image | None:
        """Keep it under its name; returns another one that has lost its last name by that, which the caller deletes."""

    async def image(self, name: SnapshotId) -> Image | None: ...
    async def images(self) -> list[Image]: ...
    async def named(self, name: SnapshotId, another: SnapshotId) -> bool:
        """Keep it under another name too. False when there is none of that name."""

    async def deleted(self, name: SnapshotId) -> Image | None:
        """The name is free again; returns the image when that was its last name, and the caller deletes it."""

    # how a provider does
    async def health(self, provider: str) -> Health: ...
    async def change_health(self, provider: str, change: Callable[[Health], Health]) -> Health:
        """Read, change by a pure function, write: in one transaction, whoever else does it. Returns what stands."""

    async def next_slot(self, provider: str, now: datetime, *, every: float) -> datetime:
        """Reserve the next moment at which one may be created, `every` seconds after the one before."""

    # the account
    async def count(self, operations: Sequence[Operation]) -> None: ...
    async def operations(self, since: datetime) -> list[Operation]: ...
    async def usage(self, since: datetime) -> list[Used]:
        """The same, added up by the database: there may be a hundred thousand in an hour."""

    async def forget_operations(self, before: datetime) -> int: ...
