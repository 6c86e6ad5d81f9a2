"""From verified bytes (signatures.py) to a slim record: is it for us?

Each question is cheaper than the next: the event's name against a table, then a partial decode that skips all but the
fields we need without building objects. What is left is a tenth of the payload, in GitHub's own shape; it is what the
inbox keeps and what the task is frozen from, so it holds the issue's texts as these signed bytes had them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import msgspec
import structlog

from bot.core.trigger.unreadable import UNREADABLE
from bot.github.check_records import check_run, check_suite, status
from bot.github.payloads import Account, Payload, Repository
from bot.github.push_records import push
from bot.github.signatures import Delivery
from bot.github.unreadable import MAX_EXCERPT, excerpt, read_again, what_is_known

MAX_TEXT = 65_536  # characters: GitHub's own limit for a body, so only foreign bytes are ever cut

# Wider than what the command's parser accepts: `/solve`, and what is one letter less, more, other or swapped.
_REQUEST = re.compile(
    r"(?<![\w/])/(?:solve|olve|slve|sove|sole|solv|\wolve|s\wlve|so\wve|sol\we|\wsolve|s\wolve|so\wlve|sol\wve|solv\we"
    r"|oslve|slove|sovle|solev)",
    re.IGNORECASE,
)

log: structlog.stdlib.BoundLogger = structlog.get_logger()


def is_listened(event: str) -> bool:
    """Can anything of this event be for us?"""
    return event in _LISTENED


# Every field may be missing or null, and what is not listed is skipped. A field of another type fails the decode of
# the whole payload; `slim` then reads with more patience.


class _Label(msgspec.Struct, omit_defaults=True):
    name: str | None = None


class _Issue(msgspec.Struct, omit_defaults=True):
    number: int | None = None
    title: str | None = None
    body: str | None = None
    updated_at: str | None = None
    pull_request: dict[str, msgspec.Raw] | None = None


class _Comment(msgspec.Struct, omit_defaults=True):
    id: int | None = None
    body: str | None = None
    user: Account | None = None
    updated_at: str | None = None


class _Before(msgspec.Struct, omit_defaults=True):
    from_: str | None = msgspec.field(default=None, name="from")


class _Changes(msgspec.Struct, omit_defaults=True):
    body: _Before | None = None


class _Issues(Payload):
    issue: _Issue | None = None
    label: _Label | None = None


class _IssueComment(Payload):
    issue: _Issue | None = None
    comment: _Comment | None = None
    changes: _Changes | None = None


class _Head(msgspec.Struct, omit_defaults=True):
    sha: str | None = None
    ref: str | None = None
    repo: Repository | None = None


class _Base(msgspec.Struct, omit_defaults=True):
    ref: str | None = None


class _BaseBefore(msgspec.Struct, omit_defaults=True):
    ref: _Before | None = None


class _PullChanges(msgspec.Struct, omit_defaults=True):
    base: _BaseBefore | None = None


class _Pull(msgspec.Struct, omit_defaults=True):
    number: int | None = None
    user: Account | None = None
    merged: bool | None = None
    body: str | None = None
    updated_at: str | None = None
    draft: bool | None = None
    head: _Head | None = None
    base: _Base | None = None


class _Pulls(Payload):
    pull_request: _Pull | None = None
    changes: _PullChanges | None = None


class _ReviewedPull(msgspec.Struct, omit_defaults=True):
    number: int | None = None
    title: str | None = None
    user: Account | None = None
    head: _Head | None = None


class _Review(msgspec.Struct, omit_defaults=True):
    id: int | None = None
    body: str | None = None
    state: str | None = None
    user: Account | None = None
    submitted_at: str | None = None


class _Reviews(Payload):
    review: _Review | None = None
    pull_request: _ReviewedPull | None = None


class _LineComment(_Comment):
    pull_request_review_id: int | None = None


class _LineComments(Payload):
    comment: _LineComment | None = None
    pull_request: _ReviewedPull | None = None
    changes: _Changes | None = None


class _Installations(Payload):
    repositories: list[Repository] | None = None
    repositories_added: list[Repository] | None = None
    repositories_removed: list[Repository] | None = None


def slim(delivery: Delivery) -> bytes | None:
    """The fields we need, as JSON in the payload's own shape; None for what is not ours."""
    keep = _LISTENED.get(delivery.event)
    if keep is None:
        return None
    try:
        payload = keep(delivery.body)
    except _UNREADABLE as error:
        return _second_reading(keep, delivery, str(error))
    return None if payload is None else _encode(payload)


def _second_reading(keep: _Keep, delivery: Delivery, problem: str) -> bytes | None:
    """As `slim`, with patience. What cannot be read even so is kept where it may ask something of us."""
    mended = read_again(delivery.body)
    if mended is not None:
        try:
            payload = keep(mended.encode())
        except _UNREADABLE as error:
            problem = str(error)
        else:
            return None if payload is None else _encode(payload)
    log.error("webhook.unreadable", delivery=delivery.guid, github_event=delivery.event, problem=problem)
    text = mended or excerpt(delivery.body)
    if not _may_concern_us(delivery.event, text):
        return None
    return _encode({**what_is_known(mended), UNREADABLE: {"problem": problem, "text": text[:MAX_EXCERPT]}})


def _may_concern_us(event: str, text: str) -> bool:
    return (event == "issues" and '"labeled"' in text) or (event == "issue_comment" and _may_ask(text))


_read_payload = msgspec.json.Decoder(Payload).decode
_read_issues = msgspec.json.Decoder(_Issues).decode
_read_comment = msgspec.json.Decoder(_IssueComment).decode
_read_pulls = msgspec.json.Decoder(_Pulls).decode
_read_reviews = msgspec.json.Decoder(_Reviews).decode
_read_line_comments = msgspec.json.Decoder(_LineComments).decode
_read_installation = msgspec.json.Decoder(_Installations).decode
_encode = msgspec.json.Encoder().encode


def _issues(body: bytes) -> Payload | None:
    payload = _read_issues(body)
    if payload.action not in ("labeled", "unlabeled", "closed", "transferred", "deleted"):
        return None
    _cut_issue(payload.issue)
    return payload


def _issue_comment(body: bytes) -> Payload | None:
    """Comments that may hold a command, by people."""
    payload = _read_comment(body)
    if not _is_request(payload, payload.comment, payload.changes):
        return None
    _cut_issue(payload.issue)
    return payload


def _line_comment(body: bytes) -> Payload | None:
    """The same on lines of a diff, where the pull request may be ours."""
    payload = _read_line_comments(body)
    may_be_ours = _may_be_ours(payload, payload.pull_request)
    return payload if may_be_ours and _is_request(payload, payload.comment, payload.changes) else None


def _is_request(payload: Payload, comment: _Comment | None, changes: _Changes | None) -> bool:
    """An edit counts for what it adds *and* what it had before. What is kept is cut on the way."""
    if comment is None or payload.action not in ("created", "edited"):
        return False
    if _is_bot(payload.sender) or _is_bot(comment.user):
        return False
    before = changes.body if changes else None
    if not _may_ask(comment.body) and not (before and _may_ask(before.from_)):
        return False
    comment.body = _cut(comment.body)
    if before:
        before.from_ = _cut(before.from_)
    return True


def _review(body: bytes) -> Payload | None:
    """By people, where changes are requested or something is asked, and the pull request may be ours; or taken back."""
    payload = _read_reviews(body)
    review = payload.review
    if review is None or not _may_be_ours(payload, payload.pull_request):
        return None
    if payload.action == "dismissed":
        review.body = None
        return payload
    if payload.action != "submitted":
        return None
    if _is_bot(payload.sender) or _is_bot(review.user):
        return None
    if review.state != "changes_requested" and not _may_ask(review.body):
        return None
    review.body = _cut(review.body)
    return payload


def _may_be_ours(payload: Payload, pull: _ReviewedPull | _Pull | None) -> bool:
    """Opened by a robot, from a branch of the repository itself: which robot, the worker knows."""
    if pull is None or payload.repository is None or not _is_bot(pull.user):
        return False
    return pull.head is not None and pull.head.repo is not None and pull.head.repo.id == payload.repository.id


_PULL_ACTIONS = frozenset({"closed", "reopened", "converted_to_draft", "ready_for_review", "edited"})


def _pull_request(body: bytes) -> Payload | None:
    """That one which may be ours is over, open again, a draft, none any more, or has another base branch; and that
    anybody's is merged which takes one back.

    Of its text what matters is whose work that is, which stands on a line of its own.
    """
    payload = _read_pulls(body)
    pull = payload.pull_request
    if pull is None or payload.action not in _PULL_ACTIONS:
        return None
    if payload.action == "edited" and (payload.changes is None or payload.changes.base is None):
        return None
    pull.body = _cut(pull.body) if pull.body and "Reverts " in pull.body else None
    takes_back = pull.body is not None and payload.action == "closed" and pull.merged is True
    return payload if takes_back or _may_be_ours(payload, pull) else None


def _repository(body: bytes) -> Payload | None:
    payload = _read_payload(body)
    known = payload.action in ("renamed", "transferred", "archived", "unarchived", "deleted")
    return payload if known else None


_Keep = Callable[[bytes], Payload | None]
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_LISTENED: Mapping[str, _Keep] = {
    "ping": _read_payload,
    "issues": _issues,
    "issue_comment": _issue_comment,
    "pull_request": _pull_request,
    "pull_request_review": _review,
    "pull_request_review_comment": _line_comment,
    "installation": _read_installation,
    "installation_repositories": _read_installation,
    "repository": _repository,
    "push": push,
    "check_run": check_run,
    "check_suite": check_suite,
    "status": status,
}


def _may_ask(text: str | None) -> bool:
    return text is not None and _REQUEST.search(text) is not None


def _is_bot(account: Account | None) -> bool:
    return account is not None and account.type == "Bot"


def _cut_issue(issue: _Issue | None) -> None:
    if issue is not None:
        issue.title = _cut(issue.title)
        issue.body = _cut(issue.body)


def _cut(text: str | None) -> str | None:
    if text is None or len(text) <= MAX_TEXT:
        return text
    return f"{text[:MAX_TEXT]}\n\n[cut here: the text has {len(text)} characters]"
