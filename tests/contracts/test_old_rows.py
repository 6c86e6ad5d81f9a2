"""What an older version wrote into rows is read as what it meant then."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from bot.core.trigger.pull_watch import PullWatch
from bot.store.store import SqlStore, opened
from bot.store.tables import solves
from tests.contracts.test_store import NOON, SOLVE


@pytest.mark.parametrize(
    ("column", "written", "read"),
    [
        ("watch", '{"checks":"It fails.","moved":"","check_run":7,"lacks":""}', PullWatch(checks="It fails.")),
        ("watch", '{"check_run":null,"updated_at":"2026-11-20T12:00:00.123456Z"}', PullWatch(updated_at=NOON)),
        ("watch", None, PullWatch()),
    ],
)
async def test_a_field_that_is_gone_harms_nobody(
    database_url: str, column: str, written: str | None, read: object
) -> None:
    async with opened(database_url) as store:
        await store.accept(SOLVE)
        write(database_url, column, written)
        assert getattr(await facts(store), column) == read


def write(url: str, column: str, text: str | None) -> None:
    engine = sa.create_engine(url)
    with engine.begin() as db:
        change = sa.text(f"update {solves.name} set {column} = :text where id = :id")
        db.execute(change, {"text": text, "id": SOLVE.id})
    engine.dispose()


async def facts(store: SqlStore) -> object:
    found = await store.facts(SOLVE.id)
    assert found is not None
    return found
