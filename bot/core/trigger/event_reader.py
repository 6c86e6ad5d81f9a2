"""From a webhook's record to what happened.

The record has the shape of GitHub's payload with only the fields named here (github/webhook.py makes it smaller), so
a whole payload reads just as well. Reading is total: what we cannot use is `Ignored` with a reason, never an
exception, because a delivery that was acknowledged cannot be refused any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeGuard

import msgspec

from bot.core.choosing.outcomes import reverted_commits
from bot.core.model import IssueRef, Person, Repo, Sha, SolveId
from bot.core.trigger.events import (
    API_EVENT,
    ButtonPressed,
    ChecksReported,
    CommentPosted,
    CommitsReverted,
    Event,
    Ignored,
    InstallationAction,
    InstallationChanged,
    IssueClosed,
    IssueMoved,
    LabelAdded,
    LabelRemoved,
    Ping,
    PullRequestChanged,
    PullRequestClosed,
    PullRequestReopened,
    RepositoryAction,
    RepositoryChanged,
    Requested,
    ReviewDismissed,
    ReviewSubmitted,
    SuiteRerequested,
    ThreadCommented,
    Unreadable,
)
from bot.core.trigger.own_check import Wanted
from bot.core.trigger.unreadable import UNREADABLE

MAX_ID = 2**63


class _Missing(Exception):
    """A field that is not there, or not of its type. Stays inside this module."""


def read_event(event: str, record: Mapping[str, object]) -> Event:
    """`event` is GitHub's name of it (X-GitHub-Event), `record` the payload or its slim form. Never raises."""
    reader = _READERS.get(event)
    if reader is None:
        return Ignored(f"nobody listens to {event}")
    if UNREADABLE in record:
        return _unreadable(record, _optional_text(record, UNREADABLE, "problem"))
    try:
        return reader(record)
    except _Missing as missing:
        why = f"{event} without {missing}"
        return _unreadable(record, why) if _is_request(event, record) else Ignored(why)


def _is_request(event: str, record: Mapping[str, object]) -> bool:
    action = record.get("action")
    return (event == "issues" and action == "labeled") or (event == "issue_comment" and action == "created")


def _unreadable(record: Mapping[str, object], why: str) -> Unreadable:
    try:
        issue = IssueRef(_repo(record), _number(record, "issue", "number"))
    except _Missing:
        issue = None
    return Unreadable(
        why,
        issue,
        label=_optional_text(record, "label", "name"),
        comment=_optional_text(record, "comment", "body"),
        text=_optional_text(record, UNREADABLE, "text"),
        by_person=_find(record, "sender", "type") == "User",
    )


def _read_issues(record: Mapping[str, object]) -> Event:
    about = _issue_event(record, _at(record, "issue"))
    match _text(record, "action"):
        case "labeled":
            return LabelAdded(*about, _text(record, "label", "name"))
        case "unlabeled":
            return LabelRemoved(*about, _text(record, "label", "name"))
        case "closed":
            return IssueClosed(*about)
        case "transferred":
            return IssueMoved(*about, deleted=False)
        case "deleted":
            return IssueMoved(*about, deleted=True)
        case action:
            return Ignored(f"issues.{action} asks nothing of us")


def _read_comment(record: Mapping[str, object]) -> Event:
    action = _text(record, "action")
    if action not in ("created", "edited"):
        return Ignored(f"issue_comment.{action} asks nothing of us")
    if _person(record, "sender").is_bot or _person(record, "comment", "user").is_bot:
        return Ignored("written by a bot")
    return CommentPosted(
        *_issue_event(record, _at(record, "comment")),
        comment_id=_number(record, "comment", "id"),
        text=_optional_text(record, "comment", "body"),
        previous=_text(record, "changes", "body", "from") if action == "edited" else None,
    )


def _read_pull(record: Mapping[str, object]) -> Event:
    action = _text(record, "action")
    if action == "reopened":
        return PullRequestReopened(_repo(record), _number(record, "pull_request", "number"))
    if action in ("converted_to_draft", "ready_for_review", "edited"):
        return _changed(record, action)
    if action != "closed":
        return Ignored(f"pull_request.{action} asks nothing of us")
    return PullRequestClosed(
        _repo(record),
        _number(record, "pull_request", "number"),
        merged=_find(record, "pull_request", "merged") is True,
        head_sha=_text(record, "pull_request", "head", "sha"),
        body=_optional_text(record, "pull_request", "body"),
        by=_person(record, "sender"),
        at=_at(record, "pull_request"),
    )


def _changed(record: Mapping[str, object], action: str) -> Event:
    before = _optional_text(record, "changes", "base", "ref", "from") if action == "edited" else ""
    if action == "edited" and not before:
        return Ignored("pull_request.edited asks nothing of us")
    return PullRequestChanged(
        _repo(record),
        _number(record, "pull_request", "number"),
        draft=_find(record, "pull_request", "draft") is True,
        branch=_text(record, "pull_request", "head", "ref"),
        base=_text(record, "pull_request", "base", "ref"),
        base_before=before,
        by=_person(record, "sender"),
    )


def _read_review(record: Mapping[str, object]) -> Event:
    action = _text(record, "action")
    if action == "dismissed":
        return ReviewDismissed(
            _repo(record),
            _number(record, "pull_request", "number"),
            _number(record, "review", "id"),
            _person(record, "sender"),
        )
    if action != "submitted":
        return Ignored(f"pull_request_review.{action} asks nothing of us")
    if reason := _not_for_us(record, "review"):
        return Ignored(reason)
    return ReviewSubmitted(
        *_pull_event(record, _at(record, "review", "submitted_at")),
        review=_number(record, "review", "id"),
        changes_requested=_text(record, "review", "state").lower() == "changes_requested",
        text=_optional_text(record, "review", "body"),
    )


def _read_thread_comment(record: Mapping[str, object]) -> Event:
    action = _text(record, "action")
    if action not in ("created", "edited"):
        return Ignored(f"pull_request_review_comment.{action} asks nothing of us")
    if reason := _not_for_us(record, "comment"):
        return Ignored(reason)
    review = _find(record, "comment", "pull_request_review_id")
    return ThreadCommented(
        *_pull_event(record, _at(record, "comment")),
        comment_id=_number(record, "comment", "id"),
        review=review if isinstance(review, int) else None,
        text=_optional_text(record, "comment", "body"),
        previous=_text(record, "changes", "body", "from") if action == "edited" else None,
    )


def _not_for_us(record: Mapping[str, object], written: str) -> str:
    """Why; "" when it may be."""
    if _person(record, "sender").is_bot or _person(record, written, "user").is_bot:
        return "written by a bot"
    return "" if _person(record, "pull_request", "user").is_bot else "a person's pull request"


def _read_check_run(record: Mapping[str, object]) -> Event:
    action = _text(record, "action")
    if action in ("requested_action", "rerequested"):
        solve = SolveId(_text(record, "check_run", "external_id"))
        again = action == "rerequested"
        button = Wanted.RERUN if again else _text(record, "requested_action", "identifier")
        return ButtonPressed(_repo(record), solve, button, _person(record, "sender"))
    if action != "completed":
        return Ignored(f"check_run.{action} asks nothing of us")
    return ChecksReported(_repo(record), Sha(_text(record, "check_run", "head_sha")))


def _read_check_suite(record: Mapping[str, object]) -> Event:
    action = _text(record, "action")
    if action not in ("completed", "rerequested"):
        return Ignored(f"check_suite.{action} asks nothing of us")
    told = SuiteRerequested if action == "rerequested" else ChecksReported
    return told(_repo(record), Sha(_text(record, "check_suite", "head_sha")))


def _read_status(record: Mapping[str, object]) -> Event:
    return ChecksReported(_repo(record), Sha(_text(record, "sha")))


def _read_push(record: Mapping[str, object]) -> Event:
    told = record.get("commits")
    messages = [_optional_text(each, "message") for each in told if isinstance(each, Mapping)] if _is_list(told) else []
    commits = reverted_commits("\n".join(messages))
    return CommitsReverted(_repo(record), commits) if commits else Ignored("a push that takes nothing back")


def _read_installation(record: Mapping[str, object]) -> Event:
    try:
        action = InstallationAction(_text(record, "action"))
    except ValueError:
        return Ignored(f"installation.{record['action']} asks nothing of us")
    installation = _number(record, "installation", "id")
    return InstallationChanged(
        installation,
        account=_text(record, "installation", "account", "login"),
        action=action,
        added=_repositories(record, installation, "repositories_added", "repositories"),
        removed=_repositories(record, installation, "repositories_removed"),
        by=_person(record, "sender"),
    )


def _read_repository(record: Mapping[str, object]) -> Event:
    try:
        action = RepositoryAction(_text(record, "action"))
    except ValueError:
        return Ignored(f"repository.{record['action']} asks nothing of us")
    return RepositoryChanged(_repo(record), action, _person(record, "sender"))


def _read_request(record: Mapping[str, object]) -> Event:
    """Written by ourselves: it holds what the API was asked for, and who asked was known there."""
    try:
        return msgspec.convert(record, Requested)
    except msgspec.ValidationError as error:
        return Ignored(f"{API_EVENT}: {error}")


_READERS: Mapping[str, Callable[[Mapping[str, object]], Event]] = {
    "issues": _read_issues,
    "issue_comment": _read_comment,
    "pull_request": _read_pull,
    "pull_request_review": _read_review,
    "pull_request_review_comment": _read_thread_comment,
    "installation": _read_installation,
    "installation_repositories": _read_installation,
    "repository": _read_repository,
    "check_run": _read_check_run,
    "check_suite": _read_check_suite,
    "status": _read_status,
    "push": _read_push,
    "ping": lambda _: Ping(),
    API_EVENT: _read_request,
}


def _issue_event(record: Mapping[str, object], at: datetime) -> tuple[IssueRef, str, str, bool, Person, datetime]:
    """The fields of `IssueEvent`, in their order."""
    return (
        IssueRef(_repo(record), _number(record, "issue", "number")),
        _text(record, "issue", "title"),
        _optional_text(record, "issue", "body"),
        isinstance(_find(record, "issue", "pull_request"), Mapping),
        _person(record, "sender"),
        at,
    )


def _pull_event(record: Mapping[str, object], at: datetime) -> tuple[IssueRef, str, str, bool, Person, datetime]:
    """The same of what is told about a pull request."""
    pull = IssueRef(_repo(record), _number(record, "pull_request", "number"))
    return pull, _text(record, "pull_request", "title"), "", True, _person(record, "sender"), at


def _repo(record: Mapping[str, object]) -> Repo:
    return Repo(
        installation=_number(record, "installation", "id"),
        id=_number(record, "repository", "id"),
        name=_text(record, "repository", "full_name"),
    )


def _repositories(record: Mapping[str, object], installation: int, *names: str) -> tuple[Repo, ...]:
    """Those that can be read; a strange entry must not hide the others."""
    entries = [entry for name in names if isinstance(listed := record.get(name), list) for entry in listed]
    return tuple(
        Repo(installation, number, name)
        for entry in entries
        if isinstance(entry, Mapping)
        and _is_id(number := entry.get("id"))
        and isinstance(name := entry.get("full_name"), str)
    )


def _person(record: Mapping[str, object], *path: str) -> Person:
    return Person(
        login=_text(record, *path, "login"),
        id=_number(record, *path, "id"),
        is_bot=_find(record, *path, "type") == "Bot",
    )


def _at(record: Mapping[str, object], thing: str, field: str = "updated_at") -> datetime:
    """When it happened: the thing's last change. A comment's creation sets both of its times alike."""
    text = _text(record, thing, field)
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _Missing(f"a time with its zone in {thing}.{field}")


def _find(record: Mapping[str, object], *path: str) -> object:
    found: object = record
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def _text(record: Mapping[str, object], *path: str) -> str:
    found = _find(record, *path)
    if not isinstance(found, str) or not found:
        raise _Missing(".".join(path))
    return found


def _optional_text(record: Mapping[str, object], *path: str) -> str:
    """GitHub says null for a text nobody wrote."""
    found = _find(record, *path)
    return found if isinstance(found, str) else ""


def _number(record: Mapping[str, object], *path: str) -> int:
    found = _find(record, *path)
    if not _is_id(found):
        raise _Missing(".".join(path))
    return found


def _is_list(found: object) -> TypeGuard[list[object]]:
    return isinstance(found, list)


def _is_id(found: object) -> TypeGuard[int]:
    """All numbers of GitHub's that we read are of things; databases hold them in 64 bits."""
    return isinstance(found, int) and not isinstance(found, bool) and 0 <= found < MAX_ID
