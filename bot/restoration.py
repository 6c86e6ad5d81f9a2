"""The snapshot of a solve is made anew on a machine that does not have it: its worker went away, and this one goes on.

From the plan that is on record, as at the first time; and compared with what that was, since the tests that pass before
any change were told from there.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

import structlog

from bot.core.environment.tree_hash import is_the_same
from bot.core.model import SetUp, SnapshotId, SolveFacts, SolveId
from bot.core.render import failure_reasons
from bot.environment import Environments, Place
from bot.ports import SandboxDiffers, Sandboxes, SandboxLost, Store

log = structlog.get_logger()


class Restoration:
    def __init__(self, store: Store, sandboxes: Sandboxes, environments: Environments) -> None:
        self._store = store
        self._sandboxes = sandboxes
        self._environments = environments
        self._locks: defaultdict[SnapshotId, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def restore(self, snapshot: SnapshotId) -> None:
        """Once, however many ask. Raises `SandboxLost` where it is not wanted or nobody knows how it was made."""
        async with self._locks[snapshot]:
            if snapshot not in await self._sandboxes.snapshots():
                await self._restore(snapshot)
        self._locks.pop(snapshot, None)

    async def _restore(self, snapshot: SnapshotId) -> None:
        id = SolveId(str(snapshot))
        facts, before = await self._store.facts(id), await self._store.how_set_up(id)
        if facts is None or facts.task is None or facts.status.is_over or before is None:
            raise SandboxLost(f"snapshot {snapshot} is not there, and cannot be made anew")
        log.warning("snapshot.anew", solve=id)
        now = await self._environments.set_up_again(_place(facts, before), before.plan)
        if not is_the_same(before, now):
            await self._sandboxes.drop_snapshot(snapshot)
            raise SandboxDiffers(f"snapshot {snapshot} is not what it was", remedy=failure_reasons.SET_UP_DIFFERS)


def _place(facts: SolveFacts, before: SetUp) -> Place:
    assert facts.task is not None
    return Place(facts.id, facts.solve.issue.repo, before.base, facts.task.config, branch=before.branch)
