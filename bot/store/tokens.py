"""Access tokens at rest: who they are of and what they are for. Of the token itself there is only a digest."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from bot.core.access import AccessToken
from bot.core.model import Person
from bot.store.database import Database
from bot.store.rows import Row
from bot.store.tables import access_tokens

MOST = 500
SELDOM = timedelta(minutes=1)  # between two notes that it was used: reading something must not cost a write each time

_TOKEN = access_tokens.c


class SqlTokens:
    """The `Tokens` port."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, token: AccessToken, digest: str) -> None:
        values = {
            "id": token.id,
            "digest": digest,
            "name": token.name,
            "user_id": token.owner.id,
            "login": token.owner.login,
            "scopes": token.scopes,
            "created_at": token.created_at,
            "expires_at": token.expires_at,
        }
        await self._database.write(lambda db: db.execute(sa.insert(access_tokens).values(values)).close())

    async def find(self, id: str) -> tuple[AccessToken, str] | None:
        question = sa.select(access_tokens).where(_TOKEN.id == id)
        row = await self._database.read(lambda db: db.execute(question).one_or_none())
        return (_token(row), row.digest) if row else None

    async def valid(self, ids: Collection[str], now: datetime) -> frozenset[str]:
        alive = sa.and_(_TOKEN.revoked_at.is_(None), _TOKEN.expires_at > now)
        wanted = sa.select(_TOKEN.id).where(_TOKEN.id.in_(ids), alive)
        return await self._database.read(lambda db: frozenset(db.scalars(wanted)))

    async def used(self, id: str, at: datetime) -> None:
        before = sa.or_(_TOKEN.last_used_at.is_(None), _TOKEN.last_used_at < at - SELDOM)
        change = sa.update(access_tokens).where(_TOKEN.id == id, before).values(last_used_at=at)
        await self._database.write(lambda db: db.execute(change).close())

    async def owned(self, user: int | None = None) -> list[AccessToken]:
        """Of all: for the operator, who asks for it seldom."""
        question = sa.select(access_tokens).where(_TOKEN.id > "" if user is None else _TOKEN.user_id == user)
        found = await self._database.read(lambda db: [_token(row) for row in db.execute(question.limit(MOST))])
        return sorted(found, key=lambda token: token.created_at, reverse=True)

    async def revoke(self, id: str, at: datetime, *, owner: int | None = None) -> bool:
        change = sa.update(access_tokens).where(_TOKEN.id == id, _TOKEN.revoked_at.is_(None))
        if owner is not None:
            change = change.where(_TOKEN.user_id == owner)
        return await self._database.write(lambda db: bool(db.execute(change.values(revoked_at=at)).rowcount))


def _token(row: Row) -> AccessToken:
    return AccessToken(
        row.id,
        row.name,
        Person(row.login, row.user_id),
        row.scopes,
        row.created_at,
        row.expires_at,
        row.revoked_at,
        row.last_used_at,
    )
