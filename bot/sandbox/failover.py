"""Lent sandboxes as long as they can be had, and this machine's meanwhile, where the operator allows that.

What began in one place stays there: a solve's runs start where its snapshot is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from bot.core.model import SandboxId, SnapshotId
from bot.ports import Crowded, Finished, Sandboxes, Unavailable

log = structlog.get_logger()


class PreferredSandboxes:
    """Implements the `Sandboxes` port on top of two of them."""

    def __init__(self, preferred: Sandboxes, other: Sandboxes) -> None:
        self._preferred = preferred
        self._other = other

    async def check(self) -> None:
        await self._preferred.check()
        await self._other.check()

    async def create(self, id: SandboxId, *, snapshot: SnapshotId | None = None, ecosystem: str = "") -> None:
        if snapshot is not None:
            there = snapshot in await self._other.snapshots()
            await (self._other if there else self._preferred).create(id, snapshot=snapshot)
            return
        await self._other.close(id)
        try:
            await self._preferred.create(id, ecosystem=ecosystem)
        except Crowded:
            raise  # it is only full
        except Unavailable as error:
            log.warning("sandbox.elsewhere", sandbox=id, reason=str(error))
            await self._preferred.close(id)
            await self._other.create(id)

    async def exists(self, id: SandboxId) -> bool:
        return await self._other.exists(id) or await self._preferred.exists(id)

    async def put(self, id: SandboxId, archive: Path) -> None:
        await (await self._home(id)).put(id, archive)

    async def write(self, id: SandboxId, files: Mapping[str, tuple[bytes, str]], *, delete: Sequence[str] = ()) -> None:
        await (await self._home(id)).write(id, files, delete=delete)

    async def run(
        self,
        id: SandboxId,
        command: str,
        *,
        timeout: float,
        network: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        once: str | None = None,
        hear: Callable[[str], None] | None = None,
    ) -> Finished:
        home = await self._home(id)
        return await home.run(id, command, timeout=timeout, network=network, env=env, once=once, hear=hear)

    async def read(self, id: SandboxId, path: str, *, limit: int) -> bytes | None:
        return await (await self._home(id)).read(id, path, limit=limit)

    async def take(self, id: SandboxId, into: Path, *, exclude: Sequence[str] = (), limit: int) -> None:
        await (await self._home(id)).take(id, into, exclude=exclude, limit=limit)

    async def snapshot(self, id: SandboxId, name: SnapshotId) -> None:
        there = await self._other.exists(id) or name in await self._other.snapshots()
        await (self._other if there else self._preferred).snapshot(id, name)

    async def name_snapshot(self, name: SnapshotId, another: SnapshotId) -> bool:
        return await self._other.name_snapshot(name, another) or await self._preferred.name_snapshot(name, another)

    async def drop_snapshot(self, name: SnapshotId) -> None:
        await self._other.drop_snapshot(name)
        await self._preferred.drop_snapshot(name)

    async def close(self, id: SandboxId) -> None:
        await self._other.close(id)
        await self._preferred.close(id)

    async def living(self) -> list[SandboxId]:
        return sorted({*await self._preferred.living(), *await self._other.living()})

    async def snapshots(self) -> list[SnapshotId]:
        return sorted({*await self._preferred.snapshots(), *await self._other.snapshots()})

    async def tend(self) -> None:
        await self._preferred.tend()
        await self._other.tend()

    async def _home(self, id: SandboxId) -> Sandboxes:
        return self._other if await self._other.exists(id) else self._preferred
