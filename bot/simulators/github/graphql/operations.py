"""The schema we serve, and `POST /graphql`.

Queries: repository, node, viewer; issues, pull requests and their comments with `lastEditedAt` and
`userContentEdits`, review threads. Mutations: minimizeComment, unminimizeComment, markPullRequestReadyForReview,
resolveReviewThread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from bot.simulators.github.actions import pulls, reviews
from bot.simulators.github.calls import NOT_ACCESSIBLE, Answer, Call, Endpoint
from bot.simulators.github.graphql.language import Execution, GraphQLError, Node, Operation, Parser
from bot.simulators.github.state import (
    Account,
    AccountType,
    Comment,
    Edit,
    Issue,
    Label,
    Repository,
    ReviewComment,
    Thread,
    node_id,
    parse_node_id,
    timestamp,
)

T = TypeVar("T")
Arguments = Mapping[str, Any]
CLASSIFIERS = ("SPAM", "ABUSE", "OFF_TOPIC", "OUTDATED", "DUPLICATE", "RESOLVED", "LOW_QUALITY")


async def graphql(call: Call) -> Answer:
    """200 with `errors` for almost everything that is wrong, as on GitHub."""
    try:
        operation = Parser(call.text("query")).operation()
        execution = Execution(_variables(call, operation))
        schema = Schema(call)
        root = schema.query() if operation.kind == "query" else schema.mutation()
        data = await execution.select(root, operation.selections, ())
    except GraphQLError as error:
        call.stage.state.errors.append(f"GraphQL: {error}")
        return Answer({"errors": [{"message": str(error)}]})
    return Answer({"data": data} | ({"errors": execution.errors} if execution.errors else {}))


def _variables(call: Call, operation: Operation) -> dict[str, Any]:
    given = call.body.get("variables") or {}
    for name in given:
        if name not in operation.defaults:
            raise GraphQLError(f"Variable ${name} was provided but not defined")
    for name in operation.required:
        if given.get(name) is None:
            raise GraphQLError(f"Variable ${name} was provided invalid value null")
    return {**operation.defaults, **given}


class Schema:
    def __init__(self, call: Call) -> None:
        self._call = call
        self._stage = call.stage
        self._token = call.token

    # --------------------------------------------------------------------------------------------------- entrances

    def query(self) -> Node:
        return Node(
            "Query",
            {
                "repository": self._find_repository,
                "node": self._find_node,
                "viewer": self._actor(self._call.bot),
            },
        )

    def mutation(self) -> Node:
        return Node(
            "Mutation",
            {
                "minimizeComment": self._minimize,
                "unminimizeComment": self._unminimize,
                "markPullRequestReadyForReview": self._ready_for_review,
                "resolveReviewThread": self._resolve,
            },
        )

    async def _find_repository(self, arguments: Arguments) -> Node:
        name = f"{arguments.get('owner')}/{arguments.get('name')}"
        repo = self._stage.state.repository_named(name)
        if repo is None or not self._token.covers(repo):
            raise GraphQLError(f"Could not resolve to a Repository with the name '{name}'.", "NOT_FOUND")
        return self._repository(repo)

    async def _find_node(self, arguments: Arguments) -> Node:
        id_ = str(arguments.get("id"))
        match parse_node_id(id_):
            case ("I" | "PR", number):
                for repo, issue in self._issues():
                    if issue.id == number:
                        self._need("pull_requests" if issue.pull else "issues", "read")
                        return self._issue(repo, issue)
            case ("IC", number):
                self._need("issues", "read")
                repo, issue, comment = self._find_comment(id_, number)
                return self._comment(repo, issue, comment)
        raise GraphQLError(f"Could not resolve to a node with the global id of '{id_}'", "NOT_FOUND")

    def _issues(self) -> list[tuple[Repository, Issue]]:
        repositories = (repo for repo in self._stage.state.repositories.values() if self._token.covers(repo))
        return [(repo, issue) for repo in repositories for issue in repo.issues.values()]

    def _find_comment(self, id: str, number: int) -> tuple[Repository, Issue, Comment]:
        for repo, issue in self._issues():
            for comment in issue.comments:
                if comment.id == number:
                    return repo, issue, comment
        raise GraphQLError(f"Could not resolve to a node with the global id of '{id}'", "NOT_FOUND")

    def _need(self, permission: str, level: str) -> None:
        if not self._token.allows(permission, level):
            raise GraphQLError(NOT_ACCESSIBLE, "FORBIDDEN")

    # ---------------------------------------------------------------------------------------------------- objects

    def _repository(self, repo: Repository) -> Node:
        async def issue(arguments: Arguments) -> Node:
            return self._numbered(repo, arguments, pull=False)

        async def pull(arguments: Arguments) -> Node:
            return self._numbered(repo, arguments, pull=True)

        async def either(arguments: Arguments) -> Node:
            found = repo.issues.get(arguments.get("number", 0))
            return self._numbered(repo, arguments, pull=found is not None and found.pull is not None)

        return Node(
            "Repository",
            {
                "id": node_id("R", repo.id),
                "databaseId": repo.id,
                "name": repo.name,
                "nameWithOwner": repo.full_name,
                "isPrivate": repo.private,
                "isArchived": repo.archived,
                "issue": issue,
                "pullRequest": pull,
                "issueOrPullRequest": either,
            },
        )

    def _numbered(self, repo: Repository, arguments: Arguments, *, pull: bool) -> Node:
        self._need("pull_requests" if pull else "issues", "read")
        number = arguments.get("number", 0)
        issue = repo.issues.get(number)
        if issue is None or (issue.pull is not None) != pull:
            kind = "PullRequest" if pull else "Issue"
            raise GraphQLError(f"Could not resolve to {kind} with the number of {number}.", "NOT_FOUND")
        return self._issue(repo, issue)

    def _issue(self, repo: Repository, issue: Issue) -> Node:
        fields: dict[str, Any] = {
            **self._text("PR" if issue.pull else "I", issue.id, issue.body or "", issue.user, issue.edits),
            "number": issue.number,
            "title": issue.title,
            "state": "MERGED" if issue.pull and issue.pull.merged_at else issue.state.upper(),
            "locked": issue.locked,
            "createdAt": timestamp(issue.created_at),
            "updatedAt": timestamp(issue.updated_at),
            "url": self._stage.shapes.issue(repo, issue)["html_url"],
            "labels": _connection(issue.labels, lambda label: self._label(label)),
            "comments": _connection(issue.comments, lambda comment: self._comment(repo, issue, comment)),
        }
        if issue.pull is None:
            return Node("Issue", fields)
        own = {
            "isDraft": issue.pull.draft,
            "headRefName": issue.pull.head,
            "headRefOid": issue.pull.head_sha,
            "baseRefName": issue.pull.base,
            "merged": issue.pull.merged_at is not None,
            "mergeCommit": Node("Commit", {"oid": issue.pull.merge_sha}) if issue.pull.merge_sha else None,
            "reviewThreads": _connection(issue.pull.threads, self._thread),
        }
        return Node("PullRequest", fields | own)

    def _comment(self, repo: Repository, issue: Issue, comment: Comment) -> Node:
        return Node(
            "IssueComment",
            {
                **self._text("IC", comment.id, comment.body, comment.user, comment.edits),
                "createdAt": timestamp(comment.created_at),
                "updatedAt": timestamp(comment.updated_at),
                "url": self._stage.shapes.comment(repo, issue, comment)["html_url"],
                "isMinimized": comment.minimized is not None,
                "minimizedReason": comment.minimized.lower() if comment.minimized else None,
            },
        )

    def _thread(self, thread: Thread) -> Node:
        return Node(
            "PullRequestReviewThread",
            {
                "id": node_id("PRRT", thread.id),
                "isResolved": thread.resolved_by is not None,
                "isOutdated": thread.is_outdated,
                "path": thread.path,
                "line": thread.line,
                "originalLine": thread.original_line,
                "startLine": thread.start_line,
                "diffSide": thread.side,
                "startDiffSide": thread.start_side if thread.lines > 1 else None,
                "resolvedBy": self._actor(thread.resolved_by) if thread.resolved_by else None,
                "comments": _connection(thread.comments, lambda comment: self._review_comment(thread, comment)),
            },
        )

    def _review_comment(self, thread: Thread, comment: ReviewComment) -> Node:
        return Node(
            "PullRequestReviewComment",
            {
                **self._text("PRRC", comment.id, comment.body, comment.user, comment.edits),
                "createdAt": timestamp(comment.created_at),
                "updatedAt": timestamp(comment.updated_at),
                "diffHunk": thread.hunk,
                "path": thread.path,
                "pullRequestReview": Node("PullRequestReview", {"databaseId": comment.review_id}),
            },
        )

    def _text(self, prefix: str, id: int, body: str, author: Account, edits: Sequence[Edit]) -> dict[str, Any]:
        """What issues, pull requests and comments have in common."""
        return {
            "id": node_id(prefix, id),
            "databaseId": id,
            "fullDatabaseId": str(id),
            "body": body,
            "author": self._actor(author),
            "viewerDidAuthor": author.id == self._call.bot.id,
            "lastEditedAt": timestamp(edits[-1].at) if edits else None,
            "editor": self._actor(edits[-1].by) if edits else None,
            "includesCreatedEdit": bool(edits),
            "userContentEdits": _connection(edits, self._edit),
        }

    def _edit(self, edit: Edit) -> Node:
        at = timestamp(edit.at)
        return Node(
            "UserContentEdit",
            {"createdAt": at, "editedAt": at, "updatedAt": at, "editor": self._actor(edit.by), "diff": edit.before},
        )

    def _label(self, label: Label) -> Node:
        return Node("Label", {"id": node_id("LA", label.id), "name": label.name, "color": label.color})

    def _actor(self, account: Account) -> Node:
        """A bot's login has no `[bot]` here, unlike in REST."""
        is_bot = account.type is AccountType.BOT
        fields = {
            "login": account.login.removesuffix("[bot]"),
            "id": node_id("U", account.id),
            "databaseId": account.id,
            "__interfaces": ("Actor",),
        }
        return Node("Bot" if is_bot else str(account.type), fields)

    # -------------------------------------------------------------------------------------------------- mutations

    async def _minimize(self, arguments: Arguments) -> Node:
        given = arguments.get("input", {})
        if given.get("classifier") not in CLASSIFIERS:
            raise GraphQLError("Argument 'classifier' on InputObject 'MinimizeCommentInput' has an invalid value")
        return self._set_minimized(given, given["classifier"])

    async def _unminimize(self, arguments: Arguments) -> Node:
        return self._set_minimized(arguments.get("input", {}), None)

    def _set_minimized(self, given: Arguments, classifier: str | None) -> Node:
        self._need("issues", "write")
        subject = str(given.get("subjectId"))
        prefix, number = parse_node_id(subject) or ("", 0)
        repo, issue, comment = self._find_comment(subject, number if prefix == "IC" else 0)
        comment.minimized = classifier
        self._stage.state.changes.notify()
        return Node("MinimizeCommentPayload", {"minimizedComment": self._comment(repo, issue, comment)})

    async def _ready_for_review(self, arguments: Arguments) -> Node:
        self._need("pull_requests", "write")
        wanted = str(arguments.get("input", {}).get("pullRequestId"))
        prefix, number = parse_node_id(wanted) or ("", 0)
        for repo, issue in self._issues():
            if prefix == "PR" and issue.id == number:
                pulls.ready_for_review(self._stage, repo, issue, self._call.bot)
                return Node("MarkPullRequestReadyForReviewPayload", {"pullRequest": self._issue(repo, issue)})
        raise GraphQLError(f"Could not resolve to a node with the global id of '{wanted}'", "NOT_FOUND")

    async def _resolve(self, arguments: Arguments) -> Node:
        """GitHub asks for `contents: write` as well, which its documentation does not say."""
        self._need("pull_requests", "write")
        self._need("contents", "write")
        wanted = str(arguments.get("input", {}).get("threadId"))
        for repo, issue in self._issues():
            for thread in issue.pull.threads if issue.pull else ():
                if node_id("PRRT", thread.id) == wanted:
                    reviews.resolve(self._stage, repo, issue, thread, self._call.bot)
                    return Node("ResolveReviewThreadPayload", {"thread": self._thread(thread)})
        raise GraphQLError(f"Could not resolve to a node with the global id of '{wanted}'", "NOT_FOUND")


def _connection(items: Sequence[T], shape: Callable[[T], Node]) -> Callable[[Arguments], Awaitable[Node]]:
    """A page by `first` and `after`, or the last ones by `last`. Asking without a limit is refused, as on GitHub."""

    async def resolve(arguments: Arguments) -> Node:
        first, last = arguments.get("first"), arguments.get("last")
        size = first if first is not None else last
        if size is None:
            raise GraphQLError("You must provide a `first` or `last` value to properly paginate the connection.")
        if not 1 <= int(size) <= 100:
            raise GraphQLError("`first` and `last` must be between 1 and 100.")
        start = int(arguments.get("after") or 0) if first is not None else max(0, len(items) - int(size))
        shown = items[start : start + int(size)]
        end = start + len(shown)
        page = {
            "hasNextPage": end < len(items),
            "hasPreviousPage": start > 0,
            "startCursor": str(start),
            "endCursor": str(end) if shown else None,
        }
        fields = {
            "nodes": [shape(item) for item in shown],
            "totalCount": len(items),
            "pageInfo": Node("PageInfo", page),
        }
        return Node("Connection", fields)

    return resolve


ENDPOINTS = (Endpoint("POST", "/graphql", graphql, "metadata: read"),)
