"""Who is signed in on the pages, at rest. A session is found by the digest of what the browser holds."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from bot.core.model import Person
from bot.core.web_session import WebSession
from bot.store.database import Database
from bot.store.tables import web_sessions

_COLUMNS = web_sessions.c


class SqlWebSessions:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, session: WebSession) -> None:
        """Those that are over by then are forgotten."""

        def work(db: sa.Connection) -> None:
            db.execute(sa.delete(web_sessions).where(_COLUMNS.expires_at <= session.created_at))
            person = session.person
            db.execute(
                sa.insert(web_sessions).values(
                    digest=session.digest,
                    user_id=person.id,
                    login=person.login,
                    created_at=session.created_at,
                    expires_at=session.expires_at,
                )
            )

        await self._database.write(work)

    async def find(self, digest: str, now: datetime) -> WebSession | None:
        question = sa.select(web_sessions).where(_COLUMNS.digest == digest, _COLUMNS.expires_at > now)
        row = await self._database.read(lambda db: db.execute(question).one_or_none())
        if row is None:
            return None
        return WebSession(row.digest, Person(row.login, row.user_id), row.created_at, row.expires_at)

    async def valid(self, digests: Collection[str], now: datetime) -> frozenset[str]:
        """Those of them that are neither over nor ended."""
        wanted = sa.select(_COLUMNS.digest).where(_COLUMNS.digest.in_(digests), _COLUMNS.expires_at > now)
        return await self._database.read(lambda db: frozenset(db.scalars(wanted)))

    async def end(self, digest: str) -> None:
        """One that is not there is fine."""
        await self._database.write(lambda db: db.execute(sa.delete(web_sessions).where(_COLUMNS.digest == digest)))
