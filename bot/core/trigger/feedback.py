"""What is said about a pull request: conversations on lines of its diff, what a review asks for, checks that fail.

The same values as GitHub tells them and as they are frozen into a task (`core/trigger/revising.py`), cleaned then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.core.ids import Sha


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
    altered: bool = False  # what it suggests is not what its author wrote: cleaning left out a part of it


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation that nobody has resolved. `line`: in the file as it is now; None: it, or the first of several,
    is no longer there."""

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
class FailedCheck:
    """A check that a repair is about, frozen. `log`: its end, cleaned; `unread`: why there is none, for people.

    `seen`: what of it our own results agree with or contradict, a sentence each.
    """

    name: str
    said: str = ""
    log: str = ""
    url: str = ""
    unread: str = ""
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Onto:
    """Of a change that is made anew, because the base branch has moved on and conflicts with it.

    The task's base is the base branch; `branch` and `head` are the pull request's, `before` the change as it was.
    """

    branch: str
    head: Sha
    before: str


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a revision is to answer, frozen."""

    pull: int
    by: str
    text: str  # of the review or the comment that asks
    threads: tuple[Thread, ...] = ()
    own_tests: tuple[str, ...] = ()  # test files that the pull request brings, which a revision may change
    checks: tuple[FailedCheck, ...] = ()  # of a repair
    onto: Onto | None = None
