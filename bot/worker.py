"""What goes on beside the workflows: handing deliveries over, keeping status comments fresh, and tidying up.

Each chore is a loop that looks, acts, and waits. A world that is unavailable is waited out; anything else ends the
process, because a worker that is half alive is worse than one that is started again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

import structlog

from bot.approval import see_to
from bot.branch_cleanup import Branches
from bot.core.environment.kept_workspaces import KEPT
from bot.core.model import SandboxId, SnapshotId, SolveFacts, SolveId, kept_snapshot, prepared_snapshot
from bot.core.resilience.turns import TURN, Turn, take
from bot.core.sandboxes import sandboxes_of
from bot.engine import Engine, WorkflowState
from bot.inbox import Inbox, InboxRow
from bot.known_heads import EVERY as HEADS_EVERY
from bot.ports import AlarmClock, Sandboxes, Store, Turns, WorldError
from bot.stale_pulls import EVERY as STALE_EVERY
from bot.status_comment import StatusBoard

log = structlog.get_logger()

POLL = 0.25  # seconds until a delivery that another process stored is noticed
LIST_INTERVAL = 15.0  # seconds between two looks at GitHub's list of deliveries, where none can reach us
TIDY_INTERVAL = 60.0
NOTIFY_INTERVAL = 5.0  # seconds until the operator's own address is told of something
RETENTION_INTERVAL = 3600.0
REMEMBERED = timedelta(days=3)  # how long GitHub can deliver again
_MOST_ENDS = 5  # tries to end a solve whose workflow has been given up
SWEEP_OVERLAP = timedelta(hours=1)  # so that one that keeps failing is asked for some times, not for three days


class MissedDeliveries(Protocol):
    """GitHub's memory of what it could not deliver; a local clone has none."""

    async def redeliver_missed(self, since: datetime) -> int: ...


class Polls(Protocol):
    """Fetches deliveries for a bot that GitHub cannot reach."""

    async def look(self) -> None: ...


class Heads(Protocol):
    """Commits of ours, for a receiver in the same process."""

    async def refresh(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Chores:
    """`status` and `sweep` are intervals in seconds; 0 leaves the chore out."""

    status: float
    sweep: float
    retention_days: int


class Looks(Protocol):
    """Asks GitHub how things stand, where no event told us."""

    async def look(self) -> None: ...


class OneOfAll:
    """Chores that are for one worker of all: whoever is first does them, until it gives no sign any more."""

    def __init__(self, turns: Turns, worker: str) -> None:
        self._turns = turns
        self._worker = worker

    async def has(self, chore: str, *, seconds: float) -> bool:
        """For so many seconds."""

        def change(turn: Turn, now: datetime) -> tuple[Turn, float]:
            return take(turn, self._worker, now, seconds=seconds)

        return not await self._turns.change(f"chore {chore}", change)


class Worker:
    def __init__(
        self,
        inbox: Inbox,
        engine: Engine,
        store: Store,
        sandboxes: Sandboxes,
        board: StatusBoard,
        clock: AlarmClock,
        chores: Chores,
        tell_missed: Callable[[int], None] = lambda _: None,
        alone: OneOfAll | None = None,
    ) -> None:
        """`alone`: where other workers share the database, and chores that one does for all."""
        self._inbox = inbox
        self._engine = engine
        self._store = store
        self._sandboxes = sandboxes
        self._board = board
        self._clock = clock
        self._chores = chores
        self._tell_missed = tell_missed
        self._alone = alone
        self._swept: datetime | None = None

    async def work(
        self,
        missed: MissedDeliveries | None = None,
        polling: Polls | None = None,
        branches: Branches | None = None,
        reconciliation: Looks | None = None,
        heads: Heads | None = None,
        stale: Looks | None = None,
        notifying: Looks | None = None,
    ) -> None:
        """Until cancelled. Where deliveries are fetched, none can be missed."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._engine.until_buried(), name="buried")
            group.create_task(self._hand_over_forever(), name="hand over")
            group.create_task(self._for_all("statuses", self._chores.status, self.refresh_statuses), name="statuses")
            group.create_task(self._every(TIDY_INTERVAL, self.tidy), name="tidy")
            group.create_task(self._for_all("retention", RETENTION_INTERVAL, self.forget), name="retention")
            if heads is not None:
                group.create_task(self._every(HEADS_EVERY, heads.refresh), name="heads")
            if branches is not None:
                group.create_task(self._for_all("branches", RETENTION_INTERVAL, branches.tidy), name="branches")
            if notifying is not None:
                group.create_task(self._for_all("notify", NOTIFY_INTERVAL, notifying.look), name="notify")
            if reconciliation is not None:
                looking = self._for_all("reconciliation", self._chores.sweep, reconciliation.look)
                group.create_task(looking, name="reconciliation")
            if stale is not None and self._chores.sweep:
                group.create_task(self._for_all("stale pulls", STALE_EVERY, stale.look), name="stale pulls")
            if polling is not None:
                group.create_task(self._for_all("poll", LIST_INTERVAL, polling.look), name="poll")
            elif missed is not None:
                group.create_task(self._for_all("sweep", self._chores.sweep, partial(self.sweep, missed)), name="sweep")

    async def _every(self, seconds: float, chore: Callable[[], Awaitable[object]]) -> None:
        while seconds > 0:
            await _patiently(chore)
            await self._clock.sleep(seconds)

    async def _for_all(self, name: str, seconds: float, chore: Callable[[], Awaitable[object]]) -> None:
        """One worker does it for all of them; when that one is gone, another one after twice the interval."""

        async def alone() -> None:
            if self._alone is None or await self._alone.has(name, seconds=2 * seconds + TURN):
                await chore()

        alone.__name__ = _name(chore)
        await self._every(seconds, alone)

    # -------------------------------------------------------------------------------------------------- deliveries

    async def _hand_over_forever(self) -> None:
        while True:
            await _patiently(self.hand_over)
            await self._inbox.wait(POLL)

    async def hand_over(self) -> int:
        """Start a workflow for each waiting delivery, under its GUID; returns how many there were."""
        rows = await self._inbox.waiting(200)
        for row in rows:
            await self._start(row)
        if rows:
            await self._inbox.handed([row.guid for row in rows])
        return len(rows)

    async def _start(self, row: InboxRow) -> None:
        """A redelivery of what went well is nothing new; of what died, it is another try."""
        id = row.guid
        if row.attempt > 0:
            before = await self._engine.state(id)
            if before in (WorkflowState.ACTIVE, WorkflowState.SUCCEEDED):
                return
            id = f"{row.guid}~{row.attempt}"
        await self._engine.start("intake", id, row)

    async def sweep(self, missed: MissedDeliveries) -> None:
        """GitHub never delivers again by itself what we were not there to take."""
        now = self._clock.now()
        asked = await missed.redeliver_missed(self._swept or now - REMEMBERED)
        self._swept = now - SWEEP_OVERLAP
        if asked:
            log.warning("deliveries.missed", asked_again=asked)
            self._tell_missed(asked)

    # ------------------------------------------------------------------------------------------------------ chores

    async def refresh_statuses(self) -> None:
        for id in await self._store.active_solves():
            await self._board.refresh(id)

    async def tidy(self) -> None:
        """Close what has no owner, end solves whose workflow has given up, and start those that never got one."""
        await self._sandboxes.tend()
        living = await self._sandboxes.living()
        snapshots = await self._sandboxes.snapshots()
        active = await self._store.active_solves()
        facts = [found for id in active if (found := await self._store.facts(id)) is not None]
        kept = _kept(facts)
        for sandbox in living:
            if sandbox not in kept:
                log.warning("sandbox.orphan", sandbox=sandbox)
                await self._sandboxes.close(sandbox)
        workspaces = await self._store.workspaces(used_since=self._clock.now() - KEPT)
        wanted = {prepared_snapshot(id) for id in active} | {kept_snapshot(kept.key) for kept in workspaces}
        for snapshot in set(snapshots) - wanted:
            await self._sandboxes.drop_snapshot(SnapshotId(snapshot))
        for id in active:
            await self._see_to(id)

    async def _see_to(self, id: SolveId) -> None:
        """The state first: a workflow that ends meanwhile may have left a champion that waits for approval."""
        state = await self._engine.state(id)
        facts = await self._store.facts(id)
        if facts is None:
            return
        if facts.approval is not None:
            await see_to(self._engine, facts, self._clock)
            return
        match state:
            case WorkflowState.FAILED | WorkflowState.CANCELLED | WorkflowState.SUCCEEDED:
                await self._give_up(id)
            case WorkflowState.UNKNOWN:
                await self._start_accepted(facts)

    async def _give_up(self, id: SolveId) -> None:
        """Its workflow has ended without a last word. One that gives up may be given up itself."""
        for number in range(1, _MOST_ENDS + 1):
            name = f"{id}-end" if number == 1 else f"{id}-end-{number}"
            if await self._engine.state(name) in (WorkflowState.UNKNOWN, WorkflowState.ACTIVE):
                await self._engine.start("give up", name, id)
                return

    async def _start_accepted(self, facts: SolveFacts) -> None:
        """Its delivery died for good right after the acceptance, or is about to start it itself, which does no harm.

        To end it instead would: after a long pause this comes before the delivery is recovered.
        """
        log.warning("solve.unstarted", solve=facts.id)
        await self._engine.start(facts.solve.workflow, facts.id, facts.solve)

    async def forget(self) -> None:
        """Retention: our rows and the engine's."""
        before = self._clock.now() - timedelta(days=self._chores.retention_days)
        rows = await self._store.purge(before)
        workflows = await self._engine.delete_before(before.isoformat())
        if rows or workflows:
            log.info("retention", rows=rows, workflows=workflows)


def _kept(active: list[SolveFacts]) -> set[SandboxId]:
    return {sandbox for facts in active for sandbox in sandboxes_of(facts.id, [run.id for run in facts.runs])}


def _name(chore: Callable[[], Awaitable[object]]) -> str:
    called = chore.func if isinstance(chore, partial) else chore
    return getattr(called, "__name__", "chore")


async def _patiently(chore: Callable[[], Awaitable[object]]) -> None:
    try:
        await chore()
    except WorldError as error:
        log.warning("chore.postponed", chore=_name(chore), reason=str(error))
