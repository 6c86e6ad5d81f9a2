"""Deliveries for a bot that GitHub cannot reach: the App's list of them is read, and what is new goes into the inbox.

The inbox knows what it has, so a list that is read again brings nothing twice. A redelivery is somebody's wish for
another try, and is taken once in the life of this process, as if it had come in at the webhook. Two processes that
read the same list do no harm: the second row of a GUID is the first.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot.github.check_records import about_commit
from bot.github.responses import HookDelivery
from bot.github.signatures import Delivery, Malformed
from bot.github.webhook import is_listened, slim
from bot.inbox import Inbox
from bot.known_heads import KnownHeads
from bot.ports import Clock, Gone, Rejected

log = structlog.get_logger()

REMEMBERED = timedelta(days=3)  # how long GitHub keeps the list
OVERLAP = timedelta(minutes=10)  # what is listed late is not missed


class DeliveryLog(Protocol):
    """GitHub's memory of what it sent."""

    async def deliveries(self, since: datetime) -> list[HookDelivery]:
        """Oldest first."""

    async def delivery(self, id: int) -> Delivery:
        """Raises `Gone` or `Malformed`."""


class Polling:
    def __init__(self, listing: DeliveryLog, inbox: Inbox, clock: Clock, heads: KnownHeads | None = None) -> None:
        self._listing = listing
        self._inbox = inbox
        self._clock = clock
        self._heads = heads
        self._since: datetime | None = None
        self._seen: set[int] = set()

    async def look(self) -> None:
        """Take what is new, in the order in which it happened. What fails in the middle is looked at again."""
        found = await self._listing.deliveries(self._since or self._clock.now() - REMEMBERED)
        for delivery in await self._new(found):
            await self._take(delivery)
            self._seen.add(delivery.id)
        if found:
            self._since = found[-1].delivered_at - OVERLAP
            self._seen &= {delivery.id for delivery in found}

    async def _new(self, found: Sequence[HookDelivery]) -> list[HookDelivery]:
        unseen = [delivery for delivery in found if delivery.id not in self._seen and is_listened(delivery.event)]
        known = await self._inbox.known([delivery.guid for delivery in unseen if not delivery.redelivery])
        return [delivery for delivery in unseen if delivery.redelivery or delivery.guid not in known]

    async def _take(self, listed: HookDelivery) -> None:
        try:
            delivery = await self._listing.delivery(listed.id)
        except (Gone, Rejected, Malformed) as error:
            log.warning("delivery.not_read", delivery=listed.guid, reason=str(error))
            return
        record = slim(delivery)
        if record is not None and self._may_be_ours(delivery, record):
            await self._inbox.put(delivery.guid, delivery.event, record)

    def _may_be_ours(self, delivery: Delivery, record: bytes) -> bool:
        """Checks of commits that are not ours are dropped here as at the webhook."""
        commit = about_commit(delivery.event, record)
        if commit is None or self._heads is None:
            return True
        return self._heads.is_ours(commit, delivery.guid, delivery.event, record)
