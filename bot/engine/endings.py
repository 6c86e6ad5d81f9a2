"""Waiting for workflows: however many wait, one query each interval asks for all."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Sequence
from dataclasses import dataclass

from dbos import DBOS

OVER = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]


@dataclass(frozen=True, slots=True)
class Child:
    """A queued workflow that its parent can wait for."""

    id: str


class Endings:
    """Tells whoever waits for workflows that one is over. However many wait, one query each `interval` asks for all."""

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._waiting: dict[asyncio.Future[str], frozenset[str]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def first(self, ids: Sequence[str]) -> str:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[future] = frozenset(ids)
        if self._asking is None or self._asking.done():
            # In a context of its own: it does not belong to the workflow that happens to wait first.
            self._asking = contextvars.Context().run(asyncio.create_task, self._ask(), name="endings")
            self._asking.add_done_callback(self._stopped)
        try:
            return await future
        finally:
            del self._waiting[future]

    async def _ask(self) -> None:
        while self._waiting:
            ids = frozenset[str]().union(*self._waiting.values())
            over = await _over(sorted(ids))
            for future, wanted in self._waiting.items():
                if (ended := over & wanted) and not future.done():
                    future.set_result(min(ended))
            await asyncio.sleep(self._interval)

    def _stopped(self, asking: asyncio.Task[None]) -> None:
        """When asking failed, everybody who waits is told: each is a step that may be tried again."""
        error = None if asking.cancelled() else asking.exception()
        for future in self._waiting:
            if error is not None and not future.done():
                future.set_exception(error)


async def _over(ids: Sequence[str]) -> frozenset[str]:
    found = await DBOS.list_workflows_async(workflow_ids=list(ids), status=OVER, load_input=False, load_output=False)
    return frozenset(workflow.workflow_id for workflow in found)
