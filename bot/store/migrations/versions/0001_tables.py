"""The first tables: solves and their runs, the catalogue, who and where, deliveries, and what was done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0001"
down_revision = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_people_and_places()
    _create_solves()
    _create_runs()
    _create_logs()
    # The two tables point at each other. SQLite cannot add a constraint: there, batch mode builds the table anew.
    with op.batch_alter_table("solves") as solves:
        solves.create_foreign_key("solves_champion", "solve_runs", ["champion_run_id"], ["id"], ondelete="SET NULL")
    _create_indexes()


def _create_people_and_places() -> None:
    op.create_table(
        "users",
        Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        Column("login", sa.Text, nullable=False),
        Column("is_bot", sa.Boolean, nullable=False),
        Column("updated_at", TIME, nullable=False),
    )
    op.create_table(
        "installations",
        Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        Column("account", sa.Text, nullable=False),
        Column("is_suspended", sa.Boolean, nullable=False),
        Column("removed_at", TIME),
        Column("updated_at", TIME, nullable=False),
    )
    op.create_table(
        "repositories",
        Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        Column("installation_id", sa.BigInteger, nullable=False),
        Column("name", sa.Text, nullable=False),
        Column("is_archived", sa.Boolean, nullable=False),
        Column("is_deleted", sa.Boolean, nullable=False),
    )
    op.create_table(
        "ai_models",
        Column("id", sa.Text, primary_key=True),
        Column("name", sa.Text, nullable=False, unique=True),
        Column("provider", sa.Text, nullable=False),
        Column("model_id", sa.Text, nullable=False),
        Column("config", sa.Text, nullable=False),
        Column("is_active", sa.Boolean, nullable=False),
        Column("created_at", TIME, nullable=False),
        Column("updated_at", TIME, nullable=False),
    )


def _create_solves() -> None:
    op.create_table(
        "solves",
        Column("id", sa.Text, primary_key=True),
        Column("user_id", sa.BigInteger, sa.ForeignKey("users.id"), nullable=False),
        Column("repository_id", sa.BigInteger, sa.ForeignKey("repositories.id"), nullable=False),
        Column("repo_url", sa.Text, nullable=False),
        Column("issue_number", sa.Integer, nullable=False),
        Column("issue_title", sa.Text, nullable=False),
        Column("issue_body", sa.Text, nullable=False),
        Column("trigger", sa.Text, nullable=False),
        Column("requested_by", sa.Text, nullable=False),
        Column("options", sa.Text, nullable=False),
        Column("status", sa.Text, nullable=False),
        Column("base_branch", sa.Text),
        Column("base_sha", sa.Text),
        Column("task", sa.Text),
        Column("toolchain", sa.Text),
        Column("matrix", sa.Text),
        Column("limits", sa.Text),
        Column("baseline", sa.Text),
        Column("decision", sa.Text),
        Column("champion_run_id", sa.Text),
        Column("comment_id", sa.BigInteger),
        Column("pull_request", sa.Text),
        Column("pr_number", sa.Integer),
        Column("pr_url", sa.Text),
        Column("cost", sa.Float),
        Column("error_message", sa.Text, nullable=False),
        Column("incident", sa.Text, nullable=False),
        Column("ended_by", sa.Text, nullable=False),
        Column("notes", sa.Text, nullable=False),
        Column("created_at", TIME, nullable=False),
        Column("started_at", TIME),
        Column("completed_at", TIME),
        Column("updated_at", TIME, nullable=False),
    )


def _create_runs() -> None:
    op.create_table(
        "solve_runs",
        Column("id", sa.Text, primary_key=True),
        Column("solve_id", sa.Text, sa.ForeignKey("solves.id", ondelete="CASCADE"), nullable=False),
        Column("position", sa.Integer, nullable=False),
        Column("model", sa.Text, nullable=False),
        Column("temperature", sa.Float),
        Column("max_edits", sa.Integer, nullable=False),
        Column("evolution", sa.Text, nullable=False),
        Column("status", sa.Text, nullable=False),
        Column("sandbox_id", sa.Text),
        Column("steps", sa.Integer, nullable=False),
        Column("cost", sa.Float, nullable=False),
        Column("tokens", sa.BigInteger, nullable=False),
        Column("input_tokens", sa.BigInteger, nullable=False),
        Column("output_tokens", sa.BigInteger, nullable=False),
        Column("cached_tokens", sa.BigInteger, nullable=False),
        Column("latency_ms", sa.BigInteger, nullable=False),
        Column("diagnostics", sa.Text),
        Column("exit_status", sa.Text),
        Column("error_message", sa.Text, nullable=False),
        Column("logs_url", sa.Text),
        Column("pr_url", sa.Text),
        Column("patch", sa.Text),
        Column("candidate", sa.Text),
        Column("loc_changed", sa.Integer),
        Column("files_changed", sa.Integer),
        Column("evidence", sa.Text),
        Column("tests_passed", sa.Boolean),
        Column("trajectory", sa.LargeBinary),
        Column("created_at", TIME, nullable=False),
        Column("started_at", TIME),
        Column("completed_at", TIME),
        Column("updated_at", TIME, nullable=False),
    )


def _create_logs() -> None:
    op.create_table(
        "deliveries",
        Column("guid", sa.Text, primary_key=True),
        Column("event", sa.Text, nullable=False),
        Column("record", sa.Text, nullable=False),
        Column("received_at", TIME, nullable=False),
        Column("handed_at", TIME),
        Column("attempt", sa.Integer, nullable=False),
    )
    op.create_table(
        "audit_log",
        Column("id", sa.Text, primary_key=True),
        Column("at", TIME, nullable=False),
        Column("actor", sa.Text, nullable=False),
        Column("action", sa.Text, nullable=False),
        Column("subject", sa.Text, nullable=False),
        Column("detail", sa.Text, nullable=False),
    )
    op.create_table(
        "sandbox_operations",
        Column("id", sa.Text, primary_key=True),
        Column("sandbox_id", sa.Text, nullable=False),
        Column("operation", sa.Text, nullable=False),
        Column("at", TIME, nullable=False),
        Column("latency_ms", sa.BigInteger),
        Column("error_message", sa.Text, nullable=False),
    )


def _create_indexes() -> None:
    op.create_index("repositories_by_installation", "repositories", ["installation_id"])
    op.create_index("solves_by_issue", "solves", ["repository_id", "issue_number", "created_at"])
    op.create_index("solves_by_end", "solves", ["completed_at"])
    op.create_index("solves_by_champion", "solves", ["champion_run_id"])
    _create_partial_index(
        "one_active_solve_per_issue",
        "solves",
        ["repository_id", "issue_number"],
        "status IN ('pending', 'running')",
        unique=True,
    )
    op.create_index("runs_by_solve", "solve_runs", ["solve_id", "position"], unique=True)
    _create_partial_index("deliveries_waiting", "deliveries", ["received_at"], "handed_at IS NULL")
    _create_partial_index("deliveries_handed", "deliveries", ["handed_at"], "handed_at IS NOT NULL")
    op.create_index("audit_by_time", "audit_log", ["at"])
    op.create_index("sandbox_operations_by_time", "sandbox_operations", ["at"])


def _create_partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    rows = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=rows, postgresql_where=rows)
