"""The tests that judged every candidate of a solve and how each did, and what each does with the same inputs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("solves", Column("pool", sa.Text))
    op.add_column("solves", Column("probed", sa.Text))
