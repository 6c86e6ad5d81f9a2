"""Who is signed in: what a browser holds, what is kept of it here, and where it may be sent.

A browser holds one random secret, and we keep its digest: whoever reads our database signs in nowhere. The token that
each form brings along is made from the same secret, so that only pages which this browser was given have it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.core.model import Person

LIFETIME = timedelta(hours=12)
LONGEST_SECRET = 100  # characters
LONGEST_PATH = 1_000


@dataclass(frozen=True, slots=True)
class WebSession:
    digest: str
    person: Person
    created_at: datetime
    expires_at: datetime

    def is_valid(self, now: datetime) -> bool:
        return now < self.expires_at


def begun(secret: str, person: Person, now: datetime) -> WebSession:
    return WebSession(digest(secret), person, now, now + LIFETIME)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def form_token(secret: str) -> str:
    """What a form of ours brings along, and no other site's can know."""
    return hmac.new(secret.encode("utf-8", "replace"), b"form", hashlib.sha256).hexdigest()


def is_form_token(given: str, secret: str) -> bool:
    return bool(secret) and hmac.compare_digest(given.encode("utf-8", "replace"), form_token(secret).encode())


def challenge(verifier: str) -> str:
    """S256 of RFC 7636."""
    hashed = hashlib.sha256(verifier.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(hashed).decode().rstrip("=")


def local_path(wanted: str) -> str:
    """Where to go on after signing in: a path of ours, or the first page for all else.

    Browsers read `//host`, `/\\host` and a path with a tab or a line break in it as the address of another host.
    """
    is_ours = (
        len(wanted) <= LONGEST_PATH
        and wanted.isascii()
        and wanted.isprintable()
        and wanted.startswith("/")
        and not wanted.startswith("//")
        and not any(character in wanted for character in "\\ ")
    )
    return wanted if is_ours else "/"
