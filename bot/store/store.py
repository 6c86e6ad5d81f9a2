"""What is known about solves, runs, models and places, at rest.

Each method is one transaction named for what happened, and may be called again after a crash: writes find their row by
an id made from ids, and never take back what a later write has said. Texts are stored as given: callers redact.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from bot.ports import Tally
from bot.store import tally
from bot.store.acceptance import SqlAcceptance
from bot.store.batches import SqlBatches
from bot.store.catalogue import SqlCatalogue
from bot.store.database import Database, insert, open_database
from bot.store.fates import SqlFates
from bot.store.fleet import SqlFleet
from bot.store.ledger import SqlLedger
from bot.store.outbox import SqlOutbox
from bot.store.places import SqlPlaces
from bot.store.requests import SqlRequests
from bot.store.runs import SqlRuns
from bot.store.sandbox_tables import sandbox_operations
from bot.store.solves import SqlSolves
from bot.store.tables import (
    api_requests,
    audit_log,
    batches,
    deliveries,
    known_environments,
    prepared_workspaces,
    solves,
    vain_searches,
)
from bot.store.tokens import SqlTokens
from bot.store.turns import SqlTurns
from bot.store.views import SqlViews
from bot.store.web_sessions import SqlWebSessions


@asynccontextmanager
async def opened(url: str, *, web_url: str = "https://github.com") -> AsyncIterator[SqlStore]:
    """`url` of a migrated database as in the settings: `sqlite:///path` or `postgresql://...`."""
    database = open_database(url)
    try:
        yield SqlStore(database, web_url=web_url)
    finally:
        await database.close()


class SqlStore(SqlAcceptance, SqlSolves, SqlBatches, SqlRuns, SqlFates, SqlCatalogue, SqlPlaces, SqlFleet):
    """The `Store` port. `web_url` is where people see repositories."""

    def __init__(self, database: Database, *, web_url: str) -> None:
        super().__init__(database, web_url=web_url)
        self.ledger = SqlLedger(database)  # of lent sandboxes, in the same database
        self.views = SqlViews(database)  # what is shown, out of the same tables
        self.web_sessions = SqlWebSessions(database)  # of those who look at pages
        self.tokens = SqlTokens(database)
        self.requests = SqlRequests(database)
        self.turns = SqlTurns(database)  # of workers
        self.outbox = SqlOutbox(database)

    async def alive(self) -> None:
        """Raises `Unavailable` when the database does not answer."""
        await self._database.read(lambda db: db.execute(sa.select(sa.literal(1))).scalar())

    async def audit(self, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any]) -> None:
        entry = {"at": at, "actor": actor, "action": action, "subject": subject, "detail": dict(detail)}
        digest = hashlib.sha256(msgspec.json.encode(entry, order="deterministic")).hexdigest()
        await self._database.write(
            lambda db: db.execute(insert(db, audit_log).values(id=digest, **entry).on_conflict_do_nothing())
        )

    async def tally(self, since: datetime) -> Tally:
        def work(db: sa.Connection) -> Tally:
            ask = tally.on_postgres if db.dialect.name == "postgresql" else tally.on_sqlite
            return ask(db.exec_driver_sql, since)

        return await self._database.read(work)

    async def purge(self, before: datetime) -> int:
        old = (
            sa.delete(solves).where(solves.c.completed_at < before),
            sa.delete(batches).where(batches.c.created_at < before),
            sa.delete(deliveries).where(deliveries.c.handed_at < before),
            sa.delete(audit_log).where(audit_log.c.at < before),
            sa.delete(sandbox_operations).where(sandbox_operations.c.at < before),
            sa.delete(prepared_workspaces).where(prepared_workspaces.c.used_at < before),
            sa.delete(vain_searches).where(vain_searches.c.at < before),
            sa.delete(api_requests).where(api_requests.c.asked_at < before),
            sa.delete(known_environments).where(known_environments.c.found_at < before),
        )
        return await self._database.write(lambda db: sum(db.execute(statement).rowcount for statement in old))
