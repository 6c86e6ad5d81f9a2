"""Where the App is installed, and which repositories there are: noted as GitHub tells it.

Where nothing can be done any more, what runs is to be stopped: each method returns those solves, and who did it.
"""

from __future__ import annotations

from bot.core.model import SolveId
from bot.core.trigger.events import InstallationAction, InstallationChanged, RepositoryAction, RepositoryChanged
from bot.ports import Clock, Store


class Upkeep:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def installation(self, event: InstallationChanged) -> tuple[list[SolveId], str]:
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
        return stopped, f"{event.by.login} {'suspended' if suspended else 'removed'} the App"

    async def repository(self, event: RepositoryChanged) -> tuple[list[SolveId], str]:
        archived = event.action is RepositoryAction.ARCHIVED
        deleted = event.action is RepositoryAction.DELETED
        await self._store.repository_seen(event.repo, archived=archived, deleted=deleted)
        if not (archived or deleted or event.action is RepositoryAction.TRANSFERRED):
            return [], ""
        running = await self._store.active_solves(repo_id=event.repo.id)
        return running, f"{event.by.login} {event.action.value} the repository"
