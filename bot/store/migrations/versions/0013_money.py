"""What a solve may cost at most is set aside when it is accepted, out of what may be spent in a day and a month."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("solves", Column("reserved", sa.Float))
    op.create_index("solves_by_acceptance", "solves", ["created_at"])
