"""What the doctor looks at when GitHub knows the App: its rights, installations, webhook, and what came of that."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta

from bot.clock import SYSTEM_CLOCK
from bot.core.render.doctor import lacks, lost
from bot.core.trigger.app_manifest import NOWHERE, Rights, missing, rights
from bot.declared_settings import POLL
from bot.findings import Finding, Health
from bot.github import responses
from bot.github.client import Client
from bot.github.registration import OwnApp, give_up, manifest
from bot.github.tokens import AppCredentials, AppIdentity
from bot.github.wire import anonymous, connections
from bot.ports import WorldError
from bot.settings import Settings

LOOKED_BACK = timedelta(days=1)


@asynccontextmanager
async def own_app(settings: Settings) -> AsyncIterator[OwnApp]:
    """Asked without waiting for a GitHub that is slow: people sit before the answer, and can ask again."""
    async with connections() as pool:
        client = Client(anonymous(settings.api_url, pool), settings.api_url, SYSTEM_CLOCK, sleep=give_up)
        identity = AppIdentity(settings.app_id, settings.private_key.reveal())
        yield OwnApp(client, AppCredentials(identity, SYSTEM_CLOCK))


async def of_the_app(settings: Settings) -> AsyncIterator[Finding]:
    """Only for an App that GitHub knows."""
    async with own_app(settings) as own:
        try:
            found, asked = await own.app(), rights(manifest())
            yield _rights(found, asked)
            async for finding in _installations(found, await own.installations(), asked):
                yield finding
            yield _webhook(await own.webhook(), found, settings)
            yield _deliveries(await own.deliveries(SYSTEM_CLOCK.now() - LOOKED_BACK), settings)
        except WorldError as error:
            found_out = f"GitHub did not say all of it ({error})"
            yield Finding(Health.DOUBTFUL, "App", found_out, "Ask again later.", "GitHub")


def _rights(found: responses.App, asked: Rights) -> Finding:
    lacking = missing(asked, Rights(found.permissions, tuple(found.events)))
    if not lacking:
        return Finding(Health.GOOD, "App rights", "all of app.yml")
    return Finding(Health.BAD, "App rights", lacks(lacking), f"Grant them at {found.html_url}, under its settings.")


async def _installations(
    found: responses.App, installed: Sequence[responses.Installation], asked: Rights
) -> AsyncIterator[Finding]:
    if not installed:
        remedy = f"Install it: {found.html_url}/installations/new"
        yield Finding(Health.DOUBTFUL, "installation", "the App is installed nowhere", remedy)
    for installation in installed:
        what = f"installation on {installation.account.login}"
        lacking = missing(asked, Rights(installation.permissions, tuple(installation.events)))
        if installation.suspended_at is not None:
            yield Finding(Health.DOUBTFUL, what, "is suspended", f"Unsuspend it at {installation.html_url}")
        elif lacking:
            remedy = f"Accept the new permissions at {installation.html_url}"
            yield Finding(Health.DOUBTFUL, what, f"has not accepted all: {lacks(lacking)}", remedy)
        else:
            yield Finding(Health.GOOD, what, "has accepted all")


def _webhook(hook: responses.HookConfig, found: responses.App, settings: Settings) -> Finding:
    change = "Change the address with `solvebot setup`"
    if settings.deliveries == POLL:
        return Finding(Health.GOOD, "webhook", "not needed: deliveries are read from the App's list")
    if hook.url in ("", NOWHERE):
        return Finding(Health.BAD, "webhook", "the App has no address to send to", f"{change}, or set DELIVERIES=poll.")
    if not hook.url.endswith("/webhook"):
        return Finding(Health.BAD, "webhook", f"{hook.url} does not end with /webhook", f"{change}.")
    if hook.content_type != "json":
        remedy = f"Set the content type to application/json at {found.html_url}, under its settings."
        return Finding(Health.BAD, "webhook", f"sends {hook.content_type or 'forms'} instead of JSON", remedy)
    return Finding(Health.GOOD, "webhook", hook.url)


def _deliveries(latest: Sequence[responses.HookDelivery], settings: Settings) -> Finding:
    """The newest attempt of each counts."""
    if settings.deliveries == POLL or not latest:
        return Finding(Health.GOOD, "deliveries", f"{len(latest)} in the last 24 hours")
    failed = [delivery for delivery in {d.guid: d for d in latest}.values() if delivery.status != "OK"]
    if not failed:
        return Finding(Health.GOOD, "deliveries", f"all {len(latest)} of the last 24 hours arrived")
    remedy = "Is `solvebot serve` running, and does that address lead to it? What was missed is asked for again."
    return Finding(Health.DOUBTFUL, "deliveries", lost(len(failed), failed[-1].status), remedy)
