"""What was seen of an open pull request of ours since it was published: its checks, its base branch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.core.ids import Sha


@dataclass(frozen=True, slots=True)
class PullWatch:
    """`checks` and `moved` are sentences for people; "" where there is nothing to say.

    `lacks`: what of the App's permissions is missing for all of this, for people.
    """

    checks: str = ""
    moved: str = ""
    lacks: str = ""
    head: Sha | None = None  # the commit by which we merged the base branch in
    updated_at: datetime | None = None  # when the base branch was last merged in by ourselves
