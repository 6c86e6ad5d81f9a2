"""Reviews, and the conversations on lines of a diff."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from bot.simulators.github.actions.issues import check_body
from bot.simulators.github.refusals import Refusal, forbidden, invalid, not_found, unprocessable
from bot.simulators.github.stage import Stage
from bot.simulators.github.state import Account, AccountType, Issue, Pull, Repository, Review, ReviewComment, Thread

REVIEW_STATES = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
NOT_IN_DIFF = "pull_request_review_thread.line must be part of the diff"
_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")


@dataclass(frozen=True, slots=True)
class Note:
    """A comment on lines of the diff; `line` is the last of them. `side` LEFT: of the file before the change."""

    path: str
    line: int
    body: str
    lines: int = 1
    side: str = "RIGHT"
    start_side: str = "RIGHT"


async def review(
    stage: Stage, repo: Repository, issue: Issue, verdict: str, body: str, by: Account, notes: Sequence[Note] = ()
) -> Review:
    """`verdict` is one of `REVIEW_STATES`. Nobody reviews their own pull request other than with a comment."""
    pull = _of(issue)
    if by.id == issue.user.id and verdict != "COMMENT":
        raise unprocessable("Can not request changes on your own pull request")
    if not body and not notes and verdict != "APPROVE":
        raise invalid("PullRequestReview", "body", "missing_field")
    check_body(body, "PullRequestReview")
    hunks = [await _hunk(repo, pull, note) for note in notes]
    given = _submitted(stage, pull, verdict, body, by)
    if by in pull.requested_reviewers:
        pull.requested_reviewers.remove(by)
    for note, hunk in zip(notes, hunks, strict=True):
        check_body(note.body, "PullRequestReviewComment")
        thread = Thread(stage.state.id(), note.path, note.line, note.line, hunk, lines=note.lines)
        thread.side, thread.start_side = note.side, note.start_side
        thread.comments.append(_comment(stage, pull, given, note.body, by))
        pull.threads.append(thread)
    _emit_review(stage, repo, issue, given)
    for thread in pull.threads[len(pull.threads) - len(notes) :]:
        _emit_comment(stage, repo, issue, thread, thread.comments[0], "created", by)
    return given


def reply(stage: Stage, repo: Repository, issue: Issue, comment_id: int, body: str, by: Account) -> ReviewComment:
    """To the first comment of a thread. It is a review of its own, as on GitHub, which says so in another webhook."""
    pull, thread = _of(issue), thread_of(issue, comment_id)
    if issue.locked and by.type is AccountType.BOT:
        raise forbidden("Unable to create comment because issue is locked.")
    if thread.comments[0].id != comment_id:
        raise unprocessable("in_reply_to must be a top-level comment")
    if not body.strip():
        raise invalid("PullRequestReviewComment", "body", "missing_field")
    check_body(body, "PullRequestReviewComment")
    given = _submitted(stage, pull, "COMMENT", "", by)
    said = _comment(stage, pull, given, body, by)
    thread.comments.append(said)
    _emit_review(stage, repo, issue, given)
    _emit_comment(stage, repo, issue, thread, said, "created", by)
    return said


def resolve(stage: Stage, repo: Repository, issue: Issue, thread: Thread, by: Account) -> None:
    if thread.resolved_by is None:
        thread.resolved_by = by
        told = {"thread": {"node_id": str(thread.id), "comments": []}}
        pull = stage.shapes.pull(repo, issue, _of(issue))
        stage.emit(repo, "pull_request_review_thread", "resolved", by, pull_request=pull, **told)


def dismiss(stage: Stage, repo: Repository, issue: Issue, given: Review, by: Account) -> None:
    """Of one that approves or requests changes, by somebody who may write."""
    if given.state not in ("APPROVED", "CHANGES_REQUESTED"):
        raise unprocessable("Can not dismiss a commented pull request review")
    given.state = "DISMISSED"
    told = {**stage.shapes.review(repo, issue, given), "state": "dismissed", "body": given.body or None}
    pull = stage.shapes.pull(repo, issue, _of(issue))
    stage.emit(repo, "pull_request_review", "dismissed", by, review=told, pull_request=pull)


def thread_of(issue: Issue, comment_id: int) -> Thread:
    """Raises 404 where no thread has that comment."""
    for thread in _of(issue).threads:
        if any(comment.id == comment_id for comment in thread.comments):
            return thread
    raise not_found()


def follow_lines(repo: Repository, pull: Pull, old: str, new: str) -> None:
    """A thread follows its line through new commits, and is outdated when that line is no longer what it was."""
    for thread in pull.threads:
        if thread.line is not None and thread.side == "RIGHT":
            before, after = (_lines(repo, sha, thread.path) for sha in (old, new))
            matcher = SequenceMatcher(None, before, after, autojunk=False)
            moved = [
                thread.line - 1 - block.a + block.b + 1
                for block in matcher.get_matching_blocks()
                if block.a <= thread.line - 1 < block.a + block.size
            ]
            thread.line = moved[0] if moved else None


def _lines(repo: Repository, sha: str, path: str) -> list[str]:
    entry = repo.git.at(repo.git.commit(sha).tree, path)
    return [] if entry is None else repo.git.read(entry.sha, "blob").decode(errors="replace").split("\n")


async def _hunk(repo: Repository, pull: Pull, note: Note) -> str:
    """What the diff shows up to that line. 422 where the line is not in it."""
    base = await repo.git.merge_base(pull.base_sha, pull.head_sha)
    files = await repo.git.diff(base or pull.base_sha, pull.head_sha)
    patch = next((file.patch for file in files if file.path == note.path), None)
    shown: list[str] = []
    at = 0
    for text in (patch or "").split("\n"):
        if found := _HUNK.match(text):
            shown, at = [text], int(found[1 if note.side == "LEFT" else 2])
            continue
        shown.append(text)
        if not text.startswith("+" if note.side == "LEFT" else "-"):
            if at == note.line and shown[0].startswith("@@"):
                return "\n".join(shown)
            at += 1
    raise invalid("PullRequestReviewComment", "pull_request_review_thread.line", "custom", NOT_IN_DIFF)


def _of(issue: Issue) -> Pull:
    if issue.pull is None:
        raise Refusal(404, "Not Found")
    return issue.pull


def _submitted(stage: Stage, pull: Pull, verdict: str, body: str, by: Account) -> Review:
    given = Review(stage.state.id(), by, body, REVIEW_STATES[verdict], pull.head_sha, stage.state.time())
    pull.reviews.append(given)
    return given


def _comment(stage: Stage, pull: Pull, given: Review, body: str, by: Account) -> ReviewComment:
    by_app = by.type is AccountType.BOT and by.id == stage.app.bot.id
    now = stage.state.time()
    return ReviewComment(stage.state.id(), body, by, now, now, given.id, pull.head_sha, by_app=by_app)


def _emit_review(stage: Stage, repo: Repository, issue: Issue, given: Review) -> None:
    told = {**stage.shapes.review(repo, issue, given), "state": given.state.lower(), "body": given.body or None}
    pull = stage.shapes.pull(repo, issue, _of(issue))
    stage.emit(repo, "pull_request_review", "submitted", given.user, review=told, pull_request=pull)


def _emit_comment(
    stage: Stage, repo: Repository, issue: Issue, thread: Thread, said: ReviewComment, action: str, by: Account
) -> None:
    told = stage.shapes.review_comment(repo, issue, thread, said)
    pull = stage.shapes.pull(repo, issue, _of(issue))
    stage.emit(repo, "pull_request_review_comment", action, by, comment=told, pull_request=pull)
