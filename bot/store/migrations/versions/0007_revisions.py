"""A revision of a pull request is a solve like any other, that says whose it revises and what was asked."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("solves", Column("revises", sa.Text))
    op.add_column("solves", Column("asked", sa.Text))
    op.create_index("solves_by_original", "solves", ["revises", "created_at"])
