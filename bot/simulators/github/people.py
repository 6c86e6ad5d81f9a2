"""What people do on GitHub, as methods. Every action changes the state and sends the webhook that GitHub would send.

People are named by login and exist from their first mention. What GitHub refuses them raises `Refusal`.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.simulators.github.actions import checks, issues, pulls, repositories, reviews
from bot.simulators.github.actions.reviews import Note
from bot.simulators.github.files import SimFiles
from bot.simulators.github.refusals import Refusal
from bot.simulators.github.stage import Stage
from bot.simulators.github.state import (
    CheckRun,
    Collaborator,
    Comment,
    Installation,
    Issue,
    Permissions,
    Pull,
    Reaction,
    Review,
    ReviewComment,
    Role,
    Rule,
    Thread,
)


class SimRepository(SimFiles):
    @property
    def id(self) -> int:
        return self.state.id

    @property
    def name(self) -> str:
        """With the owner, as it is now."""
        return self.state.full_name

    @property
    def installation(self) -> SimInstallation:
        found = self._stage.state.installation_of(self.state)
        if found is None:
            raise Refusal(404, "the App is not installed there")
        return SimInstallation(self._stage, found)

    # ------------------------------------------------------------------------------------------- who, and rules

    def grant(self, login: str, role: str, *, role_name: str | None = None) -> None:
        """`role`: read, triage, write, maintain or admin. `role_name`: of an organisation's custom role."""
        account = self._stage.state.account(login)
        self.state.collaborators[account.id] = Collaborator(Role(role), role_name or role)

    def rule(self, type: str, branches: str = "*", *, bypass: str = "never", **parameters: object) -> None:
        """Add a ruleset with one rule. `bypass`: whether it holds for the App. actions/rules.py enforces most."""
        self.state.rules.append(Rule(type, branches, parameters, bypass, ruleset=len(self.state.rules) + 1))

    def without_pull_requests(self) -> None:
        self.state.pulls_available = False

    # --------------------------------------------------------------------------------------------------- checks

    async def check(
        self,
        sha: str,
        name: str,
        conclusion: str | None,
        *,
        log: str = "",
        app: str = checks.ACTIONS,
        title: str = "",
        summary: str = "",
    ) -> CheckRun:
        """A check of somebody's CI on a commit; once more is another time. `conclusion` None: it goes on."""
        output = {"title": title or None, "summary": summary or None, "text": None}
        return checks.run(self._stage, self.state, sha, name, conclusion, app=app, output=output, log=log)

    async def finish(self, check: CheckRun, conclusion: str) -> None:
        checks.finish(self._stage, self.state, check, conclusion)

    async def wait_for_approval(self, sha: str, *, app: str = checks.ACTIONS) -> None:
        """A workflow of that commit runs only when somebody says so."""
        checks.wait_for_approval(self._stage, self.state, sha, app=app)

    async def set_status(
        self, sha: str, context: str, state: str, description: str = "", *, by: str = "octocat"
    ) -> None:
        checks.set_status(self._stage, self.state, sha, context, state, description, self._stage.state.account(by))

    async def press(self, check: CheckRun, identifier: str, *, by: str) -> None:
        """A button on a check run of the App's."""
        checks.press(self._stage, self.state, check, identifier, self._stage.state.account(by))

    async def rerequest(self, check: CheckRun, *, by: str) -> None:
        """*Re-run* on one check."""
        checks.rerequest(self._stage, self.state, check, self._stage.state.account(by))

    async def rerequest_all(self, check: CheckRun, *, by: str) -> None:
        """*Re-run all checks*: of the App whose check that is."""
        checks.rerequest_all(self._stage, self.state, check, self._stage.state.account(by))

    def suite_status(self, check: CheckRun) -> str:
        """Of that check's App on that commit."""
        return str(checks.suites(self._stage, self.state, check.head_sha)[check.suite or check.id + 1]["status"])

    def checks(self, sha: str) -> list[CheckRun]:
        """Of the App itself, oldest first."""
        return [run for run in self.state.check_runs.values() if run.head_sha == sha and not run.app]

    # ----------------------------------------------------------------------------------------- issues and pulls

    async def open_issue(
        self, title: str, body: str = "", *, by: str = "octocat", labels: Sequence[str] = ()
    ) -> SimIssue:
        author = self._stage.state.account(by)
        issue = issues.open_issue(self._stage, self.state, title, body, author)
        for name in labels:
            issues.label(self._stage, self.state, issue, name, author)
        return SimIssue(self._stage, self, issue)

    def issue(self, number: int) -> SimIssue:
        """An issue or a pull request."""
        return SimIssue(self._stage, self, self.state.issues[number])

    @property
    def pulls(self) -> list[SimIssue]:
        """Oldest first, whatever their state."""
        return [SimIssue(self._stage, self, issue) for issue in self.state.issues.values() if issue.pull]

    async def open_pull(
        self, title: str, *, head: str, base: str = "", body: str = "", by: str = "octocat"
    ) -> SimIssue:
        pull = pulls.open_pull(
            self._stage,
            self.state,
            title=title,
            body=body,
            head=head,
            base=base or self.state.default_branch,
            draft=False,
            by=self._stage.state.account(by),
        )
        return SimIssue(self._stage, self, pull)

    # -------------------------------------------------------------------------------------------------- lifetime

    async def rename(self, name: str, *, by: str = "octocat") -> None:
        """`name` without the owner. The old name redirects."""
        repositories.rename(self._stage, self.state, name, self._stage.state.account(by))

    async def archive(self, *, by: str = "octocat") -> None:
        repositories.archive(self._stage, self.state, self._stage.state.account(by))

    async def unarchive(self, *, by: str = "octocat") -> None:
        repositories.unarchive(self._stage, self.state, self._stage.state.account(by))

    async def delete(self, *, by: str = "octocat") -> None:
        repositories.delete(self._stage, self.state, self._stage.state.account(by))


class SimIssue:
    """An issue or a pull request."""

    def __init__(self, stage: Stage, repo: SimRepository, state: Issue) -> None:
        self._stage = stage
        self.repo = repo
        self.state = state

    @property
    def number(self) -> int:
        return self.state.number

    @property
    def title(self) -> str:
        return self.state.title

    @property
    def body(self) -> str:
        return self.state.body or ""

    @property
    def is_open(self) -> bool:
        return self.state.is_open

    @property
    def labels(self) -> list[str]:
        return [label.name for label in self.state.labels]

    @property
    def comments(self) -> list[Comment]:
        return self.state.comments

    @property
    def bot_comments(self) -> list[Comment]:
        return [comment for comment in self.state.comments if comment.by_app]

    @property
    def reactions(self) -> list[Reaction]:
        return self.state.reactions

    @property
    def pull(self) -> Pull:
        """What it has as a pull request. Raises `Refusal` for a plain issue."""
        return pulls.of(self.state)

    def __str__(self) -> str:
        return f"{self.repo.name}#{self.number}"

    # -------------------------------------------------------------------------------------------------- actions

    async def label(self, name: str, *, by: str) -> None:
        issues.label(self._stage, self.repo.state, self.state, name, self._stage.state.account(by))

    async def add_sub_issue(self, child: SimIssue, *, by: str) -> None:
        """GitHub tells of it by an event of its own, `sub_issues`, to which nobody listens here."""
        self._stage.state.account(by)
        self.state.children.append((child.repo.state, child.state))

    async def put_into_milestone(self, number: int, *, by: str) -> None:
        """GitHub tells of it by `issues.milestoned`, which asks nothing of us."""
        self._stage.state.account(by)
        self.state.milestone = number

    async def unlabel(self, name: str, *, by: str) -> None:
        issues.unlabel(self._stage, self.repo.state, self.state, name, self._stage.state.account(by))

    async def edit(self, *, by: str, title: str | None = None, body: str | None = None) -> None:
        person = self._stage.state.account(by)
        issues.edit_issue(self._stage, self.repo.state, self.state, person, title=title, body=body)

    async def comment(self, body: str, *, by: str) -> Comment:
        return issues.comment(self._stage, self.repo.state, self.state, body, self._stage.state.account(by))

    async def edit_comment(self, id: int, body: str, *, by: str) -> None:
        comment = self._find(id)
        person = self._stage.state.account(by)
        issues.edit_comment(self._stage, self.repo.state, self.state, comment, body, person)

    async def delete_comment(self, id: int, *, by: str) -> None:
        issues.delete_comment(self._stage, self.repo.state, self.state, self._find(id), self._stage.state.account(by))

    def _find(self, id: int) -> Comment:
        return next(comment for comment in self.state.comments if comment.id == id)

    async def react(self, content: str, *, by: str, comment_id: int | None = None) -> None:
        target = self.state if comment_id is None else self._find(comment_id)
        issues.react(self._stage, target, content, self._stage.state.account(by))

    async def close(self, *, by: str, reason: str = "completed") -> None:
        issues.close(self._stage, self.repo.state, self.state, self._stage.state.account(by), reason)

    async def reopen(self, *, by: str) -> None:
        issues.reopen(self._stage, self.repo.state, self.state, self._stage.state.account(by))

    async def lock(self, *, by: str, reason: str | None = None) -> None:
        issues.lock(self._stage, self.repo.state, self.state, self._stage.state.account(by), reason)

    async def unlock(self, *, by: str) -> None:
        issues.unlock(self._stage, self.repo.state, self.state, self._stage.state.account(by))

    async def delete(self, *, by: str) -> None:
        issues.delete(self._stage, self.repo.state, self.state, self._stage.state.account(by))

    async def transfer(self, to: SimRepository, *, by: str) -> SimIssue:
        person = self._stage.state.account(by)
        moved = issues.transfer(self._stage, self.repo.state, self.state, to.state, person)
        return SimIssue(self._stage, to, moved)

    async def review(self, verdict: str, body: str = "", *, by: str, threads: Sequence[Note] = ()) -> Review:
        """`verdict`: APPROVE, REQUEST_CHANGES or COMMENT. `threads`: conversations that it begins on lines."""
        person = self._stage.state.account(by)
        return await reviews.review(self._stage, self.repo.state, self.state, verdict, body, person, threads)

    async def reply(self, thread: Thread, body: str, *, by: str) -> ReviewComment:
        person, first = self._stage.state.account(by), thread.comments[0].id
        return reviews.reply(self._stage, self.repo.state, self.state, first, body, person)

    async def resolve(self, thread: Thread, *, by: str) -> None:
        reviews.resolve(self._stage, self.repo.state, self.state, thread, self._stage.state.account(by))

    async def dismiss(self, given: Review, *, by: str) -> None:
        reviews.dismiss(self._stage, self.repo.state, self.state, given, self._stage.state.account(by))

    async def ready_for_review(self, *, by: str) -> None:
        pulls.ready_for_review(self._stage, self.repo.state, self.state, self._stage.state.account(by))

    async def convert_to_draft(self, *, by: str) -> None:
        pulls.convert_to_draft(self._stage, self.repo.state, self.state, self._stage.state.account(by))

    async def retarget(self, base: str, *, by: str) -> None:
        pulls.retarget(self._stage, self.repo.state, self.state, base, self._stage.state.account(by))

    async def merge(self, *, by: str) -> str:
        """A merge commit on the base branch; returns its sha. Issues that it fixes are closed."""
        return await pulls.merge(self._stage, self.repo.state, self.state, self._stage.state.account(by))


class SimInstallation:
    def __init__(self, stage: Stage, state: Installation) -> None:
        self._stage = stage
        self.state = state

    @property
    def id(self) -> int:
        return self.state.id

    async def suspend(self, *, by: str = "octocat") -> None:
        repositories.suspend(self._stage, self.state, self._stage.state.account(by))

    async def unsuspend(self, *, by: str = "octocat") -> None:
        repositories.unsuspend(self._stage, self.state, self._stage.state.account(by))

    async def uninstall(self, *, by: str = "octocat") -> None:
        repositories.uninstall(self._stage, self.state, self._stage.state.account(by))

    async def accept_permissions(self, permissions: Permissions, *, by: str = "octocat") -> None:
        repositories.accept_permissions(self._stage, self.state, permissions, self._stage.state.account(by))

    async def add(self, *added: SimRepository, by: str = "octocat") -> None:
        person = self._stage.state.account(by)
        repositories.add_repositories(self._stage, self.state, [repo.state for repo in added], person)

    async def remove(self, *removed: SimRepository, by: str = "octocat") -> None:
        person = self._stage.state.account(by)
        repositories.remove_repositories(self._stage, self.state, [repo.state for repo in removed], person)


def describe(issue: SimIssue) -> str:
    """The conversation, for the message of a test that waited in vain."""
    lines = [f"{issue} [{issue.state.state}] {issue.title}"]
    lines += [f"  {comment.user.login}: {comment.body[:300]!r}" for comment in issue.comments]
    return "\n".join(lines)
