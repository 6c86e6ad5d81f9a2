"""The App's list of deliveries, kept for three days: what GitHub sent, whether we took it, and what was in it.

GitHub never sends one again by itself, but it does when asked. A redelivery has the same GUID, so the inbox takes each
at most once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime

from bot.github.client import Call, Client, Credentials
from bot.github.responses import HookDelivery, HookDeliveryDetails
from bot.github.signatures import Delivery, told_by_github

_FORGOTTEN = (404, 410, 422)  # too old to be delivered again


async def redeliver_missed(client: Client, app: Credentials, since: datetime) -> int:
    """Ask again for every delivery since then that was never answered with a 2xx. Returns how many were."""
    asked = 0
    for missed in await _missed(client, app, since):
        call = Call("POST", f"/app/hook/deliveries/{missed.id}/attempts", expect=_FORGOTTEN, repeatable=True)
        answer = await client.call(call, app)
        asked += answer.status not in _FORGOTTEN
    return asked


async def _missed(client: Client, app: Credentials, since: datetime) -> list[HookDelivery]:
    """The latest attempt of each GUID that has no good one, oldest first."""
    latest: dict[str, HookDelivery] = {}
    taken: set[str] = set()
    async with aclosing(_newest_first(client, app, since)) as log:
        async for delivery in log:
            if delivery.status == "OK":
                taken.add(delivery.guid)
            elif delivery.delivered_at >= since:
                latest.setdefault(delivery.guid, delivery)
    return [delivery for guid, delivery in reversed(latest.items()) if guid not in taken]


async def listed(client: Client, app: Credentials, since: datetime) -> list[HookDelivery]:
    """All attempts since then, however they were answered, oldest first."""
    async with aclosing(_newest_first(client, app, since)) as log:
        found = [delivery async for delivery in log if delivery.delivered_at >= since]
    return sorted(found, key=lambda delivery: delivery.id)


async def fetched(client: Client, app: Credentials, id: int) -> Delivery:
    """What was in it. Raises `Gone` when GitHub no longer keeps it, and `Malformed`."""
    details = (await client.call(Call("GET", f"/app/hook/deliveries/{id}"), app)).read(HookDeliveryDetails)
    return told_by_github(details.guid, details.event, bytes(details.request.payload))


async def _newest_first(client: Client, app: Credentials, since: datetime) -> AsyncGenerator[HookDelivery, None]:
    """Ends with the first page that is older in part."""
    first = await client.call(Call("GET", "/app/hook/deliveries", query={"per_page": "100"}), app)
    async with aclosing(client.pages(first, app)) as pages:
        async for page in pages:
            log = page.read(list[HookDelivery])
            for delivery in log:
                yield delivery
            if log and log[-1].delivered_at < since:
                return
