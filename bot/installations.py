"""Where we are installed, and which repositories there are: noted, and what runs there no more is stopped."""

from __future__ import annotations

from collections.abc import Sequence

from bot.actions import Action, Actions
from bot.core.events import InstallationAction, InstallationChanged, RepositoryAction, RepositoryChanged
from bot.core.model import SolveId
from bot.ports import Clock, Store


class Installations:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def note_installation(self, event: InstallationChanged) -> Actions:
        """Uninstalled or suspended: nothing can be done there any more, so what runs is stopped."""
        now = self._clock.now()
        suspended = event.action is InstallationAction.SUSPENDED
        gone = suspended or event.action is InstallationAction.DELETED
        if event.action is InstallationAction.DELETED:
            await self._store.uninstalled(event.installation, now)
        else:
            await self._store.installed(event.installation, event.account, suspended=suspended, at=now)
        for repo in event.added:
            await self._store.repository_seen(repo)
        stopped: list[SolveId] = []
        if gone:
            stopped += await self._store.active_solves(installation=event.installation)
        for repo in event.removed:
            stopped += await self._store.active_solves(repo_id=repo.id)
        return _stopping(stopped, f"{event.by.login} {'suspended' if suspended else 'removed'} the App")

    async def note_repository(self, event: RepositoryChanged) -> Actions:
        archived = event.action is RepositoryAction.ARCHIVED
        deleted = event.action is RepositoryAction.DELETED
        await self._store.repository_seen(event.repo, archived=archived, deleted=deleted)
        if not (archived or deleted or event.action is RepositoryAction.TRANSFERRED):
            return Actions(because="noted")
        solves = await self._store.active_solves(repo_id=event.repo.id)
        return _stopping(solves, f"{event.by.login} {event.action.value} the repository")


def _stopping(solves: Sequence[SolveId], why: str) -> Actions:
    return Actions(tuple(Action(cancel=id, cancelled_by=why) for id in solves))
