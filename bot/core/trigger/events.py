"""What happened on GitHub, in our words. event_reader.py makes it of what GitHub sends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.core.model import IssueRef, Person, Repo, Sha, SolveId, SolveOptions, Trigger, TriggerKind
from bot.core.text.characters import is_same_label
from bot.core.trigger.commands import parse_commands


@dataclass(frozen=True, slots=True)
class IssueEvent:
    """What every event about an issue tells: the issue as it was then, who did it, and when by GitHub's clock."""

    issue: IssueRef
    title: str
    body: str
    is_pull_request: bool
    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class LabelAdded(IssueEvent):
    label: str


@dataclass(frozen=True, slots=True)
class LabelRemoved(IssueEvent):
    label: str


@dataclass(frozen=True, slots=True)
class IssueClosed(IssueEvent):
    pass


@dataclass(frozen=True, slots=True)
class IssueMoved(IssueEvent):
    """Transferred to another repository, or deleted: nothing can be said there any more."""

    deleted: bool


@dataclass(frozen=True, slots=True)
class CommentPosted(IssueEvent):
    """`previous` is the text before an edit; None for a new comment. Of an edit, only what it adds is a request."""

    comment_id: int
    text: str
    previous: str | None

    @property
    def key(self) -> str:
        """Of what it asks for."""
        return f"c{self.comment_id}"


class Wish(StrEnum):
    """What can be asked for through the API."""

    SOLVE = "solve"
    CANCEL = "cancel"
    RETRY = "retry"
    USE = "use"
    REVISE = "revise"
    APPROVE = "approve"
    REJECT = "reject"
    CONFIGURE = "configure"


@dataclass(frozen=True, slots=True)
class Requested(IssueEvent):
    """Through the API, and not by GitHub's word. `solve`: which one it is about; None: a new one is asked for.

    `candidate`: the number of the run whose patch is to be used or approved; 0: the champion's. `text`: what a revision
    is to change, why a champion is rejected, or the whole of a configuration.
    """

    request: str
    wish: Wish
    solve: SolveId | None = None
    options: SolveOptions | None = None
    candidate: int = 0
    text: str = ""

    @property
    def key(self) -> str:
        return f"a{self.request.rpartition('-')[2][:16]}"


@dataclass(frozen=True, slots=True)
class ReviewSubmitted(IssueEvent):
    """Of a pull request by a robot, which may be ours."""

    review: int
    changes_requested: bool
    text: str


@dataclass(frozen=True, slots=True)
class ThreadCommented(IssueEvent):
    """On a line of such a pull request's diff. `previous` as for `CommentPosted`."""

    comment_id: int
    review: int | None
    text: str
    previous: str | None


@dataclass(frozen=True, slots=True)
class ReviewDismissed:
    """Somebody has taken a review back, the one who wrote it or another."""

    repo: Repo
    number: int
    review: int
    by: Person


@dataclass(frozen=True, slots=True)
class PullRequestClosed:
    """Anybody's. `body`: only where it may say what it takes back."""

    repo: Repo
    number: int
    merged: bool
    head_sha: str
    body: str
    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class CommitsReverted:
    """On the default branch, by commits that say so. `commits`: which ones are taken back."""

    repo: Repo
    commits: tuple[Sha, ...]


@dataclass(frozen=True, slots=True)
class PullRequestReopened:
    repo: Repo
    number: int


@dataclass(frozen=True, slots=True)
class PullRequestChanged:
    """It is a draft or none any more, or has another base branch. `base_before`: "" where that stayed."""

    repo: Repo
    number: int
    draft: bool
    branch: str
    base: str
    base_before: str
    by: Person


@dataclass(frozen=True, slots=True)
class ChecksReported:
    """Something is known about the checks of a commit. What, is asked then: events come late and in any order."""

    repo: Repo
    sha: Sha


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """On the check run of our own on the pull request that this solve opened. GitHub tells nobody else of it."""

    repo: Repo
    solve: SolveId
    button: str
    by: Person


@dataclass(frozen=True, slots=True)
class SuiteRerequested:
    """Somebody wants all of our checks of a commit once more. GitHub tells nobody else of it."""

    repo: Repo
    sha: Sha


class InstallationAction(StrEnum):
    CREATED = "created"
    DELETED = "deleted"
    SUSPENDED = "suspend"
    UNSUSPENDED = "unsuspend"
    NEW_PERMISSIONS = "new_permissions_accepted"
    REPOSITORIES_ADDED = "added"
    REPOSITORIES_REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class InstallationChanged:
    installation: int
    account: str
    action: InstallationAction
    added: tuple[Repo, ...]
    removed: tuple[Repo, ...]
    by: Person


class RepositoryAction(StrEnum):
    RENAMED = "renamed"
    TRANSFERRED = "transferred"
    ARCHIVED = "archived"
    UNARCHIVED = "unarchived"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class RepositoryChanged:
    """`repo` has its new name."""

    repo: Repo
    action: RepositoryAction
    by: Person


@dataclass(frozen=True, slots=True)
class Ping:
    """GitHub tries the webhook's address."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A request, as far as it can be told. `issue`: None where even that is not known.

    `label` and `comment`: what was said, "" where that is not known; then `text` is what there is of the delivery.
    """

    why: str
    issue: IssueRef | None
    label: str
    comment: str
    text: str
    by_person: bool


@dataclass(frozen=True, slots=True)
class Ignored:
    why: str


Event = (
    LabelAdded
    | LabelRemoved
    | IssueClosed
    | IssueMoved
    | CommentPosted
    | ReviewSubmitted
    | ReviewDismissed
    | ThreadCommented
    | PullRequestClosed
    | CommitsReverted
    | PullRequestReopened
    | PullRequestChanged
    | Requested
    | ChecksReported
    | ButtonPressed
    | SuiteRerequested
    | InstallationChanged
    | RepositoryChanged
    | Ping
    | Unreadable
    | Ignored
)

API_EVENT = "solvebot_api"  # what deliveries are called that GitHub has not made; no webhook of that name is let in


def asks_us(event: Unreadable, labels: Sequence[str]) -> bool:
    """Does it name one of our labels, or a command, and is it a person's? A robot is never answered: it may be us."""
    if not event.by_person:
        return False
    if event.comment:
        return bool(parse_commands(event.comment))
    if event.label:
        return is_one_of(event.label, labels)
    return any(word in event.text for word in (*labels, "/solve"))


def is_one_of(label: str, labels: Sequence[str]) -> bool:
    return any(is_same_label(label, one) for one in labels)


def trigger_of(event: LabelAdded | CommentPosted | Requested) -> Trigger:
    """The same request has the same key: the comment, or the moment at which the label was put on."""
    match event:
        case CommentPosted():
            return Trigger(TriggerKind.COMMENT, event.key, event.by, event.at, event.comment_id)
        case Requested():
            return Trigger(TriggerKind.API, event.key, event.by, event.at)
    return Trigger(TriggerKind.LABEL, f"l{int(event.at.timestamp())}", event.by, event.at)
