"""An App comes to be from a manifest.

https://docs.github.com/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from bot.simulators.github.auth import KNOWN_PERMISSIONS, LEVELS, generate_key
from bot.simulators.github.stage import Stage
from bot.simulators.github.state import Account, AccountType

LONGEST_NAME = 34
ALWAYS_SENT = frozenset({"installation", "installation_repositories", "github_app_authorization"})
NEEDED_BY = {  # event -> permissions, each of which is enough
    "issues": ("issues",),
    "issue_comment": ("issues", "pull_requests"),
    "pull_request": ("pull_requests",),
    "pull_request_review": ("pull_requests",),
    "pull_request_review_comment": ("pull_requests",),
    "pull_request_review_thread": ("pull_requests",),
    "repository": ("metadata",),
    "status": ("statuses",),
    "check_run": ("checks",),
    "check_suite": ("checks",),
    "push": ("contents",),
}
KEYS = frozenset(
    {"name", "url", "hook_attributes", "redirect_url", "callback_urls", "setup_url", "description", "public"}
    | {"default_events", "default_permissions", "request_oauth_on_install", "setup_on_update"}
)


class WrongManifest(Exception):
    """In GitHub's words."""


def read_manifest(text: str) -> dict[str, Any]:
    try:
        manifest = json.loads(text)
    except ValueError:
        raise WrongManifest("The configuration does not appear to be a valid GitHub App manifest.") from None
    if not isinstance(manifest, dict):
        raise WrongManifest("The configuration does not appear to be a valid GitHub App manifest.")
    problems = list(_problems(manifest))
    if problems:
        raise WrongManifest("Invalid GitHub App configuration. " + "; ".join(problems))
    return manifest


def _problems(manifest: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(manifest.keys() - KEYS):
        yield f'"{key}" is not a permitted key.'
    if not _is_public(manifest.get("url")):
        yield 'Error "url" wasn\'t supplied.'
    if not isinstance(manifest.get("redirect_url"), str):
        yield 'Error "redirect_url" wasn\'t supplied.'
    if len(str(manifest.get("name", ""))) > LONGEST_NAME:
        yield f"Name is too long (maximum is {LONGEST_NAME} characters)"
    hook = manifest.get("hook_attributes")
    if hook is not None and "url" not in hook:
        yield 'Error "url" wasn\'t supplied.'
    elif hook is not None and not _is_public(hook["url"]):
        yield "Webhook URL is not supported because it isn't reachable over the public Internet"
    yield from _wrong_rights(manifest.get("default_permissions", {}), manifest.get("default_events", []))


def _wrong_rights(permissions: Mapping[str, str], events: list[str]) -> Iterator[str]:
    for name, level in permissions.items():
        if name not in KNOWN_PERMISSIONS or level not in LEVELS:
            yield f"Default permission records resource is not included in the list: {name}"
    for event in events:
        if event in ALWAYS_SENT or event not in NEEDED_BY:
            yield f"Default events unsupported: {event}"
        elif not any(name in permissions for name in NEEDED_BY[event]):
            yield f"Default events are not supported by permissions: {event}"


def _is_public(url: object) -> bool:
    parts = urlsplit(url) if isinstance(url, str) else urlsplit("")
    host = parts.hostname or ""
    return parts.scheme in ("http", "https") and "." in host and not host.startswith("127.")


def create(stage: Stage, manifest: Mapping[str, Any], name: str, owner: Account) -> str:
    """It takes the place of the App that was here, whose key, secret and installations are gone. Returns the code."""
    app, hook = stage.app, manifest.get("hook_attributes", {})
    app.app_id, app.name, app.slug, app.owner = stage.state.id(), name, name.lower().replace(" ", "-"), owner
    app.client_id, app.client_secret = f"Iv23{secrets.token_hex(8)}", secrets.token_hex(20)
    app.callback_urls = tuple(manifest.get("callback_urls", ()))
    app.private_key_pem = generate_key()
    app.permissions = dict(manifest.get("default_permissions", {}))
    app.events = frozenset(manifest.get("default_events", []))
    app.bot = stage.state.account(f"{app.slug}[bot]", AccountType.BOT)
    stage.authority.forget_key()
    stage.state.installations.clear()
    stage.webhooks.secret = secrets.token_hex(20)
    stage.webhooks.url = hook["url"] if hook.get("active", True) and hook else None
    stage.webhooks.emit("ping", _ping(stage), installation_id=None, repository_id=None)
    code = secrets.token_hex(20)
    stage.codes[code] = stage.state.now()
    return code


def _ping(stage: Stage) -> dict[str, Any]:
    config = {"url": stage.webhooks.url, "content_type": "json", "insecure_ssl": "0", "secret": "********"}
    hook = {"type": "App", "name": "web", "active": True, "events": sorted(stage.app.events), "config": config}
    return {"zen": "Keep it logically awesome.", "hook": hook | {"app_id": stage.app.app_id}}
