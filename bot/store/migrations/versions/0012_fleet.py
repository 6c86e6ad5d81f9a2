"""Workers take turns, know what the status comments say, and can make each other's snapshots anew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table("turns", Column("name", sa.Text, primary_key=True), Column("turn", sa.Text, nullable=False))
    op.add_column("solves", Column("shown", sa.Text))
    op.add_column("solves", Column("set_up", sa.Text))
