"""Commits that we pushed are found by their name, as checks speak of them; and what was seen of a pull request."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Column

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("solves", Column("head_sha", sa.Text))
    op.add_column("solves", Column("watch", sa.Text))
    op.create_index("solves_by_head", "solves", ["repository_id", "head_sha"])
    solves = sa.table("solves", Column("id", sa.Text), Column("pull_request", sa.Text), Column("head_sha", sa.Text))
    db = op.get_bind()
    published = sa.select(solves.c.id, solves.c.pull_request).where(solves.c.pull_request.is_not(None))
    for id, pull in db.execute(published).all():
        head = json.loads(pull).get("head_sha")
        db.execute(sa.update(solves).where(solves.c.id == id).values(head_sha=head))
