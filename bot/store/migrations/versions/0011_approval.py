"""A champion may wait until somebody approves of it; several solves may be asked for by one comment.

Pull requests know of each other, and why nobody wanted them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("solves", Column("approval", sa.Text))
    op.add_column("solves", Column("batch", sa.Text))
    op.add_column("solves", Column("overlaps", sa.Text))
    op.add_column("solves", Column("fate_why", sa.Text))
    op.create_table(
        "batches",
        Column("id", sa.Text, primary_key=True),
        Column("batch", sa.Text, nullable=False),
        Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("batches_by_time", "batches", ["created_at"])
