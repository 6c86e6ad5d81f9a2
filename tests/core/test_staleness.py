"""When a base branch that goes on is told of, and when it is merged in by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.model import Sha, SolveFacts, Update
from bot.core.render.updates import conflicts, merged, moved_on
from bot.core.trigger.pull_watch import PullWatch
from bot.core.trigger.staleness import is_due, week_of, what_moved
from tests.core.facts import NOW, decided

DAY = timedelta(days=1)


def opened(*, ended: datetime | None = NOW, updated: datetime | None = None) -> SolveFacts:
    return replace(decided(), completed_at=ended, watch=PullWatch(updated_at=updated))


@pytest.mark.parametrize(
    ("update", "facts", "after", "due"),
    [
        (Update.WEEKLY, opened(), 7 * DAY, True),
        (Update.WEEKLY, opened(), 6 * DAY, False),
        (Update.NEVER, opened(), 70 * DAY, False),
        (Update.WEEKLY, opened(updated=NOW + 5 * DAY), 11 * DAY, False),
        (Update.WEEKLY, opened(updated=NOW + 5 * DAY), 12 * DAY, True),
        (Update.WEEKLY, opened(ended=None), 70 * DAY, False),
    ],
)
def test_once_a_week_and_only_where_it_is_wanted(
    update: Update, facts: SolveFacts, after: timedelta, due: bool
) -> None:
    assert is_due(update, facts, NOW + after) is due


def test_a_week_has_one_name() -> None:
    assert week_of(datetime(2026, 11, 23, tzinfo=UTC)) == week_of(datetime(2026, 11, 29, 23, tzinfo=UTC)) == "w2026-48"
    assert week_of(datetime(2026, 11, 30, tzinfo=UTC)) == "w2026-49"
    assert week_of(datetime(2027, 1, 1, tzinfo=UTC)) == "w2026-53"


WAS_MERGED = merged("main", Sha("c" * 40))


@pytest.mark.parametrize(
    ("said", "missing", "then"),
    [
        ("", 0, ""),
        ("", 3, moved_on("main")),
        (moved_on("main"), 9, moved_on("main")),
        (moved_on("main"), 0, ""),
        (conflicts("main"), 9, conflicts("main")),
        (conflicts("main"), 0, ""),
        (WAS_MERGED, 0, WAS_MERGED),
        (WAS_MERGED, 1, moved_on("main")),
        (moved_on("old"), 1, moved_on("main")),  # it has another base branch now
    ],
)
def test_what_is_said_of_the_base_branch(said: str, missing: int, then: str) -> None:
    assert what_moved(said, "main", missing) == then
