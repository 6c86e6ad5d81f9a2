"""A champion may wait until somebody approves of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0011"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("solves", Column("approval", sa.Text))
