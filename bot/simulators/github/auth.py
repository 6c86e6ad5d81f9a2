"""Who is asking: the App by its RS256 token, or an installation by the token it was given.

As strict as GitHub is, because a client that gets one of these wrong fails only in production: signature, issuer,
`iat` not ahead of our clock by more than a minute, `exp` at most ten minutes ahead; installation tokens that expire,
are revoked, die with the installation, and are some 520 characters long.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from bot.simulators.github.state import Account, Installation, Permissions, Repository, State, timestamp

LEVELS = {"read": 1, "write": 2, "admin": 3}
KNOWN_PERMISSIONS = frozenset(
    {"actions", "administration", "attestations", "checks", "codespaces", "contents", "dependabot_secrets"}
    | {"deployments", "discussions", "environments", "issues", "members", "merge_queues", "metadata"}
    | {"organization_administration", "packages", "pages", "pull_requests", "repository_custom_properties"}
    | {"repository_hooks", "repository_projects", "secret_scanning_alerts", "secrets", "security_events"}
    | {"single_file", "statuses", "vulnerability_alerts", "workflows"}
)
DEFAULT_PERMISSIONS: Permissions = {
    "metadata": "read",
    "contents": "write",
    "issues": "write",
    "pull_requests": "write",
    "checks": "write",
    "actions": "read",
    "statuses": "read",
}
DEFAULT_EVENTS = frozenset(
    {"issues", "issue_comment", "repository", "push", "status", "check_run", "check_suite", "pull_request"}
    | {"pull_request_review", "pull_request_review_comment", "pull_request_review_thread"}
)
CLOCK_SKEW = timedelta(seconds=60)
LONGEST_APP_TOKEN = timedelta(minutes=10)
TOKEN_LIFETIME = timedelta(hours=1)
TOKEN_LENGTH = 520


@dataclass(slots=True)
class App:
    """The one App that is registered here."""

    app_id: int
    slug: str
    name: str
    client_id: str
    private_key_pem: str
    bot: Account
    owner: Account
    permissions: Permissions = field(default_factory=lambda: dict(DEFAULT_PERMISSIONS))
    events: frozenset[str] = DEFAULT_EVENTS
    client_secret: str = "the simulated client secret"
    callback_urls: tuple[str, ...] = ()  # where people may be sent back to when they sign in

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        pem = self.private_key_pem.encode()  # our own, so not checked: that takes 50 ms, in hundreds of tests
        key = serialization.load_pem_private_key(pem, password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("an App's key is an RSA key")
        return key.public_key()


def generate_key() -> str:
    """A private key in PEM, as the "Generate a private key" button gives it. Takes about a tenth of a second."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    ).decode()


@dataclass(frozen=True, slots=True)
class Token:
    value: str
    installation: Installation
    permissions: Mapping[str, str]
    repositories: frozenset[int] | None  # None: all that the installation covers
    expires_at: datetime

    @property
    def bucket(self) -> str:
        """Whose requests are counted together."""
        return f"installation ID {self.installation.id}"

    def allows(self, permission: str, level: str) -> bool:
        return LEVELS.get(self.permissions.get(permission, ""), 0) >= LEVELS[level]

    def covers(self, repository: Repository) -> bool:
        return self.installation.covers(repository) and (
            self.repositories is None or repository.id in self.repositories
        )


@dataclass(frozen=True, slots=True)
class AsApp:
    """The caller proved to be the App itself."""

    bucket: ClassVar[str] = "the App"


@dataclass(frozen=True, slots=True)
class Anyone:
    """Who need not say who they are."""

    bucket: ClassVar[str] = "anonymous"


@dataclass(frozen=True, slots=True)
class AsUser:
    """A person, by a token that the App got when they signed in."""

    account: Account
    value: str

    @property
    def bucket(self) -> str:
        return f"user ID {self.account.id}"


Caller = AsApp | Token | AsUser | Anyone


class BadCredentials(Exception):
    """401, with GitHub's words."""


class UnknownIssuer(BadCredentials):
    """404: a good token of an App that does not exist."""


class Suspended(BadCredentials):
    """403: the installation is there, and closed."""


class CannotMint(Exception):
    """422: the token asked for is more than the installation has."""


@dataclass(slots=True)
class Authority:
    """Issues and recognises tokens."""

    state: State
    app: App
    lifetime: timedelta = TOKEN_LIFETIME
    fractional_expiry: bool = True  # 2026-11-21T09:00:00.123Z, which GitHub may send and naive parsers refuse
    long_tokens: bool = True  # ghs_<app id>_<JWT>, some 520 characters; False: the classic 40
    tokens: dict[str, Token] = field(default_factory=dict)
    user_tokens: dict[str, AsUser] = field(default_factory=dict)
    _public_key: rsa.RSAPublicKey | None = None

    def forget_key(self) -> None:
        """The App has another one."""
        self._public_key = None

    def recognise(self, authorization: str) -> Caller:
        """The value of the Authorization header. Raises `BadCredentials`."""
        scheme, _, value = authorization.partition(" ")
        match scheme.lower():
            case "bearer" | "token" if value.startswith("ghs_"):
                return self.token(value)
            case "bearer" | "token" if value in self.user_tokens:
                return self.user_tokens[value]
            case "bearer":
                self._check_app_token(value)
                return AsApp()
            case "basic":
                return self.token(_basic_password(value))
        raise BadCredentials("Bad credentials")

    def token(self, value: str) -> Token:
        token = self.tokens.get(value)
        if (
            token is None
            or token.expires_at <= self.state.now()
            or token.installation.id not in self.state.installations
        ):
            raise BadCredentials("Bad credentials")
        if token.installation.suspended_at is not None:
            raise Suspended("This installation has been suspended")
        return token

    def _check_app_token(self, value: str) -> None:
        if self._public_key is None:
            self._public_key = self.app.public_key
        try:
            claims = jwt.decode(
                value,
                self._public_key,
                algorithms=["RS256"],
                options={"verify_exp": False, "verify_iat": False, "verify_iss": False, "verify_aud": False},
            )
        except jwt.InvalidTokenError as error:
            raise BadCredentials("A JSON web token could not be decoded") from error
        now = self.state.now().timestamp()
        issued, expires, issuer = claims.get("iat"), claims.get("exp"), claims.get("iss")
        if not isinstance(issued, int) or issued > now + CLOCK_SKEW.total_seconds():
            raise BadCredentials(
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
            )
        if not isinstance(expires, int) or expires <= now:
            raise BadCredentials(
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which "
                "the assertion expires"
            )
        if expires > now + LONGEST_APP_TOKEN.total_seconds():
            raise BadCredentials("'Expiration time' claim ('exp') is too far in the future")
        if str(issuer) not in (str(self.app.app_id), self.app.client_id):
            raise UnknownIssuer("Integration not found")

    def mint(self, installation: Installation, permissions: Permissions, repositories: frozenset[int] | None) -> Token:
        """Raises `CannotMint` for permissions that are unknown or that the installation does not have."""
        for name, level in permissions.items():
            if name not in KNOWN_PERMISSIONS or level not in LEVELS:
                raise CannotMint(f"Invalid request.\n\nFor 'properties/permissions', {name!r}: {level!r} is not valid.")
            if LEVELS.get(installation.permissions.get(name, ""), 0) < LEVELS[level]:
                raise CannotMint("The permissions requested are not granted to this installation.")
        granted = dict(permissions or installation.permissions)
        granted.setdefault("metadata", "read")
        expires_at = self.state.now() + self.lifetime
        token = Token(self._new_value(installation), installation, granted, repositories, expires_at)
        self.tokens[token.value] = token
        return token

    def expiry(self, token: Token) -> str:
        if self.fractional_expiry:
            return token.expires_at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{token.expires_at.microsecond // 1000:03}Z"
        return timestamp(token.expires_at)

    def _new_value(self, installation: Installation) -> str:
        if not self.long_tokens:
            return f"ghs_{secrets.token_hex(18)}"
        header = _segment(json.dumps({"alg": "ES256", "typ": "JWT"}).encode())
        payload = _segment(json.dumps({"iss": "github", "sub": installation.id, "jti": secrets.token_hex(8)}).encode())
        start = f"ghs_{self.app.app_id}_{header}.{payload}."
        return start + _segment(secrets.token_bytes(TOKEN_LENGTH))[: TOKEN_LENGTH - len(start)]


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _basic_password(value: str) -> str:
    """Git sends `x-access-token:<token>`."""
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except ValueError as error:
        raise BadCredentials("Bad credentials") from error
