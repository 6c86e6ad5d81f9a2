"""Lists that grow: what may be asked of them, and how a reader goes on where a page ends.

A cursor names the last row of a page, not its number, so that nothing is shown twice or left out when rows come and
go. It is text that readers give back as they got it; anything else is no cursor.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")

PAGE = 50
LARGEST_PAGE = 100
LONGEST_SEARCH = 100
LONGEST_CURSOR = 400


class State(StrEnum):
    """What people look for among solves."""

    ACTIVE = "active"  # waiting or running
    PUBLISHED = "published"  # it ended with a pull request
    NO_CHAMPION = "no-champion"  # it ended, and no candidate could be trusted
    FAILED = "failed"
    CANCELLED = "cancelled"
    MERGED = "merged"  # as it was, or after changes
    CLOSED = "closed"  # the pull request, without a merge
    REVERTED = "reverted"


@dataclass(frozen=True, slots=True)
class SolveFilter:
    """Empty or None: all. `search` is looked for in titles of issues, whatever its case."""

    repository: str = ""  # "owner/name"
    person: str = ""  # the login of who asked
    state: State | None = None
    search: str = ""
    since: datetime | None = None
    until: datetime | None = None


class UsageBy(StrEnum):
    """What dollars and hours are added up for."""

    DAY = "day"
    REPOSITORY = "repository"
    MODEL = "model"
    PERSON = "person"


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Of a row in a list that is sorted by time, the newest first; ids tell those of one moment apart."""

    at: datetime
    id: str


NEWEST = Position(datetime(9999, 1, 1, tzinfo=UTC), "")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`next`: the cursor of the page after this one; "" where this is the last."""

    items: tuple[T, ...]
    next: str = ""


def cursor(position: Position) -> str:
    text = f"{position.at.astimezone(UTC).isoformat()} {position.id}"
    return base64.urlsafe_b64encode(text.encode("utf-8", "replace")).decode().rstrip("=")


def read_cursor(text: str) -> Position | None:
    """None where it is no cursor of ours. "" is the beginning."""
    if not text:
        return NEWEST
    if len(text) > LONGEST_CURSOR or not text.isascii():
        return None
    try:
        at, _, id = (
            base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode().partition(" ")
        )
        moment = datetime.fromisoformat(at)
        return Position(moment.astimezone(UTC), id) if moment.tzinfo is not None and id else None
    except (binascii.Error, ValueError, OverflowError):
        return None


def page_of(items: Sequence[T], positions: Sequence[Position], size: int) -> Page[T]:
    """Of up to `size` + 1 rows: the one too many only says that there is another page."""
    if len(items) <= size:
        return Page(tuple(items))
    return Page(tuple(items[:size]), cursor(positions[size - 1]))
