"""Pull requests and check runs."""

from __future__ import annotations

import re

from bot.simulators.github.actions import issues, reviews
from bot.simulators.github.gitdata import MergeConflict
from bot.simulators.github.refusals import Refusal, invalid, unprocessable
from bot.simulators.github.stage import Stage
from bot.simulators.github.state import (
    Account,
    CheckRun,
    Issue,
    Pull,
    Repository,
)

CLOSING = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)\b", re.IGNORECASE)


def open_pull(
    stage: Stage, repo: Repository, *, title: str, body: str | None, head: str, base: str, draft: bool, by: Account
) -> Issue:
    """Raises 422 as GitHub does: branches missing, one open already, nothing to merge, drafts not available."""
    if not repo.pulls_available:  # which words GitHub has for it is not known
        raise Refusal(403, "Pull requests are disabled for this repository.")
    head_sha, base_sha = _branches(repo, head, base)
    issues.check_body(body or "", "PullRequest")
    if any(i.is_open and i.pull and (i.pull.head, i.pull.base) == (head, base) for i in repo.issues.values()):
        there = f"A pull request already exists for {repo.owner.login}:{head}."
        raise invalid("PullRequest", None, "custom", there)
    if repo.git.is_ancestor(head_sha, base_sha):
        raise invalid("PullRequest", None, "custom", f"No commits between {base} and {head}")
    if draft and not repo.drafts_available:
        raise unprocessable("Draft pull requests are not supported in this repository.")
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
        pull=Pull(head, base, head_sha, base_sha, draft),
    )
    repo.issues[issue.number] = issue
    issues.emit_issue(stage, repo, issue, "opened", by)
    return issue


def _branches(repo: Repository, head: str, base: str) -> tuple[str, str]:
    head_sha, base_sha = repo.git.ref(f"refs/heads/{head}"), repo.git.ref(f"refs/heads/{base}")
    if head_sha is None:
        raise invalid("PullRequest", "head", "invalid")
    if base_sha is None:
        raise invalid("PullRequest", "base", "invalid")
    return head_sha, base_sha


def of(issue: Issue) -> Pull:
    """Its pull request; 404 for a plain issue."""
    if issue.pull is None:
        raise Refusal(404, "Not Found")
    return issue.pull


def follow_head(stage: Stage, repo: Repository, branch: str, old: str, new: str, by: Account) -> None:
    """Open pull requests from the branch now show the new commits."""
    for issue in repo.issues.values():
        if issue.is_open and issue.pull is not None and issue.pull.head == branch:
            issue.pull.head_sha = new
            reviews.follow_lines(repo, issue.pull, old, new)
            issue.updated_at = stage.state.time()
            issues.emit_issue(stage, repo, issue, "synchronize", by, before=old, after=new)


async def merge(stage: Stage, repo: Repository, issue: Issue, by: Account) -> str:
    """A real merge commit on the base branch; issues named by "Fixes #1" are closed. Returns its sha."""
    pull, git = of(issue), repo.git
    tip = git.ref(f"refs/heads/{pull.base}")
    if tip is None or not issue.is_open or pull.draft:
        raise Refusal(405, "Pull Request is not mergeable")
    try:
        tree = await git.merge_tree(tip, pull.head_sha)
    except MergeConflict as error:
        raise Refusal(405, "Pull Request is not mergeable") from error
    signature = stage.signature(by)
    message = f"Merge pull request #{issue.number} from {repo.owner.login}/{pull.head}\n\n{issue.title}"
    sha = git.write_commit(tree, (tip, pull.head_sha), message, signature, signature)
    git.set_ref(f"refs/heads/{pull.base}", sha)
    repo.published.update(commit.sha for commit in git.history(sha, known=repo.published))
    pull.merged_at, pull.merged_by, pull.merge_sha = stage.state.time(), by, sha
    issues.close(stage, repo, issue, by)
    if pull.base == repo.default_branch:
        for number in CLOSING.findall(issue.body or ""):
            if (fixed := repo.issues.get(int(number))) is not None:
                issues.close(stage, repo, fixed, by)
    return sha


def ready_for_review(stage: Stage, repo: Repository, issue: Issue, by: Account) -> None:
    pull = of(issue)
    if pull.draft:
        pull.draft = False
        issues.emit_issue(stage, repo, issue, "ready_for_review", by)


def convert_to_draft(stage: Stage, repo: Repository, issue: Issue, by: Account) -> None:
    pull = of(issue)
    if not repo.drafts_available:
        raise unprocessable("Draft pull requests are not supported in this repository.")
    if issue.is_open and not pull.draft:
        pull.draft = True
        issues.emit_issue(stage, repo, issue, "converted_to_draft", by)


def retarget(stage: Stage, repo: Repository, issue: Issue, base: str, by: Account) -> None:
    """Another base branch. Raises 422 as GitHub does: closed, not there, or another one is open from the same head."""
    pull = of(issue)
    if not issue.is_open:
        raise invalid("PullRequest", "base", "invalid")
    _, base_sha = _branches(repo, pull.head, base)
    others = (each for each in repo.issues.values() if each is not issue and each.is_open and each.pull)
    if any(each.pull and (each.pull.head, each.pull.base) == (pull.head, base) for each in others):
        there = f"A pull request already exists for {repo.owner.login}:{pull.head}."
        raise invalid("PullRequest", None, "custom", there)
    before = {"ref": {"from": pull.base}, "sha": {"from": pull.base_sha}}
    pull.base, pull.base_sha = base, base_sha
    issue.updated_at = stage.state.time()
    issues.emit_issue(stage, repo, issue, "edited", by, changes={"base": before})


def request_review(stage: Stage, repo: Repository, issue: Issue, reviewer: Account, by: Account) -> None:
    """Raises 422 for the author and for people without access."""
    pull = of(issue)
    if reviewer.id == issue.user.id:
        raise unprocessable("Review cannot be requested from pull request author.")
    if reviewer.id != repo.owner.id and reviewer.id not in repo.collaborators:
        raise unprocessable(
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified "
            f"is not a collaborator of the {repo.full_name} repository."
        )
    if reviewer not in pull.requested_reviewers:
        pull.requested_reviewers.append(reviewer)
        told = stage.shapes.account(reviewer)
        issues.emit_issue(stage, repo, issue, "review_requested", by, requested_reviewer=told)


# ------------------------------------------------------------------------------------------------------ check runs


def check_changed(stage: Stage, repo: Repository, run: CheckRun, *, created: bool) -> None:
    action = "created" if created else "completed"
    if created or run.completed_at is not None:
        stage.emit(repo, "check_run", action, stage.app.bot, check_run=stage.shapes.check_run(repo, run))
    stage.state.changes.notify()
