"""Sandboxes that services lend: leases, images, how the services do, and the account of what was asked of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0002"
down_revision = "0001"

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "sandbox_leases",
        Column("key", sa.Text, primary_key=True),
        Column("sandbox_id", sa.Text, nullable=False, unique=True),
        Column("provider", sa.Text, nullable=False),
        Column("machine_id", sa.Text),
        Column("image_id", sa.Text),
        Column("is_networked", sa.Boolean, nullable=False),
        Column("asked_at", TIME, nullable=False),
        Column("expires_at", TIME, nullable=False),
    )
    op.create_table(
        "sandbox_images",
        Column("name", sa.Text, primary_key=True),
        Column("provider", sa.Text, nullable=False),
        Column("image_id", sa.Text, nullable=False),
        Column("taken_at", TIME, nullable=False),
    )
    op.create_table(
        "sandbox_providers",
        Column("name", sa.Text, primary_key=True),
        Column("failures", sa.Integer, nullable=False),
        Column("failing_since", TIME),
        Column("probe_at", TIME),
        Column("is_probing", sa.Boolean, nullable=False),
        Column("last_slot", TIME),
    )
    op.create_table(
        "sandbox_instance",
        Column("id", sa.Integer, primary_key=True, autoincrement=False),
        Column("name", sa.Text, nullable=False),
    )
    op.create_table(
        "prepared_workspaces",
        Column("repository_id", sa.BigInteger, primary_key=True, autoincrement=False),
        Column("key", sa.Text, nullable=False),
        Column("left_behind", sa.Text, nullable=False),
        Column("used_at", TIME, nullable=False),
    )
    _create_operations()


def _create_operations() -> None:
    """Anew: nothing has ever written to the table of that name in 0001."""
    op.drop_table("sandbox_operations")
    op.create_table(
        "sandbox_operations",
        Column("id", sa.Text, primary_key=True),
        Column("provider", sa.Text, nullable=False),
        Column("operation", sa.Text, nullable=False),
        Column("attempt", sa.Integer, nullable=False),
        Column("at", TIME, nullable=False),
        Column("latency_ms", sa.BigInteger, nullable=False),
        Column("outcome", sa.Text, nullable=False),
        Column("sandbox_id", sa.Text, nullable=False),
    )
    op.create_index("sandbox_operations_by_time", "sandbox_operations", ["at"])
