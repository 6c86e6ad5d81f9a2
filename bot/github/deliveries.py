"""Webhooks that GitHub sent and we did not take: GitHub never sends one again by itself, but it does when asked.

(The App's delivery log, kept for three days. A redelivery has the same GUID, so the inbox takes each at most once.)
"""

from __future__ import annotations

from contextlib import aclosing
from datetime import datetime

from bot.github.answers import HookDelivery
from bot.github.client import Call, Client, Credentials

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
    first = await client.call(Call("GET", "/app/hook/deliveries", query={"per_page": "100"}), app)
    async with aclosing(client.pages(first, app)) as pages:
        async for page in pages:
            log = page.read(list[HookDelivery])  # newest first
            for delivery in log:
                if delivery.status == "OK":
                    taken.add(delivery.guid)
                elif delivery.delivered_at >= since:
                    latest.setdefault(delivery.guid, delivery)
            if log and log[-1].delivered_at < since:
                break
    return [delivery for guid, delivery in reversed(latest.items()) if guid not in taken]
