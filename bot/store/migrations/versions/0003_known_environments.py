"""The plan that held for a repository, so that its next solve does not search."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "known_environments",
        Column("repository_id", sa.BigInteger, primary_key=True, autoincrement=False),
        Column("key", sa.Text, nullable=False),
        Column("toolchain", sa.Text, nullable=False),
        Column("found_at", sa.DateTime(timezone=True), nullable=False),
    )
