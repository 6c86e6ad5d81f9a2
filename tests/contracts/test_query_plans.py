"""That the check of query_plans.py sees what it is for, and that no query of ours is out of its sight."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.inbox import HANDED_SQLITE, KNOWN_SQLITE, WAITING, Inbox, insert_sql, open_inbox
from bot.store import heads
from bot.store.all_tables import metadata
from bot.store.ledger import SqlLedger
from bot.store.outbox import SqlOutbox
from bot.store.requests import SqlRequests
from bot.store.store import SqlStore
from bot.store.tokens import SqlTokens
from bot.store.turns import SqlTurns
from bot.store.views import SqlViews
from bot.store.web_sessions import SqlWebSessions
from tests.contracts.postgres import PostgresServer
from tests.contracts.query_plans import GROWING, logged_statements, postgres_problems, sqlite_problems

HERE = Path(__file__).parent


class Noon:
    def now(self) -> datetime:
        return datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statement", "walks"),
    [
        ("select * from solves where id = 's'", False),
        ("select * from solves where comment_id = 1", True),
        ("select * from solves order by id", True),
        ("delete from solve_runs where status = 'failed'", True),
        ("update deliveries set attempt = 0 where event = 'ping'", True),
        ("select id from solves where status in ('pending', 'running')", False),
        ("select * from ai_models order by name", False),
        ("select * from web_sessions where user_id = 1", True),
        ("select * from web_sessions where digest = 'd' and expires_at > '2026-11-20 12:00:00'", False),
        ("delete from web_sessions where expires_at <= '2026-11-20 12:00:00'", False),
        ("delete from web_sessions where digest = 'd'", False),
    ],
)
def test_walking_through_a_table_is_noticed(database_url: str, statement: str, walks: bool) -> None:
    if database_url.startswith("postgresql"):
        problems = postgres_problems(database_url, {statement})
    else:
        problems = sqlite_problems(database_url, [(statement, ())])
    assert bool(problems) is walks


def test_a_partial_index_is_not_for_parameters(postgres_url: str, sqlite_url: str) -> None:
    """Why ACTIVE is literal."""
    assert postgres_problems(postgres_url, {"select id from solves where status in ($1, $2)"})
    assert sqlite_problems(sqlite_url, [("select id from solves where status in (?, ?)", ("pending", "running"))])


def test_what_a_receiver_asks_of_sqlite(sqlite_url: str) -> None:
    assert sqlite_problems(sqlite_url, [(heads.QUESTION.replace("%s", "?"), ("2026-11-20 12:00:00.000000",))]) == []


async def test_the_log_tells_what_the_inbox_asks(postgres: PostgresServer, postgres_url: str) -> None:
    start = postgres.log.stat().st_size
    inbox = await open_inbox(postgres_url, Noon())
    await inbox.put("a", "issues", b"{}")
    await inbox.waiting(1)
    await inbox.handed(["a"])
    await inbox.close()
    told = logged_statements(postgres, postgres_url, start)
    for beginning in ("insert into deliveries", "select guid", "update deliveries"):
        assert any(statement.startswith(beginning) for statement in told)


def test_what_the_inbox_asks_of_sqlite(sqlite_url: str) -> None:
    at = "2026-11-20 12:00:00.000000"
    row = ("a", "issues", "{}", at)
    asked = [(insert_sql(2), row * 2), (WAITING + "?", (1,)), (HANDED_SQLITE.format("?,?"), (at, "a", "b"))]
    asked.append((KNOWN_SQLITE.format("?,?"), ("a", "b")))
    assert sqlite_problems(sqlite_url, asked) == []
    source = Path(inspect.getfile(Inbox)).read_text()
    assert source.count("self._connection.execute_fetchall(") == len(asked), "a statement is not listed here"


@pytest.mark.parametrize(
    ("kind", "suites"),
    [
        (SqlStore, ("test_store.py", "test_fleet_store.py", "test_fleet.py")),
        (SqlLedger, ("test_ledger.py",)),
        (Inbox, ("test_inbox.py",)),
        (SqlViews, ("test_views.py",)),
        (SqlTokens, ("test_tokens.py", "test_together.py")),
        (SqlRequests, ("test_tokens.py",)),
        (SqlTurns, ("test_store.py",)),
        (SqlOutbox, ("test_outbox.py",)),
        (SqlWebSessions, ("test_web_sessions.py", "test_together.py")),
    ],
)
def test_every_method_is_called_where_plans_are_checked(kind: type, suites: tuple[str, ...]) -> None:
    texts = [(HERE / suite).read_text() for suite in suites]
    assert all('usefixtures("every_plan_is_checked")' in text for text in texts)
    text = "".join(texts)
    methods = [name for name, _ in inspect.getmembers(kind, inspect.iscoroutinefunction) if not name.startswith("_")]
    assert [name for name in methods if f".{name}(" not in text] == []


def test_every_table_is_known_to_the_check() -> None:
    """Few models, installations and repositories, few machines and workers at a time: read whole. All else grows."""
    few = {
        "ai_models",
        "installations",
        "sandbox_leases",
        "sandbox_images",
        "sandbox_providers",
        "prepared_workspaces",
        "known_environments",
        "vain_searches",
        "sandbox_instance",
        "turns",
    }
    assert set(metadata.tables) - set(GROWING) == few


def test_deleting_what_others_point_at_finds_them_by_index() -> None:
    """No plan shows what a database does for a foreign key."""
    deleted = ("solves", "solve_runs")
    for table in metadata.tables.values():
        beginnings = {next(iter(index.columns)).name for index in table.indexes}
        for key in table.foreign_keys:
            if key.column.table.name in deleted:
                assert key.parent.name in beginnings
