"""What services that lend sandboxes have lent us, how they do, and what we have asked of them.

Each method is one transaction. Those that decide by what they read hold the row of the provider meanwhile, so that two
workers never take the same slot, the last free machine, or the one probe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import sqlalchemy as sa

from bot.core.model import SandboxId, SnapshotId
from bot.core.resilience.circuit_breaker import WELL, Health
from bot.core.resilience.sandbox_leases import WARM, Image, Lease, LeaseKey, MachineId, Operation, Used
from bot.ports import Gone
from bot.store import rows
from bot.store.database import Database, insert
from bot.store.sandbox_tables import (
    sandbox_images,
    sandbox_instance,
    sandbox_leases,
    sandbox_operations,
    sandbox_providers,
)

_LEASE = sandbox_leases.c
_IMAGE = sandbox_images.c
_PROVIDER = sandbox_providers.c
_OPERATION = sandbox_operations.c


_FURTHEST = timedelta(minutes=10)  # that a queue for slots may be long


class SqlLedger:
    """The `Ledger` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def instance(self) -> str:
        """What tells machines of whoever shares this database from others of the same account; made once."""
        name = sa.select(sandbox_instance.c.name)

        def work(db: sa.Connection) -> str:
            db.execute(insert(db, sandbox_instance).values(id=1, name=uuid4().hex[:12]).on_conflict_do_nothing())
            return str(db.execute(name).scalar_one())

        return await self._database.write(work)

    # ---------------------------------------------------------------------------------------------------- machines

    async def intend(self, lease: Lease, *, at_most: int) -> bool:
        known = sa.select(_LEASE.key).where(_LEASE.key == lease.key)
        held = sa.select(sa.func.count()).select_from(sandbox_leases).where(_LEASE.provider == lease.provider)

        def work(db: sa.Connection) -> bool:
            _held(db, lease.provider)
            if db.execute(known).one_or_none():
                return True
            if db.execute(held).scalar_one() >= at_most:
                return False
            db.execute(sa.insert(sandbox_leases).values(rows.lease_values(lease)))
            return True

        return await self._database.write(work)

    async def lent(self, key: LeaseKey, machine: MachineId) -> None:
        if not await self._change(key, machine_id=machine):
            raise Gone(f"there is no lease {key}")

    async def extended(self, key: LeaseKey, expires_at: datetime) -> None:
        await self._change(key, expires_at=expires_at)

    async def networked(self, key: LeaseKey, networked: bool) -> None:
        if not await self._change(key, is_networked=networked):
            raise Gone(f"there is no lease {key}")

    async def hand_over(self, key: LeaseKey, sandbox: SandboxId) -> bool:
        free_or_its_own = sa.or_(_LEASE.sandbox_id.startswith(WARM), _LEASE.sandbox_id == sandbox)
        take = sa.update(sandbox_leases).where(_LEASE.key == key, free_or_its_own).values(sandbox_id=sandbox)
        return await self._database.write(lambda db: db.execute(take).rowcount > 0)

    async def returned(self, key: LeaseKey) -> None:
        await self._database.write(lambda db: db.execute(sa.delete(sandbox_leases).where(_LEASE.key == key)))

    async def lease(self, sandbox: SandboxId) -> Lease | None:
        question = sa.select(sandbox_leases).where(_LEASE.sandbox_id == sandbox)
        row = await self._database.read(lambda db: db.execute(question).one_or_none())
        return rows.lease_of(row) if row else None

    async def leases(self) -> list[Lease]:
        question = sa.select(sandbox_leases).order_by(_LEASE.asked_at, _LEASE.key)
        return await self._database.read(lambda db: [rows.lease_of(row) for row in db.execute(question)])

    async def _change(self, key: LeaseKey, **values: Any) -> bool:
        """False when there is none."""
        change = sa.update(sandbox_leases).where(_LEASE.key == key).values(**values)
        return await self._database.write(lambda db: db.execute(change).rowcount > 0)

    # --------------------------------------------------------------------------------------------------- snapshots

    async def saved(self, image: Image) -> Image | None:
        def work(db: sa.Connection) -> Image | None:
            kept = rows.image_of(_inserted_or_held(db, sandbox_images, rows.image_values(image)))
            if (kept.provider, kept.image) == (image.provider, image.image):
                return None
            db.execute(sa.update(sandbox_images).where(_IMAGE.name == image.name).values(rows.image_values(image)))
            return None if _has_a_name(db, kept) else kept

        return await self._database.write(work)

    async def image(self, name: SnapshotId) -> Image | None:
        question = sa.select(sandbox_images).where(_IMAGE.name == name)
        row = await self._database.read(lambda db: db.execute(question).one_or_none())
        return rows.image_of(row) if row else None

    async def images(self) -> list[Image]:
        question = sa.select(sandbox_images).order_by(_IMAGE.taken_at, _IMAGE.name)
        return await self._database.read(lambda db: [rows.image_of(row) for row in db.execute(question)])

    async def named(self, name: SnapshotId, another: SnapshotId) -> bool:
        def work(db: sa.Connection) -> bool:
            found = db.execute(sa.select(sandbox_images).where(_IMAGE.name == name).with_for_update()).one_or_none()
            if found is None:
                return False
            values = rows.image_values(replace(rows.image_of(found), name=another))
            row = insert(db, sandbox_images).values(values)
            db.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))
            return True

        return await self._database.write(work)

    async def deleted(self, name: SnapshotId) -> Image | None:
        whose = sa.select(_IMAGE.provider).where(_IMAGE.name == name)
        mine = sa.delete(sandbox_images).where(_IMAGE.name == name).returning(sandbox_images)

        def work(db: sa.Connection) -> Image | None:
            if provider := db.execute(whose).scalar_one_or_none():
                _held(db, provider)  # so that of two last names going at once, one is the last
            row = db.execute(mine).one_or_none()
            image = rows.image_of(row) if row else None
            return None if image is None or _has_a_name(db, image) else image

        return await self._database.write(work)

    # ------------------------------------------------------------------------------------------ how a provider does

    async def health(self, provider: str) -> Health:
        question = sa.select(sandbox_providers).where(_PROVIDER.name == provider)
        row = await self._database.read(lambda db: db.execute(question).one_or_none())
        return rows.health_of(row) if row else WELL

    async def change_health(self, provider: str, change: Callable[[Health], Health]) -> Health:
        def work(db: sa.Connection) -> Health:
            found = rows.health_of(_held(db, provider))
            if (changed := change(found)) != found:
                _set(db, provider, **rows.health_values(changed))
            return changed

        return await self._database.write(work)

    async def next_slot(self, provider: str, now: datetime, *, every: float) -> datetime:
        """`every` is in seconds."""

        def work(db: sa.Connection) -> datetime:
            last: datetime | None = _held(db, provider).last_slot
            slot = max(now, last + timedelta(seconds=every)) if last else now
            if slot > now + _FURTHEST:  # a clock was wrong when it was written down
                slot = now
            _set(db, provider, last_slot=slot)
            return slot

        return await self._database.write(work)

    # ------------------------------------------------------------------------------------------------- the account

    async def count(self, operations: Sequence[Operation]) -> None:
        values = [rows.operation_values(operation, id=uuid4().hex) for operation in operations]
        if values:
            await self._database.write(lambda db: db.execute(sa.insert(sandbox_operations), values))

    async def operations(self, since: datetime) -> list[Operation]:
        question = sa.select(sandbox_operations).where(_OPERATION.at >= since).order_by(_OPERATION.at)
        return await self._database.read(lambda db: [rows.operation_of(row) for row in db.execute(question)])

    async def usage(self, since: datetime) -> list[Used]:
        kind = (_OPERATION.provider, _OPERATION.operation, _OPERATION.outcome)
        sums = (sa.func.count().label("times"), sa.func.sum(_OPERATION.latency_ms).label("latency_ms"))
        question = sa.select(*kind, *sums).where(_OPERATION.at >= since).group_by(*kind).order_by(*kind)
        return await self._database.read(lambda db: [rows.used_of(row) for row in db.execute(question)])

    async def forget_operations(self, before: datetime) -> int:
        old = sa.delete(sandbox_operations).where(_OPERATION.at < before)
        return await self._database.write(lambda db: db.execute(old).rowcount)


def _has_a_name(db: sa.Connection, image: Image) -> bool:
    names = sa.select(_IMAGE.name).where(_IMAGE.provider == image.provider, _IMAGE.image_id == image.image)
    return db.execute(names.limit(1)).one_or_none() is not None


def _held(db: sa.Connection, provider: str) -> rows.Row:
    """The provider's row, made if need be."""
    return _inserted_or_held(db, sandbox_providers, {"name": provider, **rows.health_values(WELL)})


def _inserted_or_held(db: sa.Connection, table: sa.Table, values: rows.Values) -> rows.Row:
    """The new row, or the one that has its name; nobody else's until the transaction ends."""
    row = insert(db, table).values(values)
    row = row.on_conflict_do_update(index_elements=["name"], set_={"name": values["name"]})  # which locks it
    return db.execute(row.returning(table)).one()


def _set(db: sa.Connection, provider: str, **values: Any) -> None:
    db.execute(sa.update(sandbox_providers).where(_PROVIDER.name == provider).values(**values))
