"""Where everything happens: the state, its shapes, the App and its webhooks, and how an event leaves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from bot.simulators.github.auth import App, Authority
from bot.simulators.github.faults import Faults, RateLimits
from bot.simulators.github.gitdata import Signature
from bot.simulators.github.shapes import Shapes
from bot.simulators.github.state import (
    Account,
    AccountType,
    Installation,
    Json,
    Repository,
    State,
    node_id,
)
from bot.simulators.github.webhooks import Webhooks

COMES_WITH = {"check_run": "checks", "check_suite": "checks", "status": "statuses"}  # event -> permission


@dataclass(slots=True)
class Stage:
    state: State
    app: App
    authority: Authority
    shapes: Shapes
    webhooks: Webhooks
    faults: Faults
    limits: RateLimits
    verify_commits: bool = True  # what GitHub says of commits made by the App with nobody named
    codes: dict[str, datetime] = field(default_factory=dict)  # of Apps made from a manifest, until each is used

    def emit(self, repo: Repository, event: str, action: str, by: Account, **details: object) -> None:
        """Tell the App, if it is installed there and has subscribed; wake whoever waits in any case."""
        self.emit_flat(repo, event, by, action=action, **details)

    def emit_flat(self, repo: Repository, event: str, by: Account, **details: object) -> None:
        """The same for an event that knows no actions."""
        installation = self.state.installation_of(repo)
        if installation is not None and self._hears(installation, event):
            payload: Json = {**details, "repository": self.shapes.repository(repo)}
            if repo.owner.type is AccountType.ORGANIZATION:
                payload["organization"] = self._organization(repo.owner)
            payload["sender"] = self.shapes.account(by)
            payload["installation"] = {"id": installation.id, "node_id": node_id("MDIz", installation.id)}
            self.webhooks.emit(event, payload, installation_id=installation.id, repository_id=repo.id)
        self.state.changes.notify()

    def _hears(self, installation: Installation, event: str) -> bool:
        """Subscribed to it, and has the permission that it comes with."""
        if installation.suspended_at is not None or event not in self.app.events:
            return False
        needed = COMES_WITH.get(event)
        return needed is None or needed in installation.permissions

    def emit_installation(
        self, installation: Installation, event: str, action: str, by: Account, **details: object
    ) -> None:
        payload: Json = {
            "action": action,
            "installation": self.shapes.installation(installation),
            **details,
            "sender": self.shapes.account(by),
        }
        self.webhooks.emit(event, payload, installation_id=installation.id, repository_id=None)
        self.state.changes.notify()

    def _organization(self, account: Account) -> Json:
        url = f"{self.state.url}/orgs/{account.login}"
        return {
            "login": account.login,
            "id": account.id,
            "node_id": node_id("O", account.id),
            "url": url,
            "repos_url": f"{url}/repos",
            "events_url": f"{url}/events",
            "hooks_url": f"{url}/hooks",
            "issues_url": f"{url}/issues",
            "members_url": f"{url}/members{{/member}}",
            "public_members_url": f"{url}/public_members{{/member}}",
            "avatar_url": f"{self.state.url}/u/{account.id}?v=4",
            "description": "",
        }

    def signature(self, account: Account) -> Signature:
        email = f"{account.id}+{account.login}@users.noreply.github.com"
        return Signature(account.login, email, self.state.time())
