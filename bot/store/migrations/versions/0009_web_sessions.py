"""Who is signed in on the pages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0009"
down_revision = "0008"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "web_sessions",
        Column("digest", sa.Text, primary_key=True),
        Column("user_id", sa.BigInteger, nullable=False),
        Column("login", sa.Text, nullable=False),
        Column("created_at", TIME, nullable=False),
        Column("expires_at", TIME, nullable=False),
    )
    op.create_index("web_sessions_by_end", "web_sessions", ["expires_at"])
