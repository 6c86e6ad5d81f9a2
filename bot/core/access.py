"""Who may see and do what: by whom it is asked, by what GitHub says of that person now, and by nothing else.

Seeing a repository's solves takes read permission there. Who lacks it is answered as if there were nothing, so that
nobody learns which private repositories there are. Steering takes what the command in a comment would take. Sandboxes,
queue, deliveries, settings and audit are the operator's: for those whom ADMINS names, and nothing else makes one.

A token does no more than its scopes say, whoever owns it; and a robot steers nothing, whatever it may do on GitHub.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.core.model import Permission, Person


class Scope(StrEnum):
    """What a token may be used for. A session in the browser has all of them."""

    READ = "read"
    STEER = "steer"
    OPERATE = "operate"


EVERY_SCOPE = frozenset(Scope)


class Means(StrEnum):
    """How somebody has proved who they are."""

    TOKEN = "token"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody whose proof was checked a moment ago. `id`: of the token or of the session."""

    person: Person
    means: Means
    id: str
    scopes: frozenset[Scope] = EVERY_SCOPE
    is_admin: bool = False


class Deed(StrEnum):
    """What is asked for, as far as permission goes."""

    ANY = "any"  # what everybody may who is signed in: lists, which hold no more than they may see; models
    SEE = "see"  # one repository's solves
    STEER = "steer"
    OPERATE = "operate"


class Verdict(StrEnum):
    ALLOWED = "allowed"
    SIGN_IN = "sign in"  # nobody is known to be asking
    HIDDEN = "hidden"  # as if it were not there
    SCOPE = "scope"  # the token is not for this
    ROBOT = "robot"
    PERMISSION = "permission"  # they may see it, and not do this
    ADMIN = "admin"


_NEEDED_SCOPE = {Deed.ANY: Scope.READ, Deed.SEE: Scope.READ, Deed.STEER: Scope.STEER, Deed.OPERATE: Scope.OPERATE}


def may(
    principal: Principal | None,
    deed: Deed,
    *,
    has: Permission = Permission.NONE,
    needed: Permission = Permission.WRITE,
) -> Verdict:
    """`has`: what GitHub says of the person in the repository that it is about; `needed`: what steering takes there.

    What is hidden is hidden before anything else is said, lack of a scope included.
    """
    if principal is None:
        return Verdict.SIGN_IN
    if deed in (Deed.SEE, Deed.STEER) and not has.at_least(Permission.READ):
        return Verdict.HIDDEN
    if deed is Deed.OPERATE and not principal.is_admin:
        return Verdict.ADMIN
    if _NEEDED_SCOPE[deed] not in principal.scopes:
        return Verdict.SCOPE
    if deed is Deed.STEER and principal.person.is_bot:
        return Verdict.ROBOT
    if deed is Deed.STEER and not has.at_least(needed):
        return Verdict.PERMISSION
    return Verdict.ALLOWED


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What is kept about a personal access token. The token itself is shown once and kept nowhere."""

    id: str
    name: str
    owner: Person
    scopes: frozenset[Scope]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None

    def is_valid(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


TOKEN_PREFIX = "sbt_"
_TOKEN = re.compile(r"sbt_([0-9a-f]{12})_[A-Za-z0-9_-]{43}")


def token_text(id: str, secret: str) -> str:
    """`id`: 12 hex digits; `secret`: 32 random bytes in URL-safe base64."""
    return f"{TOKEN_PREFIX}{id}_{secret}"


def token_id(text: str) -> str | None:
    """Which token it says it is; None where it is none of ours."""
    found = _TOKEN.fullmatch(text)
    return found[1] if found else None


def token_digest(text: str) -> str:
    """What is kept of it. A plain hash is enough: nobody guesses 256 random bits."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def is_token(text: str, digest: str) -> bool:
    return hmac.compare_digest(token_digest(text), digest)


def teams_among(admins: tuple[str, ...]) -> tuple[str, ...]:
    """Each once."""
    return tuple(dict.fromkeys(name.lower() for name in admins if "/" in name))


def is_admin(login: str, admins: tuple[str, ...], teams: frozenset[str] = frozenset()) -> bool:
    """`admins`: logins, or `org/team`; `teams`: those of them that the person is in. GitHub ignores case in both."""
    named = {name.lower() for name in admins}
    return ("/" not in login and login.lower() in named) or bool(named & {team.lower() for team in teams})
