"""What the operator does to the bot itself, by the API or a page. Each deed is audited before it is done."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.access import Deed, Principal
from bot.core.resilience.circuit_breaker import WELL
from bot.inbox import Inbox
from bot.ports import Clock, Ledger, Store, Views
from bot.web.reading import NoSuchThing, allowed


@dataclass(frozen=True, slots=True)
class Operating:
    store: Store
    views: Views
    ledger: Ledger
    inbox: Inbox
    clock: Clock

    async def redeliver(self, principal: Principal, guid: str, key: str) -> None:
        """What died half-way goes on, and what was done is not done again. Raises `NotAllowed` or `NoSuchThing`."""
        allowed(principal, Deed.OPERATE)
        found = await self.views.record_of(guid)
        if found is None:
            raise NoSuchThing
        await self.store.audit(self.clock.now(), principal.person.login, "delivery.redelivered", guid, {"key": key})
        await self.inbox.put(guid, *found)

    async def reset(self, principal: Principal, provider: str, key: str) -> None:
        """A service that is left alone is asked again. Raises `NotAllowed` or `NoSuchThing`."""
        allowed(principal, Deed.OPERATE)
        if await self.ledger.health(provider) == WELL:
            raise NoSuchThing
        await self.store.audit(self.clock.now(), principal.person.login, "provider.reset", provider, {"key": key})
        await self.ledger.change_health(provider, lambda _: WELL)
