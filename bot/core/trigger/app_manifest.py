"""What GitHub is asked for when the App is registered, from app.yml; and what of it an App or an installation lacks.

The webhook's address is public, because GitHub refuses others. Where people have none, it is one that no resolver
answers (RFC 6761): nothing leaves GitHub, and each delivery is kept in the App's list, from where it is read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import yaml

LONGEST_NAME = 34  # characters; GitHub's limit
CALLBACK = "/signed-in"  # GitHub compares the whole address, letter for letter
NOWHERE = "https://solvebot.invalid/webhook"
_LEVELS = {"": 0, "read": 1, "write": 2, "admin": 3}
_OWNER = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}")
_MOST_ADDRESS = 500  # characters


@dataclass(frozen=True, slots=True)
class Rights:
    """What an App may do, and which events it is sent."""

    permissions: Mapping[str, str]
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What people decide about their App. `owner`: an organisation; "": the person. `address`: "" where it has none."""

    name: str
    owner: str = ""
    address: str = ""


def rights(manifest: str) -> Rights:
    """Of app.yml."""
    read = yaml.safe_load(manifest)
    return Rights(dict(read["default_permissions"]), tuple(read["default_events"]))


def wrong_wish(wish: Wish) -> str | None:
    """What GitHub would refuse, in one sentence."""
    if not 1 <= len(wish.name) <= LONGEST_NAME or not wish.name.isprintable():
        return f"A name has 1 to {LONGEST_NAME} characters."
    if wish.owner and not _OWNER.fullmatch(wish.owner):
        return "The organisation's name is the one in its address on GitHub: letters, digits and single hyphens."
    if wish.address and not _is_public(wish.address):
        return "The public address begins with https:// and the name of a host that GitHub can reach."
    return None


def _is_public(address: str) -> bool:
    if len(address) > _MOST_ADDRESS or not address.isascii() or not address.isprintable() or " " in address:
        return False
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    return parts.scheme == "https" and plain and "." in host.strip(".") and not host.startswith("127.")


def webhook_of(address: str) -> str:
    """Where GitHub sends deliveries, from the address that people gave."""
    if not address:
        return NOWHERE
    stripped = address.rstrip("/")
    return stripped if stripped.endswith("/webhook") else f"{stripped}/webhook"


def callback_of(address: str) -> str:
    """Where GitHub sends people back to who sign in, from the address at which they reach the bot."""
    return f"{address.rstrip('/').removesuffix('/webhook')}{CALLBACK}"


def filled_in(manifest: str, wish: Wish, redirect: str) -> str:
    """The manifest as GitHub takes it: JSON. `redirect`: where it sends the browser with the code."""
    read = yaml.safe_load(manifest)
    hook = {**read["hook_attributes"], "url": webhook_of(wish.address)}
    callbacks = {"callback_urls": [callback_of(wish.address)]} if wish.address else {}
    return json.dumps({**read, **callbacks, "name": wish.name, "hook_attributes": hook, "redirect_url": redirect})


def register_path(owner: str) -> str:
    """On GitHub's pages."""
    return f"/organizations/{owner}/settings/apps/new" if owner else "/settings/apps/new"


def missing(asked: Rights, granted: Rights) -> tuple[str, ...]:
    """What is asked for and was not granted: `issues: write`, `event repository`."""
    return (*_missing_permissions(asked.permissions, granted.permissions), *_missing_events(asked, granted))


def _missing_permissions(asked: Mapping[str, str], granted: Mapping[str, str]) -> Iterator[str]:
    for name, level in asked.items():
        if _LEVELS.get(granted.get(name, ""), 0) < _LEVELS[level]:
            yield f"{name}: {level}"


def _missing_events(asked: Rights, granted: Rights) -> Iterator[str]:
    for event in asked.events:
        if event not in granted.events:
            yield f"event {event}"
