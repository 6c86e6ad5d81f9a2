"""Who we are to GitHub: the App, by a signed JWT; one installation, by a token that can do little and lives an hour.

A token is for one repository and one purpose. There are few purposes rather than one per call, so that a solve needs
few tokens, and each is minted once however many calls ask for it at the same time. What an installation may not have
accepted yet has a purpose of its own: then only that is refused.
"""

from __future__ import annotations

import asyncio
import functools
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.core.model import Repo
from bot.github import responses
from bot.github.client import Answer, Call, Client, Token
from bot.github.refusals import lacks
from bot.ports import Clock, Denied, Gone, WorldError

_REFRESH_BEFORE = timedelta(minutes=5)
_FRESH = timedelta(seconds=5)
_JWT_SPAN = timedelta(minutes=9)  # GitHub refuses more than ten
_JWT_BACKDATED = timedelta(seconds=60)  # our clock may be ahead of theirs


class Purpose(Enum):
    """What a token is for; the value is the permissions that it gets."""

    READ = MappingProxyType({"contents": "read", "issues": "read", "metadata": "read", "pull_requests": "read"})
    TALK = MappingProxyType({"issues": "write", "metadata": "read", "pull_requests": "write"})
    PUBLISH = MappingProxyType({"contents": "write", "issues": "write", "metadata": "read", "pull_requests": "write"})
    FETCH = MappingProxyType({"contents": "read", "metadata": "read"})
    CHECKS = MappingProxyType({"checks": "read", "metadata": "read"})
    OWN_CHECK = MappingProxyType({"checks": "write", "metadata": "read"})
    STATUSES = MappingProxyType({"metadata": "read", "statuses": "read"})
    LOGS = MappingProxyType({"actions": "read", "metadata": "read"})
    MEMBERS = MappingProxyType({"members": "read", "metadata": "read"})


@dataclass(frozen=True, slots=True)
class AppIdentity:
    """`app_id` is the number (or the client id) on the App's page, `private_key` the PEM file that came with it."""

    app_id: str
    private_key: str = field(repr=False)


class AppCredentials:
    """The App itself: may mint tokens and ask for deliveries. Raises `Denied` at once for a key that is none."""

    permissions: Mapping[str, str] = MappingProxyType({})

    def __init__(self, identity: AppIdentity, clock: Clock) -> None:
        self._app_id = identity.app_id
        self._key = _load(identity.private_key)
        self._clock = clock
        self._token: Token | None = None

    async def token(self) -> Token:
        now = self._clock.now()
        if self._token is None or self._token.expires_at - now < _JWT_BACKDATED:
            expires = now + _JWT_SPAN
            claims = {"iat": int((now - _JWT_BACKDATED).timestamp()), "exp": int(expires.timestamp())}
            signed = jwt.encode({**claims, "iss": str(self._app_id)}, self._key, algorithm="RS256")
            self._token = Token(signed, expires, fresh_until=now)
        return self._token

    def refused(self, token: Token) -> bool:
        return False  # another one, by the same key and clock, would be refused as well


NO_REPOSITORY = 0


class _Key(NamedTuple):
    installation: int
    repo: int
    purpose: Purpose


class Tokens:
    """Installation tokens, kept until five minutes before they end."""

    def __init__(self, client: Client, app: AppCredentials, clock: Clock) -> None:
        self._client = client
        self._app = app
        self._clock = clock
        self._kept: dict[_Key, Token] = {}
        self._minting: defaultdict[_Key, asyncio.Lock] = defaultdict(asyncio.Lock)

    def of(self, repo: Repo, purpose: Purpose) -> InstallationCredentials:
        return InstallationCredentials(self, _Key(repo.installation, repo.id, purpose))

    def of_account(self, installation: int, purpose: Purpose) -> InstallationCredentials:
        """For what belongs to no repository."""
        return InstallationCredentials(self, _Key(installation, NO_REPOSITORY, purpose))

    def _forget(self, installation: int) -> None:
        for key in [key for key in self._kept if key.installation == installation]:
            del self._kept[key]

    async def get(self, key: _Key) -> Token:
        """Raises `Denied` (suspended, or a permission is missing) or `Gone` (uninstalled, or not for this repo)."""
        async with self._minting[key]:  # the first one mints, the others find what it got
            kept = self._kept.get(key)
            if kept is None or kept.expires_at - self._clock.now() < _REFRESH_BEFORE:
                kept = self._kept[key] = await self._mint(key)
            return kept

    def drop(self, key: _Key, token: Token) -> None:
        if self._kept.get(key) is token:  # another call may have replaced it meanwhile
            del self._kept[key]

    async def _mint(self, key: _Key) -> Token:
        permissions = key.purpose.value
        call = Call(
            "POST",
            f"/app/installations/{key.installation}/access_tokens",
            {**_within(key), "permissions": dict(permissions)},
            expect=(404, 422),
            repeatable=True,
        )
        answer = await self._client.call(call, self._app)
        if answer.status == 422:
            raise _refused(answer, permissions)
        if answer.status == 404:
            self._forget(key.installation)
            raise answer.error()
        minted = answer.read(responses.InstallationToken)
        return Token(minted.token, minted.expires_at, fresh_until=self._clock.now() + _FRESH)


@dataclass(frozen=True, slots=True)
class InstallationCredentials:
    tokens: Tokens
    key: _Key

    @property
    def permissions(self) -> Mapping[str, str]:
        return self.key.purpose.value

    async def token(self) -> Token:
        return await self.tokens.get(self.key)

    def refused(self, token: Token) -> bool:
        self.tokens.drop(self.key, token)
        return True


def _within(key: _Key) -> Mapping[str, list[int]]:
    return {} if key.repo == NO_REPOSITORY else {"repository_ids": [key.repo]}


def _refused(answer: Answer, permissions: Mapping[str, str]) -> WorldError:
    """The installation exists, but has not what the token is for."""
    if "permission" in answer.message.lower():
        return Denied(f"{answer.call}: {answer.message}", remedy=lacks(None, permissions))
    return Gone(f"{answer.call}: {answer.message}", remedy="Give the App access to this repository")


@functools.lru_cache(maxsize=4)
def _load(pem: str) -> RSAPrivateKey:
    """Once for each key: that it is a sound one takes 50 ms to find out."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None  # what the library says may quote the key
    if not isinstance(key, RSAPrivateKey):
        raise Denied("the App's private key is not an RSA key in PEM form", remedy="Download a new one from its page")
    return key
