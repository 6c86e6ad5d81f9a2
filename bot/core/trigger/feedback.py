"""What reviewers say about a pull request: conversations on lines of its diff, and what a review asks for.

The same values as GitHub tells them and as they are frozen into a task (`core/trigger/revising.py`), cleaned then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Said:
    """One comment of a thread. `may_ask` and `rank` are known only once it is frozen."""

    id: int
    author: str
    body: str
    at: datetime
    is_bot: bool = False
    edited_at: datetime | None = None
    review: int | None = None  # that it came with
    may_ask: bool = False
    rank: int = 0  # of the permission that its author has, the higher the more


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation that nobody has resolved. `line`: in the file as it is now; None: the line is no longer there."""

    id: str  # GitHub's, for resolving it
    path: str
    line: int | None
    hunk: str  # of the diff, up to the line it is about
    said: tuple[Said, ...]
    start: int | None = None  # where it is about several lines, the first; `line` is the last

    @property
    def first(self) -> int:
        """The comment that replies are made to."""
        return self.said[0].id


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a revision is to answer, frozen."""

    pull: int
    by: str
    text: str  # of the review or the comment that asks
    threads: tuple[Thread, ...] = ()
    own_tests: tuple[str, ...] = ()  # test files that the pull request brings, which a revision may change
