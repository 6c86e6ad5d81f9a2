"""Deliveries at rest in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from bot.inbox import AGAIN, WAITING, Arrival, InboxRow
from bot.ports import Unavailable
from bot.store.schema import CONNECT_SECONDS

STATEMENT_MS = 8000  # GitHub hangs up after ten seconds

INSERT_POSTGRES = f"""insert into deliveries (guid, event, record, received_at, attempt)
 select guid, event, record, received_at, 0 from
 unnest(%s::text[], %s::text[], %s::text[], %s::timestamptz[]) as arrived (guid, event, record, received_at)
 {AGAIN}"""
KNOWN_POSTGRES = "select guid from deliveries where guid = any(%s)"
HANDED_POSTGRES = "update deliveries set handed_at = %s where guid = any(%s)"


class PostgresShelf:
    """One connection, opened again when it broke. Every statement is its own transaction."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]]
        self._reopening = asyncio.Lock()

    async def open(self) -> None:
        try:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url,
                autocommit=True,
                prepare_threshold=0,
                connect_timeout=CONNECT_SECONDS,
                options=f"-c statement_timeout={STATEMENT_MS} -c timezone=UTC",
            )
        except psycopg.Error as error:
            raise Unavailable(f"PostgreSQL: {error}") from error

    async def insert(self, rows: Sequence[Arrival]) -> None:
        columns = [list(column) for column in zip(*rows, strict=True)]
        await self._execute(INSERT_POSTGRES, columns)

    async def waiting(self, limit: int) -> list[InboxRow]:
        cursor = await self._execute(WAITING + "%s", (limit,))
        return [
            InboxRow(guid, event, msgspec.json.decode(record), at, attempt)
            for guid, event, record, at, attempt in await cursor.fetchall()
        ]

    async def handed(self, guids: Sequence[str], at: datetime) -> None:
        await self._execute(HANDED_POSTGRES, (at, list(guids)))

    async def known(self, guids: Sequence[str]) -> set[str]:
        cursor = await self._execute(KNOWN_POSTGRES, (list(guids),))
        return {guid for (guid,) in await cursor.fetchall()}

    async def close(self) -> None:
        await self._connection.close()

    async def _execute(self, sql: str, values: Sequence[object]) -> psycopg.AsyncCursor[tuple[Any, ...]]:
        """Once more on a new connection when the old one turns out to be broken: all statements may be repeated."""
        connection = self._connection
        try:
            return await connection.execute(sql, values)
        except psycopg.Error as error:
            if not connection.broken:
                raise Unavailable(f"PostgreSQL: {error}") from error
        async with self._reopening:
            if self._connection is connection:
                await self.open()
        try:
            return await self._connection.execute(sql, values)
        except psycopg.Error as error:
            raise Unavailable(f"PostgreSQL: {error}") from error
