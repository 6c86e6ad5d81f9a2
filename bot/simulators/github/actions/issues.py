"""Issues (and the issue side of pull requests), comments, reactions, labels."""

from __future__ import annotations

from bot.simulators.github.issue_shapes import REACTIONS
from bot.simulators.github.refusals import Refusal, forbidden, invalid, unprocessable
from bot.simulators.github.stage import Stage
from bot.simulators.github.state import (
    Account,
    Comment,
    Edit,
    Issue,
    Json,
    Label,
    Reaction,
    Repository,
    Role,
)

LONGEST_BODY = 65_536  # characters


def check_body(body: str, resource: str) -> None:
    if len(body) > LONGEST_BODY:
        raise invalid(resource, "body", "custom", f"body is too long (maximum is {LONGEST_BODY} characters)")


def emit_issue(stage: Stage, repo: Repository, issue: Issue, action: str, by: Account, **details: object) -> None:
    """Issues and pull requests send different events for the same thing."""
    if issue.pull is None:
        stage.emit(repo, "issues", action, by, issue=stage.shapes.issue(repo, issue), **details)
    else:
        pull = stage.shapes.pull(repo, issue, issue.pull)
        stage.emit(repo, "pull_request", action, by, number=issue.number, pull_request=pull, **details)


def open_issue(stage: Stage, repo: Repository, title: str, body: str | None, by: Account) -> Issue:
    check_body(body or "", "Issue")
    now = stage.state.time()
    issue = Issue(
        id=stage.state.id(),
        number=next(repo.numbers),
        title=title,
        body=body,
        user=by,
        created_at=now,
        updated_at=now,
        by_app=by.id == stage.app.bot.id,
    )
    repo.issues[issue.number] = issue
    emit_issue(stage, repo, issue, "opened", by)
    return issue


def edit_issue(
    stage: Stage, repo: Repository, issue: Issue, by: Account, *, title: str | None = None, body: str | None = None
) -> None:
    changes: Json = {}
    if title is not None and title != issue.title:
        changes["title"] = {"from": issue.title}
        issue.title = title
    if body is not None and body != issue.body:
        check_body(body, "Issue")
        changes["body"] = {"from": issue.body}
        issue.edits.append(Edit(stage.state.time(), by, issue.body or ""))
        issue.body = body
    if changes:
        issue.updated_at = stage.state.time()
        emit_issue(stage, repo, issue, "edited", by, changes=changes)


# ------------------------------------------------------------------------------------------------------- comments


def comment(stage: Stage, repo: Repository, issue: Issue, body: str, by: Account) -> Comment:
    if issue.locked and not repo.role_of(by).includes(Role.WRITE):
        raise forbidden("Unable to create comment because issue is locked.")
    if not body.strip():
        raise invalid("IssueComment", "body", "missing_field", "Body cannot be blank")
    check_body(body, "IssueComment")
    now = stage.state.time()
    posted = Comment(stage.state.id(), body, by, now, now, by_app=by.id == stage.app.bot.id)
    issue.comments.append(posted)
    issue.updated_at = now
    _emit_comment(stage, repo, issue, posted, "created", by)
    return posted


def edit_comment(stage: Stage, repo: Repository, issue: Issue, edited: Comment, body: str, by: Account) -> None:
    check_body(body, "IssueComment")
    before, edited.body = edited.body, body
    edited.updated_at = stage.state.time()
    if before != body:
        edited.edits.append(Edit(edited.updated_at, by, before))
        _emit_comment(stage, repo, issue, edited, "edited", by, changes={"body": {"from": before}})


def delete_comment(stage: Stage, repo: Repository, issue: Issue, deleted: Comment, by: Account) -> None:
    issue.comments.remove(deleted)
    _emit_comment(stage, repo, issue, deleted, "deleted", by)


def _emit_comment(
    stage: Stage, repo: Repository, issue: Issue, told: Comment, action: str, by: Account, **details: object
) -> None:
    shapes = stage.shapes
    stage.emit(
        repo,
        "issue_comment",
        action,
        by,
        issue=shapes.issue(repo, issue),
        comment=shapes.comment(repo, issue, told),
        **details,
    )


def react(stage: Stage, target: Issue | Comment, content: str, by: Account) -> tuple[Reaction, bool]:
    """The reaction and whether it is new: one person reacts once with the same thing."""
    if content not in REACTIONS:
        raise unprocessable(f"Invalid request.\n\n{content} is not a member of {list(REACTIONS)}.")
    there = next((r for r in target.reactions if r.content == content and r.user.id == by.id), None)
    if there is not None:
        return there, False
    reaction = Reaction(stage.state.id(), content, by, stage.state.time())
    target.reactions.append(reaction)
    stage.state.changes.notify()  # GitHub sends no webhook for reactions
    return reaction, True


# --------------------------------------------------------------------------------------------------------- labels


def create_label(stage: Stage, repo: Repository, name: str, color: str, description: str | None) -> Label:
    if name.lower() in repo.labels:
        raise invalid("Label", "name", "already_exists")
    label = repo.labels[name.lower()] = Label(stage.state.id(), name, color, description)
    stage.state.changes.notify()
    return label


def label(stage: Stage, repo: Repository, issue: Issue, name: str, by: Account) -> None:
    """A label that the repository does not have yet is created."""
    added = repo.labels.get(name.lower()) or create_label(stage, repo, name, "ededed", None)
    if added in issue.labels:
        return
    issue.labels.append(added)
    issue.updated_at = stage.state.time()
    emit_issue(stage, repo, issue, "labeled", by, label=stage.shapes.label(repo, added))


def unlabel(stage: Stage, repo: Repository, issue: Issue, name: str, by: Account) -> None:
    removed = next((label for label in issue.labels if label.name.lower() == name.lower()), None)
    if removed is None:
        raise Refusal(404, "Label does not exist")
    issue.labels.remove(removed)
    issue.updated_at = stage.state.time()
    emit_issue(stage, repo, issue, "unlabeled", by, label=stage.shapes.label(repo, removed))


# --------------------------------------------------------------------------------------------------- its lifetime


def close(stage: Stage, repo: Repository, issue: Issue, by: Account, reason: str | None = "completed") -> None:
    if not issue.is_open:
        return
    now = stage.state.time()
    issue.state, issue.closed_at, issue.closed_by, issue.updated_at = "closed", now, by, now
    issue.state_reason = None if issue.pull else reason
    emit_issue(stage, repo, issue, "closed", by)


def reopen(stage: Stage, repo: Repository, issue: Issue, by: Account) -> None:
    if issue.is_open:
        return
    if issue.pull is not None and issue.pull.merged_at is not None:
        raise invalid("PullRequest", "state", "invalid", "state cannot be changed. The pull request was merged.")
    issue.state, issue.closed_at, issue.closed_by = "open", None, None
    issue.state_reason = None if issue.pull else "reopened"
    issue.updated_at = stage.state.time()
    emit_issue(stage, repo, issue, "reopened", by)


def lock(stage: Stage, repo: Repository, issue: Issue, by: Account, reason: str | None = None) -> None:
    issue.locked, issue.lock_reason = True, reason
    emit_issue(stage, repo, issue, "locked", by)


def unlock(stage: Stage, repo: Repository, issue: Issue, by: Account) -> None:
    issue.locked, issue.lock_reason = False, None
    emit_issue(stage, repo, issue, "unlocked", by)


def delete(stage: Stage, repo: Repository, issue: Issue, by: Account) -> None:
    del repo.issues[issue.number]
    repo.deleted_issues.add(issue.number)
    emit_issue(stage, repo, issue, "deleted", by)


def transfer(stage: Stage, repo: Repository, issue: Issue, to: Repository, by: Account) -> Issue:
    """The same conversation under another number elsewhere; the old number answers 301 from now on."""
    shapes = stage.shapes
    moved = Issue(
        id=stage.state.id(),
        number=next(to.numbers),
        title=issue.title,
        body=issue.body,
        user=issue.user,
        created_at=issue.created_at,
        updated_at=stage.state.time(),
        comments=issue.comments,
        reactions=issue.reactions,
        edits=issue.edits,
    )
    old_shape, new_shape = shapes.issue(repo, issue), shapes.issue(to, moved)
    del repo.issues[issue.number]
    repo.moved_issues[issue.number] = (to.id, moved.number)
    to.issues[moved.number] = moved
    went = {"new_issue": new_shape, "new_repository": shapes.repository(to)}
    stage.emit(repo, "issues", "transferred", by, issue=old_shape, changes=went)
    came = {"old_issue": old_shape, "old_repository": shapes.repository(repo)}
    stage.emit(to, "issues", "opened", by, issue=new_shape, changes=came)
    return moved
