"""A plain HTTP client for the GitHub simulator: real aiohttp, real tokens, nothing of ours in between."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.simulators.github import GitHubSimulator, SimRepository, generate_key

make_key = cache(generate_key)


@cache
def loaded_key() -> RSAPrivateKey:
    """PyJWT would load the PEM, and check the primes in it, on every call."""
    key = load_pem_private_key(make_key().encode(), password=None)
    assert isinstance(key, RSAPrivateKey)
    return key


FILES = {
    "README.md": "# Widgets\n",
    "src/widget.py": "def widget() -> int:\n    return 1\n",
    "src/deep/down/leaf.py": "x = 1\n",
    ".github/workflows/ci.yml": "on: push\n",
}


@dataclass
class Clock:
    moment: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def goes_on(self, **span: float) -> None:
        self.moment += timedelta(**span)


@dataclass(frozen=True)
class Got:
    status: int
    headers: Mapping[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Visitor:
    """`repo` is octo/widgets, where ann may write; `token` has all that the installation has, for that repository."""

    github: GitHubSimulator
    repo: SimRepository
    session: aiohttp.ClientSession
    clock: Clock
    token: str = field(default="", init=False)

    def app_token(self, **claims: object) -> str:
        now = int(self.clock.now().timestamp())
        usual = {"iat": now - 60, "exp": now + 540, "iss": str(self.github.app.app_id)}
        return jwt.encode({**usual, **claims}, loaded_key(), "RS256")

    async def call(
        self, method: str, path: str, body: object = None, *, token: str | None = None, **headers: str
    ) -> Got:
        """`path` is relative to the repository unless it starts with a slash. Header names are given with `_`."""
        url = path if path.startswith("/") else f"/repos/octo/widgets/{path}".rstrip("/")
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if (token := self.token if token is None else token) and "Authorization" not in sent:
            sent["Authorization"] = f"Bearer {token}"
        async with self.session.request(method, url, json=body, headers=sent, allow_redirects=False) as answer:
            return Got(answer.status, answer.headers, await answer.read())

    async def mint(self, **body: object) -> Got:
        path = f"/app/installations/{self.repo.installation.id}/access_tokens"
        return await self.call("POST", path, body, token=self.app_token())

    async def token_for(self, *repositories: SimRepository, **permissions: str) -> str:
        ids = [repo.id for repo in repositories or (self.repo,)]
        got = await self.mint(repository_ids=ids, permissions=permissions)
        assert got.status == 201, got.raw
        return str(got.body["token"])


@asynccontextmanager
async def visiting(directory: Path) -> AsyncIterator[Visitor]:
    clock = Clock()
    github = GitHubSimulator(directory, now=clock.now, private_key_pem=make_key())
    repo = github.repository("octo/widgets", files=FILES)
    repo.grant("ann", "write")
    async with github.serving(), aiohttp.ClientSession(github.url) as session:
        visitor = Visitor(github, repo, session, clock)
        visitor.token = await visitor.token_for(repo)
        yield visitor
