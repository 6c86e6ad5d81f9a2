"""The tests that judged every candidate of a solve, and how each did."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("solves", Column("pool", sa.Text))
