"""Installations and their repositories, and how each of these is set up."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from bot.core.model import KnownEnvironment, Repo, Workspace
from bot.store import rows
from bot.store.part import SqlPart, upsert
from bot.store.tables import installations, known_environments, prepared_workspaces, repositories, vain_searches

_WORKSPACE = prepared_workspaces.c


class SqlPlaces(SqlPart):
    async def installed(self, installation: int, account: str, *, suspended: bool, at: datetime) -> None:
        """Events come in any order: an older one changes nothing."""
        values = {"account": account, "is_suspended": suspended, "removed_at": None, "updated_at": at}
        older = installations.c.updated_at <= at
        await self._database.write(lambda db: upsert(db, installations, {"id": installation}, values, where=older))

    async def uninstalled(self, installation: int, at: datetime) -> None:
        known = sa.update(installations).where(installations.c.id == installation, installations.c.updated_at <= at)
        await self._database.write(lambda db: db.execute(known.values(removed_at=at, updated_at=at)))

    async def repository_seen(self, repo: Repo, *, archived: bool = False, deleted: bool = False) -> None:
        values = {
            "installation_id": repo.installation,
            "name": repo.name,
            "is_archived": archived,
            "is_deleted": deleted,
        }
        await self._database.write(lambda db: upsert(db, repositories, {"id": repo.id}, values))

    async def workspace(self, repo_id: int) -> Workspace | None:
        question = sa.select(prepared_workspaces).where(_WORKSPACE.repository_id == repo_id)
        row = await self._database.read(lambda db: db.execute(question).one_or_none())
        return rows.workspace_of(row) if row else None

    async def keep_workspace(self, workspace: Workspace) -> None:
        values = {"key": workspace.key, "left_behind": workspace.left_behind, "used_at": workspace.used_at}
        key = {"repository_id": workspace.repo_id}
        await self._database.write(lambda db: upsert(db, prepared_workspaces, key, values))

    async def workspaces(self, *, used_since: datetime) -> list[Workspace]:
        question = sa.select(prepared_workspaces).where(_WORKSPACE.used_at >= used_since)
        return await self._database.read(lambda db: [rows.workspace_of(row) for row in db.execute(question)])

    async def environment(self, repo_id: int) -> KnownEnvironment | None:
        question = sa.select(known_environments).where(known_environments.c.repository_id == repo_id)
        row = await self._database.read(lambda db: db.execute(question).one_or_none())
        return rows.known_environment_of(row) if row else None

    async def keep_environment(self, environment: KnownEnvironment) -> None:
        values = {"key": environment.key, "toolchain": environment.toolchain, "found_at": environment.found_at}
        key = {"repository_id": environment.repo_id}
        await self._database.write(lambda db: upsert(db, known_environments, key, values))

    async def nothing_found(self, repo_id: int, key: str, at: datetime) -> None:
        values = {"key": key, "at": at}
        await self._database.write(lambda db: upsert(db, vain_searches, {"repository_id": repo_id}, values))

    async def looked_in_vain(self, repo_id: int, key: str, *, since: datetime) -> bool:
        question = sa.select(vain_searches.c.key).where(
            vain_searches.c.repository_id == repo_id, vain_searches.c.at >= since
        )
        return await self._database.read(lambda db: db.execute(question).scalar_one_or_none() == key)
