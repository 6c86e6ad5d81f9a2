"""Migrations lead to the tables that the code knows, on both databases, and a wrong database is refused in words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from bot.ports import Rejected, Unavailable
from bot.store import sqlite
from bot.store.all_tables import metadata
from bot.store.migrate import migrate
from bot.store.schema import WrongSchema, bring_up_to_date, found_revision, newest_revision, revisions

HEAD = "0014"


@contextmanager
def connected(url: str) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def revision(url: str) -> str | None:
    with connected(url) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def differences(url: str, expected: sa.MetaData) -> list[Any]:
    with connected(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, expected))


def execute(url: str, sql: str) -> None:
    if url.startswith("postgresql"):
        with psycopg.connect(url) as postgres:
            postgres.execute(sql.encode())
    else:
        file = sqlite3.connect(sqlite.path_of(url))
        file.execute(sql)
        file.commit()
        file.close()


def test_the_tables_are_what_the_code_says(empty_database_url: str) -> None:
    migrate(empty_database_url)
    assert differences(empty_database_url, metadata) == []


def test_a_difference_would_be_noticed(database_url: str) -> None:
    other = sa.MetaData()
    for table in metadata.tables.values():
        table.to_metadata(other)
    other.tables["solves"].append_column(sa.Column("mood", sa.Text))
    assert len(differences(database_url, other)) == 1


def test_partial_indexes_cover_what_the_code_says(database_url: str) -> None:
    """Alembic compares the columns of an index, but not which rows are in it."""
    dialect = "postgresql" if database_url.startswith("postgresql") else "sqlite"
    partial = {
        (table.name, index.name): str(where)
        for table in metadata.tables.values()
        for index in table.indexes
        if (where := index.dialect_options[dialect]["where"]) is not None
    }
    with connected(database_url) as connection:
        found = {
            (table, index["name"]): str(where)
            for table in metadata.tables
            for index in sa.inspect(connection).get_indexes(table)
            if (where := index.get("dialect_options", {}).get(f"{dialect}_where")) is not None
        }
    assert set(found) == set(partial)
    if dialect == "sqlite":  # PostgreSQL says the same in words of its own; test_query_plans.py sees them used
        assert found == partial


def test_migrating_again_keeps_what_is_there(empty_database_url: str) -> None:
    migrate(empty_database_url)
    execute(empty_database_url, "insert into users values (9, 'ann', false, '2026-11-20 12:00:00')")
    migrate(empty_database_url)
    with connected(empty_database_url) as connection:
        assert connection.execute(sa.text("select login from users")).scalars().all() == ["ann"]


def test_processes_that_start_together_migrate_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(max_workers=4) as together:
        assert list(together.map(migrate, [empty_database_url] * 4)) == [None] * 4
    assert revision(empty_database_url) == HEAD


def test_a_migration_that_fails_leaves_nothing_behind(empty_database_url: str) -> None:
    execute(empty_database_url, "create table audit_log (id text)")  # in the way, half-way through
    with pytest.raises((Rejected, Unavailable)):
        migrate(empty_database_url)
    with connected(empty_database_url) as connection:
        assert sa.inspect(connection).get_table_names() == ["audit_log"]
    execute(empty_database_url, "drop table audit_log")
    migrate(empty_database_url)
    assert revision(empty_database_url) == HEAD


def test_the_names_of_the_files_say_what_alembic_knows() -> None:
    """So that a process that does not load it knows whether there is anything to do."""
    scripts = ScriptDirectory(str(Path(sqlite.__file__).with_name("migrations")))
    assert [script.revision for script in scripts.walk_revisions()] == list(revisions())
    assert scripts.get_heads() == [newest_revision()]


def test_a_database_is_asked_for_its_revision_without_alembic(empty_database_url: str) -> None:
    assert found_revision(empty_database_url) is None
    migrate(empty_database_url)
    assert found_revision(empty_database_url) == HEAD


async def test_who_receives_makes_a_database_and_leaves_a_newer_one_alone(empty_database_url: str) -> None:
    await bring_up_to_date(empty_database_url)
    assert revision(empty_database_url) == HEAD
    execute(empty_database_url, "update alembic_version set version_num = '9999'")
    with pytest.raises(WrongSchema, match="revision 9999, which this version does not know"):
        await bring_up_to_date(empty_database_url)


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.sqlite", "postgresql://postgres@/x?host=/nowhere"])
async def test_a_database_that_cannot_be_had_is_the_same_error_out_of_another_process(url: str) -> None:
    with pytest.raises(Unavailable):
        await bring_up_to_date(url)


def test_a_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    execute(database_url, "update alembic_version set version_num = '9999'")
    with pytest.raises(WrongSchema, match="revision 9999, which this version does not know"):
        migrate(database_url)
    assert revision(database_url) == "9999"


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.sqlite", "postgresql://postgres@/x?host=/nowhere"])
def test_a_database_that_is_not_there(url: str) -> None:
    with pytest.raises(Unavailable):
        migrate(url)
