"""The JSON of GitHub's REST answers and webhook payloads: the same objects appear in both."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from bot.simulators.github.gitdata import Commit
from bot.simulators.github.state import (
    Account,
    AccountType,
    CheckRun,
    Comment,
    Installation,
    Issue,
    Json,
    Label,
    Pull,
    Reaction,
    Repository,
    Review,
    ReviewComment,
    Role,
    State,
    Status,
    Thread,
    Verification,
    node_id,
    timestamp,
)

if TYPE_CHECKING:
    from bot.simulators.github.auth import App

REACTIONS = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
_ACCOUNT_LINKS = {
    "followers": "/followers",
    "following": "/following{/other_user}",
    "gists": "/gists{/gist_id}",
    "starred": "/starred{/owner}{/repo}",
    "subscriptions": "/subscriptions",
    "organizations": "/orgs",
    "repos": "/repos",
    "events": "/events{/privacy}",
    "received_events": "/received_events",
}
_REPOSITORY_LINKS = {
    "forks": "/forks",
    "keys": "/keys{/key_id}",
    "collaborators": "/collaborators{/collaborator}",
    "teams": "/teams",
    "hooks": "/hooks",
    "issue_events": "/issues/events{/number}",
    "events": "/events",
    "assignees": "/assignees{/user}",
    "branches": "/branches{/branch}",
    "tags": "/tags",
    "blobs": "/git/blobs{/sha}",
    "git_tags": "/git/tags{/sha}",
    "git_refs": "/git/refs{/sha}",
    "trees": "/git/trees{/sha}",
    "statuses": "/statuses/{sha}",
    "languages": "/languages",
    "stargazers": "/stargazers",
    "contributors": "/contributors",
    "subscribers": "/subscribers",
    "subscription": "/subscription",
    "commits": "/commits{/sha}",
    "git_commits": "/git/commits{/sha}",
    "comments": "/comments{/number}",
    "issue_comment": "/issues/comments{/number}",
    "contents": "/contents/{+path}",
    "compare": "/compare/{base}...{head}",
    "merges": "/merges",
    "archive": "/{archive_format}{/ref}",
    "downloads": "/downloads",
    "issues": "/issues{/number}",
    "pulls": "/pulls{/number}",
    "milestones": "/milestones{/number}",
    "notifications": "/notifications{?since,all,participating}",
    "labels": "/labels{/name}",
    "releases": "/releases{/id}",
    "deployments": "/deployments",
}


class Shapes:
    def __init__(self, state: State, app: App) -> None:
        self._state = state
        self._app = app

    # ---------------------------------------------------------------------------------------- people, repository

    def account(self, account: Account) -> Json:
        url = f"{self._state.url}/users/{account.login.replace('[', '%5B').replace(']', '%5D')}"
        html = f"apps/{self._app.slug}" if account.type is AccountType.BOT else account.login
        return {
            "login": account.login,
            "id": account.id,
            "node_id": node_id("U", account.id),
            "avatar_url": f"{self._state.url}/u/{account.id}?v=4",
            "gravatar_id": "",
            "url": url,
            "html_url": f"{self._state.url}/{html}",
            **{f"{name}_url": url + path for name, path in _ACCOUNT_LINKS.items()},
            "type": str(account.type),
            "user_view_type": "public",
            "site_admin": False,
        }

    def repository_url(self, repo: Repository) -> str:
        return f"{self._state.url}/repos/{repo.full_name}"

    def repository(self, repo: Repository) -> Json:
        url, html = self.repository_url(repo), f"{self._state.url}/{repo.full_name}"
        open_issues = sum(issue.is_open for issue in repo.issues.values())
        return {
            "id": repo.id,
            "node_id": node_id("R", repo.id),
            "name": repo.name,
            "full_name": repo.full_name,
            "private": repo.private,
            "owner": self.account(repo.owner),
            "html_url": html,
            "description": repo.description or None,
            "fork": False,
            "url": url,
            **{f"{name}_url": url + path for name, path in _REPOSITORY_LINKS.items()},
            "created_at": timestamp(repo.created_at),
            "updated_at": timestamp(repo.updated_at),
            "pushed_at": timestamp(repo.updated_at),
            "git_url": f"git://{html.partition('://')[2]}.git",
            "ssh_url": f"git@github.invalid:{repo.full_name}.git",
            "clone_url": f"{html}.git",
            "svn_url": html,
            "homepage": None,
            "size": 0 if repo.git.is_empty else 108,
            "stargazers_count": 0,
            "watchers_count": 0,
            "language": None,
            "has_issues": True,
            "has_projects": True,
            "has_wiki": True,
            "has_pages": False,
            "has_discussions": False,
            "forks_count": 0,
            "mirror_url": None,
            "archived": repo.archived,
            "has_pull_requests": repo.pulls_available,
            "pull_request_creation_policy": "all",
            "disabled": repo.disabled,
            "open_issues_count": open_issues,
            "license": None,
            "allow_forking": True,
            "is_template": False,
            "web_commit_signoff_required": False,
            "topics": [],
            "visibility": "private" if repo.private else "public",
            "forks": 0,
            "open_issues": open_issues,
            "watchers": 0,
            "default_branch": repo.default_branch,
        }

    def permission(self, repo: Repository, account: Account) -> Json:
        """`permission` knows four levels only: maintain is told as write and triage as read."""
        role = repo.role_of(account)
        granted = repo.collaborators.get(account.id)
        coarse = {Role.MAINTAIN: Role.WRITE, Role.TRIAGE: Role.READ}.get(role, role)
        flags = {
            "admin": role.includes(Role.ADMIN),
            "maintain": role.includes(Role.MAINTAIN),
            "push": role.includes(Role.WRITE),
            "triage": role.includes(Role.TRIAGE),
            "pull": role.includes(Role.READ),
        }
        role_name = granted.role_name if granted else str(role)
        user = {**self.account(account), "permissions": flags, "role_name": role_name}
        return {"permission": str(coarse), "user": user, "role_name": role_name}

    def label(self, repo: Repository, label: Label) -> Json:
        return {
            "id": label.id,
            "node_id": node_id("LA", label.id),
            "url": f"{self.repository_url(repo)}/labels/{label.name}",
            "name": label.name,
            "color": label.color,
            "default": False,
            "description": label.description,
        }

    # --------------------------------------------------------------------------------------- issues and comments

    def reaction(self, reaction: Reaction) -> Json:
        return {
            "id": reaction.id,
            "node_id": node_id("REA", reaction.id),
            "user": self.account(reaction.user),
            "content": reaction.content,
            "created_at": timestamp(reaction.created_at),
        }

    def _reaction_counts(self, url: str, reactions: list[Reaction]) -> Json:
        counts = {content: sum(r.content == content for r in reactions) for content in REACTIONS}
        return {"url": f"{url}/reactions", "total_count": len(reactions), **counts}

    def _via_app(self, by_app: bool) -> Json | None:
        return self.app() if by_app else None

    def issue(self, repo: Repository, issue: Issue) -> Json:
        url = f"{self.repository_url(repo)}/issues/{issue.number}"
        kind = "pull" if issue.pull else "issues"
        html = f"{self._state.url}/{repo.full_name}/{kind}/{issue.number}"
        shape = {
            "url": url,
            "repository_url": self.repository_url(repo),
            "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments",
            "events_url": f"{url}/events",
            "html_url": html,
            "id": issue.id,
            "node_id": node_id("PR" if issue.pull else "I", issue.id),
            "number": issue.number,
            "title": issue.title,
            "user": self.account(issue.user),
            "labels": [self.label(repo, label) for label in issue.labels],
            "state": issue.state,
            "locked": issue.locked,
            "assignees": [],
            "milestone": None,
            "comments": len(issue.comments),
            "created_at": timestamp(issue.created_at),
            "updated_at": timestamp(issue.updated_at),
            "closed_at": timestamp(issue.closed_at) if issue.closed_at else None,
            "closed_by": self.account(issue.closed_by) if issue.closed_by else None,
            "author_association": self._association(repo, issue.user),
            "active_lock_reason": issue.lock_reason,
            "body": issue.body,
            "reactions": self._reaction_counts(url, issue.reactions),
            "timeline_url": f"{url}/timeline",
            "performed_via_github_app": self._via_app(issue.by_app),
            "state_reason": issue.state_reason,
        }
        if issue.pull:
            pull_url = f"{self.repository_url(repo)}/pulls/{issue.number}"
            shape["draft"] = issue.pull.draft
            shape["pull_request"] = {
                "url": pull_url,
                "html_url": html,
                "diff_url": f"{html}.diff",
                "patch_url": f"{html}.patch",
                "merged_at": timestamp(issue.pull.merged_at) if issue.pull.merged_at else None,
            }
        return shape

    def _association(self, repo: Repository, account: Account) -> str:
        if account.id == repo.owner.id:
            return "OWNER"
        return "COLLABORATOR" if account.id in repo.collaborators else "NONE"

    def comment(self, repo: Repository, issue: Issue, comment: Comment) -> Json:
        url = f"{self.repository_url(repo)}/issues/comments/{comment.id}"
        kind = "pull" if issue.pull else "issues"
        return {
            "url": url,
            "html_url": f"{self._state.url}/{repo.full_name}/{kind}/{issue.number}#issuecomment-{comment.id}",
            "issue_url": f"{self.repository_url(repo)}/issues/{issue.number}",
            "id": comment.id,
            "node_id": node_id("IC", comment.id),
            "user": self.account(comment.user),
            "created_at": timestamp(comment.created_at),
            "updated_at": timestamp(comment.updated_at),
            "author_association": self._association(repo, comment.user),
            "body": comment.body,
            "reactions": self._reaction_counts(url, comment.reactions),
            "performed_via_github_app": self._via_app(comment.by_app),
        }

    # ------------------------------------------------------------------------------------------------------ pulls

    def pull(self, repo: Repository, issue: Issue, pull: Pull) -> Json:
        url = f"{self.repository_url(repo)}/pulls/{issue.number}"
        html = f"{self._state.url}/{repo.full_name}/pull/{issue.number}"
        return {
            "url": url,
            "id": issue.id,
            "node_id": node_id("PR", issue.id),
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "issue_url": f"{self.repository_url(repo)}/issues/{issue.number}",
            "commits_url": f"{url}/commits",
            "review_comments_url": f"{url}/comments",
            "comments_url": f"{self.repository_url(repo)}/issues/{issue.number}/comments",
            "statuses_url": f"{self.repository_url(repo)}/statuses/{pull.head_sha}",
            "number": issue.number,
            "state": issue.state,
            "locked": issue.locked,
            "title": issue.title,
            "user": self.account(issue.user),
            "body": issue.body,
            "labels": [self.label(repo, label) for label in issue.labels],
            "milestone": None,
            "draft": pull.draft,
            "head": self._pull_side(repo, pull.head, pull.head_sha),
            "base": self._pull_side(repo, pull.base, pull.base_sha),
            "requested_reviewers": [self.account(account) for account in pull.requested_reviewers],
            "requested_teams": [],
            "assignees": [],
            "auto_merge": None,
            "author_association": self._association(repo, issue.user),
            "created_at": timestamp(issue.created_at),
            "updated_at": timestamp(issue.updated_at),
            "closed_at": timestamp(issue.closed_at) if issue.closed_at else None,
            "merged_at": timestamp(pull.merged_at) if pull.merged_at else None,
            "merge_commit_sha": pull.merge_sha,
            "merged": pull.merged_at is not None,
            "merged_by": self.account(pull.merged_by) if pull.merged_by else None,
            "mergeable": None,  # computed later on GitHub as well
            "mergeable_state": "unknown",
            "maintainer_can_modify": pull.maintainer_can_modify,
            "comments": len(issue.comments),
            "review_comments": 0,
        }

    def _pull_side(self, repo: Repository, branch: str, sha: str) -> Json:
        return {
            "label": f"{repo.owner.login}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": self.account(repo.owner),
            "repo": self.repository(repo),
        }

    def review(self, repo: Repository, issue: Issue, review: Review) -> Json:
        html = f"{self._state.url}/{repo.full_name}/pull/{issue.number}"
        return {
            "id": review.id,
            "node_id": node_id("PRR", review.id),
            "user": self.account(review.user),
            "body": review.body,
            "state": review.state,
            "html_url": f"{html}#pullrequestreview-{review.id}",
            "pull_request_url": f"{self.repository_url(repo)}/pulls/{issue.number}",
            "author_association": self._association(repo, review.user),
            "submitted_at": timestamp(review.submitted_at),
            "commit_id": review.commit_sha,
        }

    def review_comment(self, repo: Repository, issue: Issue, thread: Thread, comment: ReviewComment) -> Json:
        url = f"{self.repository_url(repo)}/pulls/comments/{comment.id}"
        html = f"{self._state.url}/{repo.full_name}/pull/{issue.number}"
        shape = {
            "url": url,
            "pull_request_review_id": comment.review_id,
            "id": comment.id,
            "node_id": node_id("PRRC", comment.id),
            "diff_hunk": thread.hunk,
            "path": thread.path,
            "position": thread.line,
            "line": thread.line,
            "original_line": thread.original_line,
            "start_line": thread.start_line,
            "side": thread.side,
            "subject_type": "line",
            "commit_id": issue.pull.head_sha if issue.pull else comment.commit_sha,
            "original_commit_id": comment.commit_sha,
            "user": self.account(comment.user),
            "body": comment.body,
            "created_at": timestamp(comment.created_at),
            "updated_at": timestamp(comment.updated_at),
            "html_url": f"{html}#discussion_r{comment.id}",
            "pull_request_url": f"{self.repository_url(repo)}/pulls/{issue.number}",
            "author_association": self._association(repo, comment.user),
            "reactions": self._reaction_counts(url, comment.reactions),
        }
        first = thread.comments[0].id
        return shape if first == comment.id else shape | {"in_reply_to_id": first}

    def check_run(self, repo: Repository, run: CheckRun) -> Json:
        return {
            "id": run.id,
            "name": run.name,
            "node_id": node_id("CR", run.id),
            "head_sha": run.head_sha,
            "external_id": run.external_id,
            "url": f"{self.repository_url(repo)}/check-runs/{run.id}",
            "html_url": f"{self._state.url}/{repo.full_name}/runs/{run.id}",
            "details_url": run.details_url,
            "status": run.status,
            "conclusion": run.conclusion,
            "started_at": timestamp(run.started_at),
            "completed_at": timestamp(run.completed_at) if run.completed_at else None,
            "output": {"title": None, "summary": None, "text": None, **run.output}
            | {"annotations_count": len(run.annotations)},
            "check_suite": {"id": run.suite or run.id + 1},
            "app": self.app() if not run.app else self.other_app(run.app),
            "pull_requests": [],
        }

    def other_app(self, slug: str) -> Json:
        """Whose checks are not ours: GitHub's own, or anybody's."""
        return {"id": 15_368 + len(slug), "slug": slug, "name": slug.replace("-", " ").title(), "owner": None}

    def check_suite(
        self, repo: Repository, id: int, sha: str, app: str, status: str, conclusion: str | None, runs: int
    ) -> Json:
        now = timestamp(self._state.time())
        return {
            "id": id,
            "node_id": node_id("CS", id),
            "head_branch": None,
            "head_sha": sha,
            "status": status,
            "conclusion": conclusion,
            "url": f"{self.repository_url(repo)}/check-suites/{id}",
            "latest_check_runs_count": runs,
            "app": self.other_app(app) if app else self.app(),
            "created_at": now,
            "updated_at": now,
            "pull_requests": [],
        }

    def status(self, repo: Repository, status: Status) -> Json:
        return {
            "id": status.id,
            "node_id": node_id("SC", status.id),
            "url": f"{self.repository_url(repo)}/statuses/{status.sha}",
            "state": status.state,
            "context": status.context,
            "description": status.description,
            "target_url": status.target_url,
            "created_at": timestamp(status.created_at),
            "updated_at": timestamp(status.created_at),
        }

    # -------------------------------------------------------------------------------------------------------- git

    def git_commit(self, repo: Repository, commit: Commit, verification: Verification) -> Json:
        """The commit as the Git Data API tells it."""
        url = f"{self.repository_url(repo)}/git/commits/{commit.sha}"
        return {
            "sha": commit.sha,
            "node_id": f"C_kwDO{commit.sha[:20]}",
            "url": url,
            "html_url": f"{self._state.url}/{repo.full_name}/commit/{commit.sha}",
            **self._commit_text(repo, commit, verification),
            "parents": [
                {
                    "sha": parent,
                    "url": f"{self.repository_url(repo)}/git/commits/{parent}",
                    "html_url": f"{self._state.url}/{repo.full_name}/commit/{parent}",
                }
                for parent in commit.parents
            ],
        }

    def commit(self, repo: Repository, commit: Commit, verification: Verification) -> Json:
        """The commit as the commits, branches and compare routes tell it."""
        git = self.git_commit(repo, commit, verification)
        inner = {**self._commit_text(repo, commit, verification), "url": git["url"], "comment_count": 0}
        return {
            "sha": commit.sha,
            "node_id": git["node_id"],
            "commit": inner,
            "url": f"{self.repository_url(repo)}/commits/{commit.sha}",
            "html_url": git["html_url"],
            "author": None,
            "committer": None,
            "parents": git["parents"],
        }

    def _commit_text(self, repo: Repository, commit: Commit, verification: Verification) -> Json:
        def person(name: str, email: str, at: str) -> Json:
            return {"name": name, "email": email, "date": at}

        signed = verification.verified
        return {
            "author": person(commit.author.name, commit.author.email, timestamp(commit.author.at)),
            "committer": person(commit.committer.name, commit.committer.email, timestamp(commit.committer.at)),
            "message": commit.message,
            "tree": {"sha": commit.tree, "url": f"{self.repository_url(repo)}/git/trees/{commit.tree}"},
            "verification": {
                "verified": signed,
                "reason": verification.reason,
                "signature": "-----BEGIN PGP SIGNATURE-----\n\nsimulated\n-----END PGP SIGNATURE-----"
                if signed
                else None,
                "payload": f"tree {commit.tree}\n" if signed else None,
                "verified_at": timestamp(commit.committer.at) if signed else None,
            },
        }

    # -------------------------------------------------------------------------------------------------------- app

    def app(self) -> Json:
        return {
            "id": self._app.app_id,
            "client_id": self._app.client_id,
            "slug": self._app.slug,
            "node_id": node_id("A", self._app.app_id),
            "owner": self.account(self._app.owner),
            "name": self._app.name,
            "description": "",
            "external_url": "https://example.org",
            "html_url": f"{self._state.url}/apps/{self._app.slug}",
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
            "permissions": self._app.permissions,
            "events": sorted(self._app.events),
        }

    def installation(self, installation: Installation) -> Json:
        return {
            "id": installation.id,
            "client_id": self._app.client_id,
            "account": self.account(installation.account),
            "repository_selection": "all" if installation.repositories is None else "selected",
            "access_tokens_url": f"{self._state.url}/app/installations/{installation.id}/access_tokens",
            "repositories_url": f"{self._state.url}/installation/repositories",
            "html_url": f"{self._state.url}/settings/installations/{installation.id}",
            "app_id": self._app.app_id,
            "app_slug": self._app.slug,
            "target_id": installation.account.id,
            "target_type": str(installation.account.type),
            "permissions": installation.permissions,
            "events": sorted(self._app.events),
            "created_at": timestamp(installation.created_at),
            "updated_at": timestamp(installation.created_at),
            "single_file_name": None,
            "has_multiple_single_files": False,
            "single_file_paths": [],
            "suspended_by": None,
            "suspended_at": timestamp(installation.suspended_at) if installation.suspended_at else None,
        }


def encode_lines(content: bytes) -> str:
    """Base64 broken into lines, as GitHub sends file contents."""
    return base64.encodebytes(content).decode()
