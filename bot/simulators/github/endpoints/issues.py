"""Issues, comments, reactions and labels."""

from __future__ import annotations

from datetime import datetime

from bot.simulators.github.actions import issues
from bot.simulators.github.calls import CREATED, IN_REPOSITORY, NO_CONTENT, Answer, Call, Endpoint
from bot.simulators.github.refusals import Refusal, forbidden, invalid, not_found, unprocessable
from bot.simulators.github.state import Comment, Issue, Label, Reaction

READ = "issues: read | pull_requests: read"
WRITE = "issues: write | pull_requests: write"


async def get_issue(call: Call) -> Answer:
    return Answer(call.stage.shapes.issue(call.repo, call.issue()))


async def list_issues(call: Call) -> Answer:
    state, labels = call.query("state", "open"), [n.lower() for n in call.query("labels").split(",") if n]
    since = _since(call)
    milestone, issues_here = call.query("milestone"), list(call.repo.issues.values())
    found = [
        issue
        for issue in (issues_here if call.query("direction") == "asc" else reversed(issues_here))
        if state in ("all", issue.state)
        and (not milestone or str(issue.milestone) == milestone)
        and set(labels) <= {label.name.lower() for label in issue.labels}
        and (since is None or issue.updated_at >= since)
    ]
    return call.listing(found, lambda issue: call.stage.shapes.issue(call.repo, issue))


async def list_sub_issues(call: Call) -> Answer:
    return call.listing(call.issue().children, lambda child: call.stage.shapes.issue(*child))


async def create_issue(call: Call) -> Answer:
    issue = issues.open_issue(call.stage, call.repo, call.text("title"), call.optional_text("body"), call.bot)
    for name in call.texts("labels"):
        issues.label(call.stage, call.repo, issue, name, call.bot)
    return Answer(call.stage.shapes.issue(call.repo, issue), CREATED)


async def edit_issue(call: Call) -> Answer:
    issue = call.issue()
    title, body, state = (call.optional_text(name) for name in ("title", "body", "state"))
    issues.edit_issue(call.stage, call.repo, issue, call.bot, title=title, body=body)
    match state:
        case None:
            pass
        case "closed":
            issues.close(call.stage, call.repo, issue, call.bot, call.optional_text("state_reason") or "completed")
        case "open":
            issues.reopen(call.stage, call.repo, issue, call.bot)
        case _:
            raise invalid("Issue", "state", "invalid")
    return Answer(call.stage.shapes.issue(call.repo, issue))


def _since(call: Call) -> datetime | None:
    value = call.query("since")
    try:
        return datetime.fromisoformat(value) if value else None
    except ValueError as error:
        raise unprocessable("Invalid request.\n\n'since' is not a valid timestamp.") from error


# --------------------------------------------------------------------------------------------------------- comments


def _comment(call: Call) -> tuple[Issue, Comment]:
    for issue in call.repo.issues.values():
        for comment in issue.comments:
            if comment.id == call.parameters["id"]:
                return issue, comment
    raise not_found()


async def list_comments(call: Call) -> Answer:
    issue, since = call.issue(), _since(call)
    comments = [c for c in issue.comments if since is None or c.updated_at >= since]
    return call.listing(comments, lambda comment: call.stage.shapes.comment(call.repo, issue, comment))


async def create_comment(call: Call) -> Answer:
    issue = call.issue()
    comment = issues.comment(call.stage, call.repo, issue, call.text("body"), call.bot)
    return Answer(call.stage.shapes.comment(call.repo, issue, comment), CREATED)


async def get_comment(call: Call) -> Answer:
    issue, comment = _comment(call)
    return Answer(call.stage.shapes.comment(call.repo, issue, comment))


def _own_comment(call: Call) -> tuple[Issue, Comment]:
    """An App may change its own comments only (GitHub: others' too with enough access; we never do that)."""
    issue, comment = _comment(call)
    if comment.user.id != call.bot.id:
        raise forbidden("Resource not accessible by integration")
    return issue, comment


async def edit_comment(call: Call) -> Answer:
    issue, comment = _own_comment(call)
    issues.edit_comment(call.stage, call.repo, issue, comment, call.text("body"), call.bot)
    return Answer(call.stage.shapes.comment(call.repo, issue, comment))


async def delete_comment(call: Call) -> Answer:
    issue, comment = _own_comment(call)
    issues.delete_comment(call.stage, call.repo, issue, comment, call.bot)
    return NO_CONTENT


# -------------------------------------------------------------------------------------------------------- reactions


def _target(call: Call) -> Issue | Comment:
    return call.issue() if "number" in call.parameters else _comment(call)[1]


async def list_reactions(call: Call) -> Answer:
    wanted = call.query("content")
    found = [r for r in _target(call).reactions if wanted in ("", r.content)]
    return call.listing(found, call.stage.shapes.reaction)


async def create_reaction(call: Call) -> Answer:
    reaction, is_new = issues.react(call.stage, _target(call), call.text("content"), call.bot)
    return Answer(call.stage.shapes.reaction(reaction), CREATED if is_new else 200)


async def delete_reaction(call: Call) -> Answer:
    target = _target(call)
    found: Reaction | None = next((r for r in target.reactions if r.id == call.parameters["reaction"]), None)
    if found is None:
        raise not_found()
    if found.user.id != call.bot.id:
        raise forbidden("Resource not accessible by integration")
    target.reactions.remove(found)
    call.stage.state.changes.notify()
    return NO_CONTENT


# ----------------------------------------------------------------------------------------------------------- labels


def _labels(call: Call, labels: list[Label]) -> Answer:
    return Answer([call.stage.shapes.label(call.repo, label) for label in labels])


async def list_issue_labels(call: Call) -> Answer:
    return call.listing(call.issue().labels, lambda label: call.stage.shapes.label(call.repo, label))


async def add_labels(call: Call) -> Answer:
    issue, names = call.issue(), call.texts("labels")
    if "labels" not in call.body:
        raise unprocessable('Invalid request.\n\n"labels" wasn\'t supplied.')
    for name in names:
        issues.label(call.stage, call.repo, issue, name, call.bot)
    return _labels(call, issue.labels)


async def remove_label(call: Call) -> Answer:
    issue = call.issue()
    issues.unlabel(call.stage, call.repo, issue, call.parameters["name"], call.bot)
    return _labels(call, issue.labels)


async def list_labels(call: Call) -> Answer:
    return call.listing(list(call.repo.labels.values()), lambda label: call.stage.shapes.label(call.repo, label))


async def create_label(call: Call) -> Answer:
    name, color = call.text("name"), call.optional_text("color") or "ededed"
    if len(color) != 6 or not set(color.lower()) <= set("0123456789abcdef"):
        raise invalid("Label", "color", "invalid")
    if not 0 < len(name) <= 50:
        raise invalid("Label", "name", "too_long" if name else "missing_field")
    label = issues.create_label(call.stage, call.repo, name, color, call.optional_text("description"))
    return Answer(call.stage.shapes.label(call.repo, label), CREATED)


async def get_label(call: Call) -> Answer:
    label = call.repo.labels.get(call.parameters["name"].lower())
    if label is None:
        raise Refusal(404, "Not Found")
    return Answer(call.stage.shapes.label(call.repo, label))


_ISSUE = f"{IN_REPOSITORY}/issues/{{number:int}}"
_COMMENT = f"{IN_REPOSITORY}/issues/comments/{{id:int}}"
ENDPOINTS = (
    Endpoint("GET", f"{IN_REPOSITORY}/issues", list_issues, READ),
    Endpoint("POST", f"{IN_REPOSITORY}/issues", create_issue, "issues: write"),
    Endpoint("GET", _ISSUE, get_issue, READ),
    Endpoint("GET", f"{_ISSUE}/sub_issues", list_sub_issues, READ),
    Endpoint("PATCH", _ISSUE, edit_issue, WRITE),
    Endpoint("GET", f"{_ISSUE}/comments", list_comments, READ),
    Endpoint("POST", f"{_ISSUE}/comments", create_comment, WRITE),
    Endpoint("GET", _COMMENT, get_comment, READ),
    Endpoint("PATCH", _COMMENT, edit_comment, WRITE),
    Endpoint("DELETE", _COMMENT, delete_comment, WRITE),
    Endpoint("GET", f"{_ISSUE}/reactions", list_reactions, READ),
    Endpoint("POST", f"{_ISSUE}/reactions", create_reaction, WRITE),
    Endpoint("DELETE", f"{_ISSUE}/reactions/{{reaction:int}}", delete_reaction, WRITE),
    Endpoint("GET", f"{_COMMENT}/reactions", list_reactions, READ),
    Endpoint("POST", f"{_COMMENT}/reactions", create_reaction, WRITE),
    Endpoint("DELETE", f"{_COMMENT}/reactions/{{reaction:int}}", delete_reaction, WRITE),
    Endpoint("GET", f"{_ISSUE}/labels", list_issue_labels, READ),
    Endpoint("POST", f"{_ISSUE}/labels", add_labels, WRITE),
    Endpoint("DELETE", f"{_ISSUE}/labels/{{name:path}}", remove_label, WRITE),
    Endpoint("GET", f"{IN_REPOSITORY}/labels", list_labels, READ),
    Endpoint("POST", f"{IN_REPOSITORY}/labels", create_label, WRITE),
    Endpoint("GET", f"{IN_REPOSITORY}/labels/{{name:path}}", get_label, READ),
)
