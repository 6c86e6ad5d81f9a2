"""Every statement that a test makes a database execute is explained, and must not walk through a table that grows.

PostgreSQL's log tells what it was asked, by whatever way. On SQLite it is SQLAlchemy that tells; the inbox, which does
without it there, names its statements to test_query_plans.py. So nobody can add a query, test it, and forget its index.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from bot.store import sqlite
from tests.contracts.postgres import PostgresServer

GROWING = (
    "batches",
    "solves",
    "solve_runs",
    "deliveries",
    "users",
    "repositories",
    "audit_log",
    "sandbox_operations",
    "events",
    "access_tokens",
    "api_requests",
    "web_sessions",
    "outbox",
)
BOUNDED = ("one_active_solve_per_issue", "deliveries_waiting")
"""Indexes of what is going on right now: walking through all of one is what its queries are for."""

Asked = tuple[str, Any]  # statement and its values
PARAMETERS = "select cardinality(parameter_types) from pg_prepared_statements where name = 'asked'"
STATEMENT = re.compile(r"\s*(select|insert|update|delete|with)\b", re.IGNORECASE)


@pytest.fixture
def every_plan_is_checked(request: pytest.FixtureRequest) -> Iterator[None]:
    """For tests with the `database_url` fixture; others pass unchecked."""
    url: str = request.getfixturevalue("database_url") if "database_url" in request.fixturenames else ""
    if url.startswith("postgresql"):
        server: PostgresServer = request.getfixturevalue("postgres")
        start = server.log.stat().st_size
        yield
        problems = postgres_problems(url, logged_statements(server, url, start))
    elif url:
        asked: list[Asked] = request.getfixturevalue("statements_of_sqlalchemy")
        yield
        problems = sqlite_problems(url, asked)
    else:
        yield
        return
    assert problems == []


# ------------------------------------------------------------------------------------------------------------- SQLite


@pytest.fixture
def statements_of_sqlalchemy() -> Iterator[list[Asked]]:
    asked: list[Asked] = []

    def before(connection: sa.Connection, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
        asked.append((statement, values[0] if many else values))

    sa.event.listen(sa.Engine, "before_cursor_execute", before)
    yield asked
    sa.event.remove(sa.Engine, "before_cursor_execute", before)


def sqlite_problems(url: str, asked: list[Asked]) -> list[str]:
    connection = sqlite3.connect(sqlite.path_of(url))
    problems = []
    for statement, values in asked:
        if not STATEMENT.match(statement):
            continue
        for *_, step in connection.execute(f"explain query plan {statement}", values):
            scan = re.match(r"SCAN (\w+)(?: USING (?:COVERING )?INDEX (\w+))?", step)
            if scan and scan[1] in GROWING and scan[2] not in BOUNDED:
                problems.append(f"{step}: {statement}")
    connection.close()
    return problems


# --------------------------------------------------------------------------------------------------------- PostgreSQL


def logged_statements(server: PostgresServer, url: str, start: int) -> set[str]:
    """What was asked of the database since the log was `start` bytes long."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with server.log.open("rb") as log:
        log.seek(start)
        text = log.read().decode(errors="replace")
    entry = re.compile(rf"^{name}\|LOG:  (?:execute [^:]+|statement): (.*(?:\n\t.*)*)", re.MULTILINE)
    return {found.replace("\n\t", "\n") for found in entry.findall(text)}


def postgres_problems(url: str, statements: set[str]) -> list[str]:
    """Generic plans, made as if walking through a table cost a fortune: where one is left, no index fits."""
    problems = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set enable_seqscan = off")
        connection.execute("set plan_cache_mode = force_generic_plan")
        for statement in filter(STATEMENT.match, statements):
            connection.execute(f"prepare asked as {statement}".encode())
            [[count]] = connection.execute(PARAMETERS).fetchall()
            values = f"({', '.join(['null'] * count)})" if count else ""
            [[plan]] = connection.execute(f"explain (format json) execute asked{values}".encode()).fetchall()
            connection.execute("deallocate asked")
            problems += [f"{node}: {statement}" for node in _walks(plan[0]["Plan"])]
    return problems


def _walks(node: dict[str, Any]) -> Iterator[str]:
    """Nodes that look at all of a table or of an index."""
    kind, index, table = node["Node Type"], node.get("Index Name"), node.get("Relation Name")
    if kind == "Seq Scan" and table in GROWING:
        yield f"{kind} on {table}"
    if "Index" in kind and "Index Cond" not in node and index not in BOUNDED and table in (*GROWING, None):
        yield f"{kind} of all of {index}"
    for child in node.get("Plans", []):
        yield from _walks(child)
