"""GitHub, as the story sees it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from bot.core.model import (
    IssueRef,
    Permission,
    PullRequest,
    Remark,
    Repo,
    Sha,
)
from bot.core.trigger.checks import Check
from bot.core.trigger.feedback import Thread
from bot.core.trigger.own_check import OwnCheck
from bot.core.trigger.publish_precheck import Publishing


@dataclass(frozen=True, slots=True)
class RepositoryState:
    repo: Repo  # with its current name
    default_branch: str
    private: bool
    archived: bool
    disabled: bool
    empty: bool


@dataclass(frozen=True, slots=True)
class IssueState:
    title: str
    body: str
    open: bool
    locked: bool
    labels: tuple[str, ...]
    author: str
    is_pull_request: bool


@dataclass(frozen=True, slots=True)
class PullState:
    """A pull request as it is now. `ours`: opened by us, from a branch of the repository itself."""

    title: str
    open: bool
    locked: bool
    ours: bool
    branch: str
    head_sha: Sha
    base: str
    merged: bool = False


class ReviewState(StrEnum):
    """What a review says besides its text."""

    CHANGES_REQUESTED = "changes requested"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Review:
    state: ReviewState
    body: str


@dataclass(frozen=True, slots=True)
class ThreadAnswer:
    """`to`: the first comment of the thread. `body` begins with `marker`."""

    to: int
    marker: str
    body: str


@dataclass(frozen=True, slots=True)
class PostedComment:
    id: int
    url: str


@dataclass(frozen=True, slots=True)
class Commit:
    sha: Sha
    verified: bool  # GitHub's own verdict on the signature


class Merged(StrEnum):
    """What became of a merge."""

    MERGED = "merged"
    NOTHING = "nothing to merge"
    CONFLICT = "conflict"


@dataclass(frozen=True, slots=True)
class Merging:
    """`commit`: the one that was made, if any."""

    outcome: Merged
    commit: Commit | None = None


@dataclass(frozen=True, slots=True)
class TreeEntry:
    """One path of a new tree: content for a file, None to delete it. `mode` is git's octal, "100644" or "100755"."""

    path: str
    mode: str
    content: bytes | None


@dataclass(frozen=True, slots=True)
class Remote:
    """Where the mirror fetches from. `authorization` is a header value and a secret, None for a local path."""

    url: str
    authorization: str | None = field(default=None, repr=False)


class GitHub(Protocol):
    """Two fit: the real service (github/github.py) and a clone on this disk (github/local.py)."""

    async def repository(self, repo: Repo) -> RepositoryState: ...

    async def issue(self, issue: IssueRef) -> IssueState:
        """Raises `Gone` when it was deleted or transferred."""

    async def children(self, issue: IssueRef) -> list[int]:
        """Sub-issues that are open and in the same repository, in their order; at most 100."""

    async def of_milestone(self, issue: IssueRef) -> list[int] | None:
        """Open issues of the milestone that this one is in, oldest first; at most 100. None: it is in none."""

    async def remarks(self, issue: IssueRef, *, before: datetime) -> list[Remark]:
        """Comments by people, created before and not edited since. Ours and other bots' are left out."""

    async def permission(self, repo: Repo, login: str) -> Permission:
        """What the person may do now. A stranger is `Permission.NONE`; an error raises, it never grants."""

    async def is_in_team(self, team: str, login: str) -> bool:
        """`team`: `organisation/team`. Raises `Gone` or `Denied` where we cannot know; an error never grants."""

    async def file(self, repo: Repo, path: str, ref: str) -> str | None:
        """Text of a file, None when there is none. Raises `Rejected` above 256 kB or when it is not UTF-8."""

    async def branch_head(self, repo: Repo, branch: str) -> Sha | None: ...

    async def react(self, issue: IssueRef, comment_id: int | None, content: str) -> None:
        """To the comment, or to the issue itself. `content`: eyes, rocket, confused, ... Twice is once."""

    def turn(self, repo: Repo) -> AbstractAsyncContextManager[object]:
        """While it lasts nobody else of us writes to the installation: what is looked at in it is still so when the
        caller writes."""

    async def say(self, issue: IssueRef, body: str, *, marker: str) -> PostedComment:
        """Post a comment, or find ours with that marker and bring it up to date. `body` begins with `marker`."""

    async def open_issue(self, repo: Repo, *, title: str, body: str, marker: str) -> IssueRef:
        """Open it, or find ours that begins with the marker. `body` begins with `marker`."""

    async def edit(self, issue: IssueRef, comment_id: int, body: str) -> None: ...

    async def open_pull_request(self, issue: IssueRef, *, branches: re.Pattern[str]) -> PullRequest | None:
        """Ours that is open for this issue: same repository, from a branch whose whole name matches."""

    async def publishing(self, repo: Repo, branch: str) -> Publishing:
        """What stands against making the branch, before it is made. Raises `Denied` where a permission is missing."""

    async def author(self, repo: Repo) -> str:
        """Whom our commits are by, as a sign-off names it: "name <address>"."""

    async def commit(
        self, repo: Repo, *, parent: Sha, entries: Sequence[TreeEntry], message: str, also: Sha | None = None
    ) -> Commit:
        """Blobs, tree and commit through the API. No author or committer is given, so that GitHub signs it.

        `also`: a second parent, whose files do not count.
        """

    async def point_branch(self, repo: Repo, branch: str, commit: Sha) -> Sha:
        """Create the branch; when it is there already, leave it alone. Returns where it points then."""

    async def advance_branch(self, repo: Repo, branch: str, commit: Sha) -> bool:
        """Move it forward to a commit on top of it, never by force. False: it holds what the commit does not."""

    async def merge(self, repo: Repo, *, branch: str, base: str, message: str) -> Merging:
        """The base branch into the other, where it is clean. A merge of ours that is there already, by its message, is
        found."""

    async def missing_from(self, repo: Repo, *, base: str, head: Sha) -> int:
        """How many commits of the base branch the head does not have."""

    async def authors_beside_us(self, repo: Repo, number: int) -> list[str]:
        """Who else has commits in the pull request."""

    async def delete_branch(self, repo: Repo, branch: str) -> None:
        """One that is not there is fine."""

    async def open_pull(
        self, issue: IssueRef, *, branch: str, base: str, title: str, body: str, draft: bool
    ) -> PullRequest:
        """Open it, or find the open one from that branch and bring its text up to date.

        Where drafts are not available it is opened ready, and the result says so.
        """

    def compare_url(self, repo: Repo, *, base: str, branch: str) -> str:
        """Where a person opens the pull request from that branch; "" where there are none."""

    async def rewrite_pull(self, repo: Repo, number: int, *, title: str, body: str) -> None:
        """Bring our words up to date; a person's stay."""

    async def dress_pull(
        self, repo: Repo, number: int, *, labels: Sequence[str], reviewers: Sequence[str]
    ) -> list[str]:
        """Labels and review requests, best effort. Returns what could not be done, for people."""

    async def remote(self, repo: Repo) -> Remote: ...

    async def pull(self, repo: Repo, number: int) -> PullState: ...

    async def review(self, repo: Repo, number: int, review: int) -> Review: ...

    async def threads(self, repo: Repo, number: int) -> list[Thread]:
        """Conversations on lines of the diff that nobody has resolved, oldest first; at most 300 of them."""

    async def answer_threads(self, repo: Repo, number: int, answers: Sequence[ThreadAnswer]) -> list[int]:
        """Each once, however often this is called. Returns the comments of those that GitHub did not let us answer."""

    async def resolve_threads(self, repo: Repo, threads: Sequence[str]) -> list[str]:
        """By their ids. Returns those that GitHub did not let us resolve."""

    async def merged_by(self, repo: Repo, commit: Sha) -> list[int]:
        """The pull requests that brought it, as GitHub knows them. Empty where it knows no such commit."""

    async def checks(self, repo: Repo, commit: Sha) -> list[Check]:
        """Each as it stands there: check runs and statuses. Raises `Denied` where the App may not see them."""

    async def job_log(self, repo: Repo, job: int, *, most: int) -> str:
        """The last `most` bytes of it, as they are. Raises `Gone` where it is kept no longer, and `Denied`."""

    async def show_check(self, repo: Repo, commit: Sha, check: OwnCheck) -> None:
        """Ours on that commit: made, or brought up to date. Raises `Denied` where the App may not write checks."""

    async def show_check_again(self, repo: Repo, commit: Sha, check: OwnCheck) -> None:
        """The same, told also where it says so already: somebody has asked GitHub for it."""
