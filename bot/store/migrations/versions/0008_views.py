"""What the API and pages need: lists by time, events to follow, access tokens, requests and their answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0008"
down_revision = "0007"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_index("solves_by_time", "solves", ["created_at", "id"])
    op.create_index("solves_by_repository", "solves", ["repository_id", "created_at", "id"])
    op.create_index("solves_by_person", "solves", ["requested_by", "created_at", "id"])
    op.create_index("repositories_by_name", "repositories", ["name"])
    op.create_index("deliveries_by_time", "deliveries", ["received_at", "guid"])
    op.create_table(
        "events",
        Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("solve_id", sa.Text, sa.ForeignKey("solves.id", ondelete="CASCADE"), nullable=False),
        Column("kind", sa.Text, nullable=False),
        Column("run", sa.Integer, nullable=False),
        Column("data", sa.Text, nullable=False),
        Column("at", TIME, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("events_by_solve", "events", ["solve_id", "seq"])
    op.create_table(
        "access_tokens",
        Column("id", sa.Text, primary_key=True),
        Column("digest", sa.Text, nullable=False),
        Column("name", sa.Text, nullable=False),
        Column("user_id", sa.BigInteger, nullable=False),
        Column("login", sa.Text, nullable=False),
        Column("scopes", sa.Text, nullable=False),
        Column("created_at", TIME, nullable=False),
        Column("expires_at", TIME, nullable=False),
        Column("revoked_at", TIME),
        Column("last_used_at", TIME),
    )
    op.create_index("access_tokens_by_owner", "access_tokens", ["user_id", "created_at"])
    op.create_table(
        "api_requests",
        Column("id", sa.Text, primary_key=True),
        Column("digest", sa.Text, nullable=False),
        Column("user_id", sa.BigInteger, nullable=False),
        Column("repository_id", sa.BigInteger, nullable=False),
        Column("asked_at", TIME, nullable=False),
        Column("answered_at", TIME),
        Column("solve_id", sa.Text),
        Column("refused", sa.Boolean),
        Column("answer", sa.Text),
    )
    op.create_index("api_requests_by_time", "api_requests", ["asked_at"])
