"""The tables of sandboxes that services lend us; store/ledger.py reads and writes them."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table
from sqlalchemy.types import BigInteger, Boolean, Integer, Text

from bot.core.resilience.sandbox_leases import Outcome
from bot.store.columns import Utc, Word
from bot.store.tables import metadata

sandbox_leases = Table(
    "sandbox_leases",
    metadata,
    Column("key", Text, primary_key=True),
    Column("sandbox_id", Text, nullable=False, unique=True),  # ours
    Column("provider", Text, nullable=False),
    Column("machine_id", Text),  # the service's
    Column("image_id", Text),
    Column("is_networked", Boolean, nullable=False),
    Column("asked_at", Utc, nullable=False),
    Column("expires_at", Utc, nullable=False),
)

sandbox_instance = Table(
    "sandbox_instance",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # 1: there is one row
    Column("name", Text, nullable=False),
)

sandbox_images = Table(
    "sandbox_images",
    metadata,
    Column("name", Text, primary_key=True),  # ours
    Column("provider", Text, nullable=False),
    Column("image_id", Text, nullable=False),  # the service's
    Column("taken_at", Utc, nullable=False),
)

sandbox_providers = Table(
    "sandbox_providers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("failures", Integer, nullable=False),  # in a row
    Column("failing_since", Utc),
    Column("probe_at", Utc),
    Column("is_probing", Boolean, nullable=False),
    Column("last_slot", Utc),  # the latest moment that was given to somebody for creating a machine
)

sandbox_operations = Table(
    "sandbox_operations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("provider", Text, nullable=False),
    Column("operation", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    Column("latency_ms", BigInteger, nullable=False),
    Column("outcome", Word(Outcome), nullable=False),
    Column("sandbox_id", Text, nullable=False),
    Index("sandbox_operations_by_time", "at"),
)
