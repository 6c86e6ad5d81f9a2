"""What is shown in lists and as it happens, for whoever looks on: the API and pages. Questions only."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from bot.core.estimate import KnownRun
from bot.core.listing import Page, Position, SolveFilter, UsageBy
from bot.core.model import Fate, Repo, SolveId
from bot.core.repository_record import RepositoryRecord
from bot.core.views import AuditEntry, DeliveryView, RepositoryView, SolveEvent, SolveSummary, UsageRow


class News(Protocol):
    """Wakes who waits for events: at once, or not at all, so that one looks again after a while."""

    def count(self) -> int:
        """To be asked before the events are, so that none falls between the two."""

    async def beyond(self, count: int, seconds: float) -> None:
        """Until something was told since then, or for that long."""


class Views(Protocol):
    """Knows nothing of who is asking: what may not be seen is left out by the caller."""

    async def solves(self, wanted: SolveFilter, after: Position, size: int) -> list[SolveSummary]:
        """The newest first, from the position on; at most `size`."""

    async def fate(self, id: SolveId) -> Fate | None: ...

    async def repository_of(self, id: SolveId) -> Repo | None:
        """Whose permission counts for this solve."""

    async def repository(self, name: str) -> Repo | None:
        """By its name now, as GitHub spells it."""

    async def named(self, names: Collection[str]) -> list[Repo]:
        """Those of these names; of one name there may be several, of which one is left."""

    async def repositories(self, after: int, size: int) -> list[RepositoryView]:
        """By name, those that are not deleted, from behind the one with the id `after` on; 0: from the first on."""

    async def known_repository(self, id: int) -> RepositoryView | None:
        """By its id; None: it is not known, or deleted."""

    async def repository_record(self, id: int, now: datetime) -> RepositoryRecord:
        """Of solves that began within the last 26 weeks."""

    async def known_runs(self, within: Collection[int], since: datetime) -> list[KnownRun]:
        """The newest 300 of solves in these repositories that came to their own end."""

    async def active_repositories(self, since: datetime) -> list[Repo]:
        """Those with solves since then, of the newest 20,000."""

    async def usage(self, by: UsageBy, since: datetime, within: Collection[int]) -> list[UsageRow]:
        """Of solves that began since then in repositories `within`; what cost most comes first, but days by date."""

    async def events(self, after: int, *, solve: SolveId | None = None) -> list[SolveEvent]:
        """What became visible behind that number, in its order; at most 500."""

    def news(self) -> AbstractAsyncContextManager[News]: ...

    async def newest_event(self) -> int:
        """Its number; 0 where there is none."""

    async def deliveries(self, after: Position, size: int) -> Page[DeliveryView]:
        """Without what is in them: they are about repositories that the operator may not see."""

    async def record_of(self, guid: str) -> tuple[str, bytes] | None:
        """The event and the record of a delivery, for who gives it to the engine once more."""

    async def audit(self, after: Position, size: int) -> Page[AuditEntry]: ...
