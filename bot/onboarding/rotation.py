"""One secret after the other, in steps: what GitHub uses is accepted at each moment, so that no delivery is refused.

The first webhook secret in the settings is the one that GitHub uses.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import replace

from bot.app_checks import own_app
from bot.core.render import onboarding as render
from bot.declared_settings import Secret
from bot.onboarding.steps import Steps
from bot.ports import Denied, Gone

NAME = "GITHUB_WEBHOOK_SECRET"
_PEM = re.compile(r"-----BEGIN ([A-Z ]*)PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+\n-----END \1PRIVATE KEY-----")
_CLIENT_SECRET = re.compile(r"[A-Za-z0-9_]{20,200}")


async def rotated(steps: Steps, what: str, value: str) -> str | None:
    """One step of one secret. What is wrong, or None. Raises `WorldError` and `OSError`."""
    match what:
        case render.WEBHOOK:
            return _another(steps)
        case render.TELL:
            return await _tell(steps)
        case render.FORGET:
            return _forget(steps)
        case render.PRIVATE_KEY:
            return await _private_key(steps, value.strip().replace("\r\n", "\n"))
        case render.CLIENT_SECRET:
            return _client_secret(steps, value.strip())
    return render.NOTHING_ASKED


def _another(steps: Steps) -> str | None:
    """Beside the old one; asked twice, there is one new one."""
    old = [secret.reveal() for secret in steps.settings.webhook_secrets]
    if len(old) < 2:
        steps.keep({NAME: ",".join([*old, secrets.token_hex(20)])})
    return None


async def _tell(steps: Steps) -> str | None:
    known = [secret.reveal() for secret in steps.settings.webhook_secrets]
    if len(known) < 2:
        return render.NOT_TOLD
    async with own_app(steps.settings) as own:
        await own.change_webhook({"secret": known[-1]})
    steps.keep({NAME: ",".join([known[-1], *known[:-1]])})
    return None


def _forget(steps: Steps) -> str | None:
    known = [secret.reveal() for secret in steps.settings.webhook_secrets]
    if len(known) < 2:
        return render.NOT_TOLD
    steps.keep({NAME: known[0]})
    return None


async def _private_key(steps: Steps, pem: str) -> str | None:
    if not _PEM.fullmatch(pem):
        return render.NO_PEM
    settings = replace(steps.settings, private_key=Secret(f"{pem}\n"))
    try:
        async with own_app(settings) as own:
            slug = (await own.app()).slug
    except (Denied, Gone):
        return render.OTHER_KEY
    steps.keep_key(slug, f"{pem}\n")
    return None


def _client_secret(steps: Steps, text: str) -> str | None:
    if not _CLIENT_SECRET.fullmatch(text):
        return render.NO_SECRET
    steps.keep({"GITHUB_CLIENT_SECRET": text})
    return None
