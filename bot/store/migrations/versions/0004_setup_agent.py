"""What an agent did to find the environment of a solve, and what it cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("solves", Column("setup_agent", sa.Text))
