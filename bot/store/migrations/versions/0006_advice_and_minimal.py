"""What models wrote and said that have no candidate of their own, what is left of a champion, what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("solves", Column("issue_tests", sa.Text))
    op.add_column("solves", Column("compared", sa.Text))
    op.add_column("solves", Column("minimal", sa.Text))
    op.add_column("solves", Column("fate", sa.Text))
    op.add_column("solves", Column("fate_at", sa.DateTime(timezone=True)))
    op.create_index("solves_by_fate", "solves", ["fate_at"])
    op.create_index("solves_by_pull", "solves", ["repository_id", "pr_number", "created_at"])
