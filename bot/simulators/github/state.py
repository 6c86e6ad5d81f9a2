"""What the simulated GitHub knows: plain mutable records and nothing that happens.

Ids start beyond 32 bits and timestamps have whole seconds, as on GitHub, because both have broken clients before.
"""

from __future__ import annotations

import asyncio
import itertools
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from bot.simulators.github.gitdata import GitStore

Json = dict[str, Any]
Permissions = dict[str, str]  # name -> "read" | "write" | "admin", as in the App's manifest


class AccountType(StrEnum):
    USER = "User"
    ORGANIZATION = "Organization"
    BOT = "Bot"


class Role(StrEnum):
    """A collaborator's role, least first."""

    NONE = "none"
    READ = "read"
    TRIAGE = "triage"
    WRITE = "write"
    MAINTAIN = "maintain"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        order = list(Role)
        return order.index(self) >= order.index(other)


@dataclass(slots=True)
class Account:
    id: int
    login: str
    type: AccountType = AccountType.USER


@dataclass(slots=True)
class Reaction:
    id: int
    content: str
    user: Account
    created_at: datetime


@dataclass(slots=True)
class Edit:
    at: datetime
    by: Account
    before: str


@dataclass(slots=True)
class Comment:
    id: int
    body: str
    user: Account
    created_at: datetime
    updated_at: datetime
    by_app: bool = False
    reactions: list[Reaction] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    minimized: str | None = None  # the classifier it was hidden with
    read: bool = False  # a story has looked at it


@dataclass(slots=True)
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(slots=True)
class Review:
    id: int
    user: Account
    body: str
    state: str  # APPROVED, CHANGES_REQUESTED, COMMENTED, PENDING
    commit_sha: str
    submitted_at: datetime


@dataclass(slots=True)
class ReviewComment:
    """One of a thread. `review_id`: each belongs to a review, which for a single comment is made along with it."""

    id: int
    body: str
    user: Account
    created_at: datetime
    updated_at: datetime
    review_id: int
    commit_sha: str  # the head that it was written on
    by_app: bool = False
    reactions: list[Reaction] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    read: bool = False  # a story has looked at it


@dataclass(slots=True)
class Thread:
    """A conversation on a line of the diff. `line` is None when later commits have changed that line."""

    id: int
    path: str
    line: int | None
    original_line: int
    hunk: str
    comments: list[ReviewComment] = field(default_factory=list)
    resolved_by: Account | None = None
    lines: int = 1  # that it is about; `line` is the last of them
    side: str = "RIGHT"  # LEFT: of the file before the change, where `line` counts its lines
    start_side: str = "RIGHT"

    @property
    def start_line(self) -> int | None:
        return None if self.line is None or self.lines == 1 else self.line - self.lines + 1

    @property
    def is_outdated(self) -> bool:
        return self.line is None


@dataclass(slots=True)
class Pull:
    """What a pull request has beyond the issue that it also is."""

    head: str  # branch
    base: str
    head_sha: str
    base_sha: str
    draft: bool
    maintainer_can_modify: bool = False
    merged_at: datetime | None = None
    merged_by: Account | None = None
    merge_sha: str | None = None
    requested_reviewers: list[Account] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    threads: list[Thread] = field(default_factory=list)


@dataclass(slots=True)
class Issue:
    id: int
    number: int
    title: str
    body: str | None
    user: Account
    created_at: datetime
    updated_at: datetime
    state: str = "open"
    state_reason: str | None = None
    locked: bool = False
    lock_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: Account | None = None
    by_app: bool = False
    labels: list[Label] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    pull: Pull | None = None
    children: list[tuple[Repository, Issue]] = field(default_factory=list)  # sub-issues
    milestone: int | None = None

    @property
    def is_open(self) -> bool:
        return self.state == "open"


@dataclass(slots=True)
class CheckRun:
    id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None
    started_at: datetime
    completed_at: datetime | None
    output: Json
    annotations: list[Json] = field(default_factory=list)
    details_url: str | None = None
    external_id: str = ""
    actions: list[Json] = field(default_factory=list)
    app: str = ""  # the slug of whose it is; "": ours
    log: str = ""  # of a job of GitHub Actions
    suite: int = 0  # 0: one of its own
    rerequested: bool = False  # and not told since


@dataclass(slots=True)
class WaitingSuite:
    """Workflows of an App that somebody has to approve before there is a check run."""

    id: int
    sha: str
    app: str


@dataclass(slots=True)
class Status:
    """Of a commit, by whoever may write it: older than check runs, and still used."""

    id: int
    sha: str
    context: str
    state: str  # error, failure, pending, success
    description: str | None
    target_url: str | None
    creator: Account
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """A ruleset's rule. `pattern` is a branch name with `*`, matched against branches that need not exist.

    `bypass`: what the App may do about the ruleset, which has the number `ruleset`: never, always, exempt, ...
    """

    type: str
    pattern: str = "*"
    parameters: Json = field(default_factory=dict)
    bypass: str = "never"
    ruleset: int = 1


@dataclass(frozen=True, slots=True)
class Verification:
    verified: bool
    reason: str


@dataclass(slots=True)
class Collaborator:
    role: Role
    role_name: str  # differs from the role for an organisation's custom roles


@dataclass(slots=True)
class Repository:
    id: int
    owner: Account
    name: str
    git: GitStore
    created_at: datetime
    updated_at: datetime
    private: bool = False
    archived: bool = False
    disabled: bool = False
    drafts_available: bool = True
    pulls_available: bool = True
    default_branch: str = "main"
    description: str = ""
    collaborators: dict[int, Collaborator] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)  # by lower-case name
    issues: dict[int, Issue] = field(default_factory=dict)
    moved_issues: dict[int, tuple[int, int]] = field(default_factory=dict)  # number -> new repository and number
    deleted_issues: set[int] = field(default_factory=set)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    waiting_suites: list[WaitingSuite] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    verifications: dict[str, Verification] = field(default_factory=dict)
    published: set[str] = field(default_factory=set)  # commits that a ref has ever reached
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    def role_of(self, account: Account) -> Role:
        if account.id == self.owner.id:
            return Role.ADMIN
        granted = self.collaborators.get(account.id)
        if granted is not None:
            return granted.role
        return Role.NONE if self.private else Role.READ


@dataclass(slots=True)
class Installation:
    id: int
    account: Account
    permissions: Permissions
    created_at: datetime
    repositories: set[int] | None = None  # None: all of the account's
    suspended_at: datetime | None = None

    def covers(self, repository: Repository) -> bool:
        if repository.owner.id != self.account.id:
            return False
        return self.repositories is None or repository.id in self.repositories


class Changes:
    """Wakes everyone who waits for something to be different. Waiters look before they wait, so nothing is lost."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def notify(self) -> None:
        happened, self._next = self._next, asyncio.Event()
        happened.set()

    async def next(self) -> None:
        await self._next.wait()


@dataclass(slots=True)
class State:
    now: Callable[[], datetime]
    url: str = "http://github.invalid"  # where it is served; of every address in every answer
    accounts: dict[str, Account] = field(default_factory=dict)  # by lower-case login
    repositories: dict[int, Repository] = field(default_factory=dict)
    old_names: dict[str, int] = field(default_factory=dict)  # lower-case full name before a rename
    installations: dict[int, Installation] = field(default_factory=dict)
    teams: dict[str, dict[int, bool]] = field(default_factory=dict)  # by "org/slug": accounts, and who has accepted
    errors: list[str] = field(default_factory=list)  # what no client may do, such as asking for an unknown route
    changes: Changes = field(default_factory=Changes)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(3_000_000_001))

    def id(self) -> int:
        return next(self._ids)

    def time(self) -> datetime:
        return self.now().astimezone(UTC).replace(microsecond=0)

    def account(self, login: str, type: AccountType = AccountType.USER) -> Account:
        """Found, or created on first mention."""
        key = login.lower()
        if key not in self.accounts:
            self.accounts[key] = Account(self.id(), login, type)
        return self.accounts[key]

    def repository_named(self, full_name: str) -> Repository | None:
        wanted = full_name.lower()
        return next((r for r in self.repositories.values() if r.full_name.lower() == wanted), None)

    def installation_of(self, repository: Repository) -> Installation | None:
        return next((i for i in self.installations.values() if i.covers(repository)), None)


def node_id(prefix: str, id: int) -> str:
    """A global node id in GitHub's style: `I_` and something opaque."""
    return f"{prefix}_kwDO{urlsafe_b64encode(id.to_bytes(9, 'big')).decode()}"


def parse_node_id(value: str) -> tuple[str, int] | None:
    prefix, _, opaque = value.partition("_kwDO")
    if len(opaque) != 12:
        return None
    return prefix, int.from_bytes(urlsafe_b64decode(opaque), "big")


def timestamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
