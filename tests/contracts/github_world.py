"""A hub that talks to the GitHub simulator over real HTTP.

Time is the same on both sides, and what the hub sleeps passes at once.
"""

from __future__ import annotations

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import httpx
import pytest

from bot.core.model import IssueRef, PullRequest, Repo, Sha
from bot.github.github import Hub
from bot.github.tokens import AppIdentity
from bot.github.wire import connections
from bot.ports import TreeEntry
from bot.simulators.github import GitHubSimulator, SimIssue, SimRepository, generate_key
from bot.simulators.github.server import Logged

MARKER = "<!-- solvebot:solve-1 -->"
FILES: dict[str, str | bytes | tuple[bytes, str]] = {
    "README.md": "# Widget\n",
    "docs/installation": "how to\n",
    "x/applications/foo/tokens.py": "pass\n",
    "a b/100% #1?.txt": "odd\n",
    "наука/ï.txt": "ünïcode\n",
    "huge.txt": "x" * (256 * 1024 + 1),
    "large.txt": "x" * (256 * 1024),
    "latin1.txt": "ü".encode("latin-1"),
}

make_key = cache(generate_key)  # takes a noticeable fraction of a second


@dataclass
class Time:
    """`waited` is what the hub slept, in seconds."""

    moment: datetime = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    waited: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.moment

    def goes_on(self, **span: float) -> None:
        self.moment += timedelta(**span)

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.goes_on(seconds=seconds)
        await asyncio.sleep(0)


@dataclass
class World:
    github: GitHubSimulator
    repository: SimRepository
    pool: httpx.AsyncBaseTransport
    time: Time
    hub: Hub = field(init=False)

    def __post_init__(self) -> None:
        self.hub = self.another_hub()

    def another_hub(
        self, identity: AppIdentity | None = None, *, url: str | None = None, write_interval: float = 0.0
    ) -> Hub:
        return Hub(
            self.pool,
            identity or self.identity,
            self.time,
            api_url=url or self.github.url,
            server_url=self.github.url,
            write_interval=write_interval,
            sleep=self.time.sleep,
        )

    @property
    def identity(self) -> AppIdentity:
        return AppIdentity(str(self.github.app.app_id), self.github.app.private_key_pem)

    @property
    def repo(self) -> Repo:
        return repo_of(self.repository)

    @property
    def head(self) -> Sha:
        sha = self.repository.branch_sha("main")
        assert sha is not None
        return Sha(sha)

    async def open_issue(self, body: str = "Traceback ...") -> tuple[IssueRef, SimIssue]:
        issue = await self.repository.open_issue("It crashes", body, by="ada")
        return IssueRef(self.repo, issue.number), issue

    async def commit(self, text: str) -> Sha:
        """By the hub, on top of main."""
        entries = [TreeEntry("fix.py", "100644", text.encode())]
        return (await self.hub.commit(self.repo, parent=self.head, entries=entries, message=text)).sha

    async def push(self, branch: str) -> Sha:
        return Sha(await self.repository.commit(branch, {"fix.py": branch}, "A fix"))

    async def pull(self, branch: str, *, title: str = "Fix", body: str = "", draft: bool = False) -> PullRequest:
        issue = IssueRef(self.repo, 1)
        return await self.hub.open_pull(issue, branch=branch, base="main", title=title, body=body, draft=draft)

    def requests(self, path: str = "*", method: str = "*") -> list[Logged]:
        return [r for r in self.github.requests if fnmatchcase(r.path, path) and method in ("*", r.method)]

    def mints(self) -> list[Logged]:
        return self.requests("*/access_tokens")


def repo_of(repository: SimRepository) -> Repo:
    return Repo(repository.installation.id, repository.id, repository.name)


def token_in(authorization: str) -> str:
    """What git would send as the password."""
    scheme, value = authorization.split()
    user, _, token = b64decode(value).decode().partition(":")
    assert (scheme, user) == ("Basic", "x-access-token")
    return token


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    time = Time()
    github = GitHubSimulator(tmp_path, now=time.now, private_key_pem=make_key())
    repository = github.repository("acme/widget", files=FILES)
    async with github.serving(), connections() as pool:
        yield World(github, repository, pool, time)
    assert github.errors == []
