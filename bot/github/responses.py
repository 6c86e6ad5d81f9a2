"""What we read of GitHub's answers. Everything else in them, and there is much, may change without our noticing."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec

from bot.core.model import Permission, PullRequest, Repo, Sha

Time = Annotated[datetime, msgspec.Meta(tz=True)]  # with or without fractions of a second


class Account(msgspec.Struct, frozen=True):
    login: str
    id: int
    type: str = "User"

    @property
    def noreply(self) -> str:
        """The address that its commits bear."""
        return f"{self.id}+{self.login}@users.noreply.github.com"


class App(msgspec.Struct, frozen=True):
    slug: str
    html_url: str = ""
    permissions: dict[str, str] = {}
    events: list[str] = []


class Installation(msgspec.Struct, frozen=True):
    id: int
    account: Account
    html_url: str = ""
    permissions: dict[str, str] = {}
    events: list[str] = []
    suspended_at: Time | None = None


class HookConfig(msgspec.Struct, frozen=True):
    """Where deliveries go. The secret is never told."""

    url: str = ""
    content_type: str = ""
    insecure_ssl: str | int = "0"


class InstallationToken(msgspec.Struct, frozen=True):
    token: str
    expires_at: Time


class Repository(msgspec.Struct, frozen=True):
    id: int
    full_name: str
    default_branch: str
    private: bool
    archived: bool = False
    disabled: bool = False
    has_pull_requests: bool = True
    size: int = 0  # kB, counted now and then: 0 says nothing


class Label(msgspec.Struct, frozen=True):
    name: str


class Milestone(msgspec.Struct, frozen=True):
    number: int


class Issue(msgspec.Struct, frozen=True):
    title: str
    state: str
    body: str | None = None
    locked: bool = False
    labels: list[Label] = []
    user: Account | None = None
    pull_request: dict[str, str | None] | None = None
    milestone: Milestone | None = None


class Listed(msgspec.Struct, frozen=True):
    """An issue in a list."""

    number: int
    body: str | None = None
    user: Account | None = None
    pull_request: dict[str, str | None] | None = None

    def is_by(self, account: Account) -> bool:
        return self.user is not None and self.user.id == account.id

    def begins_with(self, marker: str) -> bool:
        return (self.body or "").startswith(marker)


class SubIssue(msgspec.Struct, frozen=True):
    """Of an issue, perhaps in another repository."""

    number: int
    state: str
    repository_url: str

    def is_in(self, repository: str) -> bool:
        return self.repository_url.casefold().endswith(f"/repos/{repository.casefold()}")


class Comment(msgspec.Struct, frozen=True):
    id: int
    html_url: str
    created_at: Time
    updated_at: Time
    body: str | None = None
    user: Account | None = None  # None: the account was deleted

    def is_by(self, account: Account) -> bool:
        return self.user is not None and self.user.id == account.id


class Collaborator(msgspec.Struct, frozen=True):
    permissions: dict[str, bool] = {}


class CollaboratorPermission(msgspec.Struct, frozen=True):
    """`permission` knows four levels; `role_name` may be an organisation's own; the flags know them all."""

    permission: Permission
    role_name: str = ""
    user: Collaborator | None = None

    @property
    def meant(self) -> Permission:
        if self.user is not None and self.user.permissions:
            held = [level for flag, level in _FLAGS if self.user.permissions.get(flag, False)]
            return held[0] if held else Permission.NONE
        return Permission(self.role_name) if self.role_name in set(Permission) else self.permission


_FLAGS = (
    ("admin", Permission.ADMIN),
    ("maintain", Permission.MAINTAIN),
    ("push", Permission.WRITE),
    ("triage", Permission.TRIAGE),
    ("pull", Permission.READ),
)


class GitObject(msgspec.Struct, frozen=True):
    """A blob, a tree, or what a ref points to."""

    sha: Sha


class Ref(msgspec.Struct, frozen=True):
    object: GitObject


class Verification(msgspec.Struct, frozen=True):
    verified: bool = False


class GitCommit(msgspec.Struct, frozen=True):
    sha: Sha
    tree: GitObject
    verification: Verification = Verification()


class RepositoryId(msgspec.Struct, frozen=True):
    id: int


class Head(msgspec.Struct, frozen=True):
    ref: str
    sha: Sha
    repo: RepositoryId | None = None  # None: the fork was deleted


class Base(msgspec.Struct, frozen=True):
    ref: str


class Pull(msgspec.Struct, frozen=True):
    number: int
    html_url: str
    title: str
    head: Head
    body: str | None = None
    draft: bool = False
    user: Account | None = None
    state: str = "open"
    locked: bool = False
    base: Base | None = None
    merged_at: str | None = None

    def is_from(self, repo: Repo) -> bool:
        """Its branch is in the repository itself, not in a fork."""
        return self.head.repo is not None and self.head.repo.id == repo.id

    def is_by(self, account: Account) -> bool:
        return self.user is not None and self.user.id == account.id

    @property
    def meant(self) -> PullRequest:
        return PullRequest(self.number, self.html_url, self.head.ref, self.head.sha, self.draft)


class Review(msgspec.Struct, frozen=True):
    state: str
    body: str | None = None


class ReviewComment(msgspec.Struct, frozen=True):
    id: int
    body: str | None = None
    user: Account | None = None
    in_reply_to_id: int | None = None

    def is_by(self, account: Account) -> bool:
        return self.user is not None and self.user.id == account.id


class Author(msgspec.Struct, frozen=True, rename="camel"):
    """Of GraphQL, where a robot's login does not say that it is one."""

    login: str
    kind: str = msgspec.field(name="__typename", default="User")


class DatabaseId(msgspec.Struct, frozen=True, rename="camel"):
    database_id: int


class ThreadComment(msgspec.Struct, frozen=True, rename="camel"):
    database_id: int
    body: str
    created_at: Time
    diff_hunk: str = ""
    author: Author | None = None  # None: the account was deleted
    last_edited_at: Time | None = None
    pull_request_review: DatabaseId | None = None


class ThreadComments(msgspec.Struct, frozen=True):
    nodes: list[ThreadComment]


class ReviewThread(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    is_resolved: bool
    path: str
    comments: ThreadComments
    line: int | None = None
    start_line: int | None = None
    diff_side: str = "RIGHT"
    start_diff_side: str | None = None  # of several lines, where the first is


class PageInfo(msgspec.Struct, frozen=True, rename="camel"):
    has_next_page: bool
    end_cursor: str | None = None


class ReviewThreads(msgspec.Struct, frozen=True, rename="camel"):
    nodes: list[ReviewThread]
    page_info: PageInfo


class HookDelivery(msgspec.Struct, frozen=True):
    """One attempt to deliver. `redelivery`: somebody asked for it."""

    id: int
    guid: str
    delivered_at: Time
    status: str  # "OK", "Invalid HTTP Response: 503", ...
    event: str
    redelivery: bool = False


class HookRequest(msgspec.Struct, frozen=True):
    payload: msgspec.Raw = msgspec.Raw(b"null")


class HookDeliveryDetails(msgspec.Struct, frozen=True):
    guid: str
    event: str
    request: HookRequest
