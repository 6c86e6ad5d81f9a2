"""What people do with a pull request is written down, and takes nothing away that we knew of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.model import Fate, Sha, Status
from bot.core.trigger.events import PullRequestChanged
from bot.core.trigger.pull_watch import PullWatch
from bot.outcomes import Fates
from bot.store.store import opened
from tests.contracts.test_store import NOON, PULL, REPO, SOLVE


@pytest.mark.parametrize(
    ("merged", "days", "fate"),
    [
        (True, 29.9, Fate.REVERTED),
        (True, 30.1, Fate.MERGED),
        (False, 30.1, Fate.REVERTED),  # that it was merged nobody has told us yet
    ],
)
async def test_what_is_taken_back_within_30_days_is_recorded(
    database_url: str, merged: bool, days: float, fate: Fate
) -> None:
    async with opened(database_url) as store:
        await store.accept(SOLVE)
        await store.published(SOLVE.id, PULL)
        await store.ended(SOLVE.id, Status.COMPLETED, at=NOON)
        if merged:
            await store.became(SOLVE.id, Fate.MERGED, NOON)
        fates = Fates(store)
        await fates.taken_back(REPO.id, PULL.number, NOON + timedelta(days=days))
        assert (await fates.taken_back(REPO.id + 1, PULL.number, NOON)).solve is None
        found = await store.facts(SOLVE.id)
        assert found is not None
        assert found.fate is fate


async def test_a_commit_by_which_we_merged_the_base_stays_known(database_url: str) -> None:
    merge = Sha("e" * 40)
    async with opened(database_url) as store:
        await store.accept(SOLVE)
        await store.published(SOLVE.id, PULL)
        await store.ended(SOLVE.id, Status.COMPLETED, at=NOON)
        await store.watched(SOLVE.id, PullWatch(moved="main was merged in.", head=merge, updated_at=NOON))
        drafted = PullRequestChanged(
            REPO,
            PULL.number,
            draft=not PULL.draft,
            branch=PULL.branch,
            base="main",
            base_before="",
            by=SOLVE.trigger.by,
        )
        await Fates(store).followed(drafted)
        found = await store.with_head(REPO.id, merge)
        assert found is not None
        assert found.pull_request is not None
        assert found.pull_request.draft is not PULL.draft
        assert found.watch.head == merge
