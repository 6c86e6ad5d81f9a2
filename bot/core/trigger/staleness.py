"""The base branch of an open pull request of ours goes on: is that said, and is it time to merge it in?"""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.core.model import SolveFacts, Update
from bot.core.render import updates

WEEK = timedelta(days=7)


def is_due(update: Update, facts: SolveFacts, now: datetime) -> bool:
    """Once a week where the repository wants it, counted from when the branch last held all of its base by our doing.

    `facts`: of the solve that opened the pull request, whose base branch holds what it does not.
    """
    last = facts.watch.updated_at or facts.completed_at
    return update is Update.WEEKLY and last is not None and now - last >= WEEK


def week_of(now: datetime) -> str:
    """What is asked for in the same week is the same."""
    year, week, _ = now.isocalendar()
    return f"w{year}-{week:02d}"


def what_moved(said: str, base: str, missing: int) -> str:
    """The sentence for the pull request. `said`: the one that is there; `missing`: commits that it does not hold.

    It counts nothing and has no date, so that it changes only when there is something new to say.
    """
    stale = (updates.moved_on(base), updates.conflicts(base))
    if not missing:
        return "" if said in stale else said
    return said if said in stale else updates.moved_on(base)
