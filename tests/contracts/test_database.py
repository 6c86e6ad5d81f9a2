"""Transactions on both databases."""

from __future__ import annotations

import sqlalchemy as sa

from bot.store.database import open_database

COUNT = sa.text("select count(*) from users")
INSERT = sa.text("insert into users (id, login, is_bot, updated_at) values (1, 'ann', false, '2026-01-01')")


async def test_what_is_read_in_two_questions_belongs_together(database_url: str) -> None:
    """Such as a solve and its runs: somebody else may write in between."""
    database = open_database(database_url)
    somebody_else = sa.create_engine(database_url.replace("postgresql://", "postgresql+psycopg://"))

    def read(connection: sa.Connection) -> tuple[int | None, int | None]:
        first = connection.execute(COUNT).scalar()
        with somebody_else.begin() as other:
            other.execute(INSERT)
        return first, connection.execute(COUNT).scalar()

    try:
        assert await database.read(read) == (0, 0)
        assert await database.read(lambda connection: connection.execute(COUNT).scalar()) == 1
    finally:
        somebody_else.dispose()
        await database.close()
