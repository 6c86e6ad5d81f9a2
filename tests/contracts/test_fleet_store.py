"""What workers of one database know from each other, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.core.model import Fate, SetUp, Sha, SolveId, Status, Toolchain
from bot.store.store import SqlStore, opened
from tests.contracts.test_store import EXPERIMENTS, FIRST, LIMITS, NOON, PULL, REPO, SOLVE

pytestmark = pytest.mark.usefixtures("every_plan_is_checked")

HOUR = timedelta(hours=1)
HOW = SetUp(Sha("a" * 40), "main", Toolchain(("pip install .",), "pytest", "detected"), "d1", "t1")


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[SqlStore]:
    async with opened(database_url) as store:
        await store.accept(SOLVE)
        yield store


async def test_how_a_snapshot_was_made(store: SqlStore) -> None:
    assert await store.how_set_up(SOLVE.id) is None
    await store.set_up(SOLVE.id, HOW)
    await store.set_up(SolveId("nobody's"), HOW)
    assert await store.how_set_up(SOLVE.id) == HOW
    assert await store.how_set_up(SolveId("nobody's")) is None


async def test_who_has_many_runs_under_way(store: SqlStore) -> None:
    assert await store.runs_ahead(REPO.installation) == 0
    await store.planned(SOLVE.id, EXPERIMENTS, LIMITS)
    assert await store.runs_ahead(REPO.installation) == 2
    assert await store.runs_ahead(REPO.installation + 1) == 0
    assert (await store.tally(NOON)).queued_since is not None
    await store.run_ended(FIRST, Status.COMPLETED, at=NOON, exit_status=None)
    assert await store.runs_ahead(REPO.installation) == 1
    await store.ended(SOLVE.id, Status.CANCELLED, at=NOON)
    assert await store.runs_ahead(REPO.installation) == 0
    assert (await store.tally(NOON)).queued_since is None


async def test_what_the_comment_says(store: SqlStore) -> None:
    assert await store.shown(SOLVE.id) == ""
    await store.showing(SOLVE.id, "digest")
    assert await store.shown(SOLVE.id) == "digest"


async def test_who_ended_lately_and_whose_pull_request_nobody_decided(store: SqlStore) -> None:
    assert await store.lately_ended(since=NOON) == []
    await store.published(SOLVE.id, PULL)
    assert await store.undecided(since=NOON) == [], "it is still going on"
    await store.ended(SOLVE.id, Status.COMPLETED, at=NOON)
    assert [facts.id for facts in await store.lately_ended(since=NOON)] == [SOLVE.id]
    assert [facts.id for facts in await store.undecided(since=NOON)] == [SOLVE.id]
    assert await store.lately_ended(since=NOON + HOUR) == await store.undecided(since=NOON + HOUR) == []
    await store.became(SOLVE.id, Fate.CLOSED, NOON)
    assert await store.undecided(since=NOON) == []
