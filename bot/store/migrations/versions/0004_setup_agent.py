"""What an agent did to find the environment of a solve, what it cost, and where one has looked in vain."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("solves", Column("setup_agent", sa.Text))
    op.create_table(
        "vain_searches",
        Column("repository_id", sa.BigInteger, primary_key=True, autoincrement=False),
        Column("key", sa.Text, nullable=False),
        Column("at", sa.DateTime(timezone=True), nullable=False),
    )
