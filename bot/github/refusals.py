"""What GitHub's refusals mean for us: status, headers and message in, one of the ports' errors out.

`str(error)` names the call and GitHub's own words; no header that we sent, and so no secret, ever gets into it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.ports import Denied, Gone, Rejected, Unavailable, WorldError


class Uncertain(Unavailable):
    """No answer to a write: it may have been done or not. Look before doing it again."""


class Moved(Gone):
    """A redirect: the repository has another name now, or the issue is in another repository."""


class TooLarge(Rejected):
    """The answer has more bytes than the call allows."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """`status` None: no answer came, and `message` says why. `retry_after`: seconds until the rate limit ends."""

    call: str  # "POST /repos/o/r/issues/1/comments"
    status: int | None
    message: str
    headers: Mapping[str, str]  # names in lower case
    retry_after: float | None = None

    def __str__(self) -> str:
        request = self.headers.get("x-github-request-id")  # what GitHub's support asks for
        return f"{self.call}: {self.status or 'no answer'} {self.message}{f' ({request})' if request else ''}"


_READ_ONLY = re.compile(r"archived|locked|disabled|read-only", re.IGNORECASE)
_SUSPENDED = re.compile(r"suspended", re.IGNORECASE)
_WRONG_KEY = "Check GITHUB_APP_ID, the private key and the clock of this machine"
_FORBIDDEN_ELSEWHERE = "The App has the permission, so a setting of the repository or its organisation forbids it"
_UNSUSPEND = "The installation of the App is suspended; unsuspend it in the account's settings under GitHub Apps"


def error_of(refusal: Refusal, permissions: Mapping[str, str]) -> WorldError:
    """`permissions`: what the credentials were made for, to name what may be missing."""
    text, status = str(refusal), refusal.status
    if refusal.retry_after is not None:
        return Unavailable(text, retry_after=refusal.retry_after)
    if status is None or status >= 500:
        return Unavailable(text) if refusal.call.startswith("GET ") else Uncertain(text)
    if status < 400:
        return Moved(text)
    if status == 401:
        return Denied(text, remedy=_WRONG_KEY)
    if status == 403:
        return _forbidden(refusal, permissions)
    if status == 429:
        return Unavailable(text)
    if status == 404 and "integration not found" in refusal.message.lower():
        return Denied(text, remedy=_WRONG_KEY)
    if status in (404, 410, 451):
        return Gone(text)
    return Rejected(text, remedy=f"GitHub says: {refusal.message}" if refusal.message else "")


def _forbidden(refusal: Refusal, permissions: Mapping[str, str]) -> WorldError:
    if _SUSPENDED.search(refusal.message):
        return Denied(str(refusal), remedy=_UNSUSPEND)
    if _READ_ONLY.search(refusal.message):
        return Rejected(str(refusal), remedy=f"GitHub says: {refusal.message}")
    accepted = refusal.headers.get("x-accepted-github-permissions")
    if accepted is not None and _suffices(permissions, accepted):
        return Denied(str(refusal), remedy=f"GitHub says: {refusal.message}. {_FORBIDDEN_ELSEWHERE}")
    return Denied(str(refusal), remedy=lacks(accepted, permissions))


def _suffices(permissions: Mapping[str, str], accepted: str) -> bool:
    """Do we hold one of the sets that are enough?"""
    return any(all(_holds(permissions, one) for one in part.split(",")) for part in accepted.split(";"))


def _holds(permissions: Mapping[str, str], wanted: str) -> bool:
    name, _, level = wanted.strip().partition("=")
    return permissions.get(name) in (level, "write", "admin")


def lacks(accepted: str | None, permissions: Mapping[str, str]) -> str:
    """The remedy for a missing permission.

    `accepted`: GitHub's header, sets of which any one is enough: "contents=write,issues=read; checks=write".
    `permissions`: what to name where there is no header.
    """
    sets = (accepted or ",".join(f"{name}={level}" for name, level in permissions.items())).split(";")
    named = " or ".join(" and ".join(_quoted(one) for one in part.split(",")) for part in sets)
    return f"The App lacks the permission {named}; accept the new permissions in the installation's settings"


def _quoted(permission: str) -> str:
    return f"`{permission.strip().replace('=', ': ')}`"
