"""What is to be told to the operator's own address, and how often that was tried."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0014"
down_revision = "0013"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "outbox",
        Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        Column("tries", sa.Integer, nullable=False),
        Column("due_at", TIME),
        Column("ended_at", TIME),
        Column("problem", sa.Text, nullable=False),
    )
    op.create_index("outbox_by_due", "outbox", ["due_at"])
    op.create_index("outbox_by_end", "outbox", ["ended_at"])
