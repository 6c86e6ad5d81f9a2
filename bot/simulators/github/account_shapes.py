"""Accounts, repositories, the App and its installations, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.simulators.github.state import (
    Account,
    AccountType,
    Installation,
    Json,
    Label,
    Repository,
    Role,
    State,
    node_id,
    timestamp,
)

if TYPE_CHECKING:
    from bot.simulators.github.auth import App

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


class AccountShapes:
    def __init__(self, state: State, app: App) -> None:
        self._state = state
        self._app = app

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
