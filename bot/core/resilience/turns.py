"""Turns: of all workers that share a database one at a time does something, for as long as it gives signs of life.

Writes to GitHub take turns by installation, as it asks of integrators: "make requests serially", "pause between
mutative requests: at least one second", and no more than 80 creations of content in a minute. Chores that are for one
worker take turns as well. A turn that nobody prolongs is over after `TURN` seconds: its holder is dead, or stopped.

Every function takes what is on record and the database's time, and says what is to be on record, and how many seconds
to wait before asking again; none: it is the holder's turn.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

TURN = 30.0  # seconds
PROLONGED_EVERY = 10.0  # seconds
MOST_CREATIONS = 80  # in a minute, to one installation
_MINUTE = timedelta(minutes=1)
_LOOK = 0.25  # seconds between two looks whether somebody else is done
_LONGEST_PAUSE = timedelta(minutes=2)  # what is further away was written down by a clock that was wrong


@dataclass(frozen=True, slots=True)
class Turn:
    """`free_at`: when the pause after the last write is over. `created`: the latest creations of content."""

    holder: str = ""
    until: datetime | None = None
    free_at: datetime | None = None
    created: tuple[datetime, ...] = ()


NOBODYS = Turn()


@dataclass(frozen=True, slots=True)
class Wrote:
    """What a holder has done since it asked last. `pause`: seconds that nobody may write after it."""

    times: int = 0
    creations: int = 0
    pause: float = 0.0


NOTHING = Wrote()


def take(
    turn: Turn, holder: str, now: datetime, wrote: Wrote = NOTHING, *, seconds: float = TURN
) -> tuple[Turn, float]:
    """Take it, or prolong what one has. Whoever has it keeps it through its own pauses."""
    turn = _written(turn, now, wrote)
    if turn.holder not in ("", holder) and _is_ahead(turn.until, now, timedelta(seconds=seconds)):
        return turn, _LOOK
    if turn.holder != holder and (wait := _pause(turn, now)) > 0:
        return turn, wait
    taken = replace(turn, holder=holder, until=now + timedelta(seconds=seconds))
    return taken, _pause(turn, now)


def keep(turn: Turn, holder: str, now: datetime) -> tuple[Turn, float]:
    """Prolong it. A wait says that it is somebody else's."""
    if turn.holder != holder:
        return turn, _LOOK
    return replace(turn, until=now + timedelta(seconds=TURN)), 0.0


def leave(turn: Turn, holder: str, now: datetime, wrote: Wrote = NOTHING) -> tuple[Turn, float]:
    """What was written counts, whoever has the turn by now."""
    turn = _written(turn, now, wrote)
    return (replace(turn, holder="", until=None) if turn.holder == holder else turn), 0.0


def _written(turn: Turn, now: datetime, wrote: Wrote) -> Turn:
    if not wrote.times:
        return turn
    created = (*turn.created, *(now for _ in range(min(wrote.creations, MOST_CREATIONS))))
    return replace(turn, free_at=now + timedelta(seconds=wrote.pause), created=created[-MOST_CREATIONS:])


def _pause(turn: Turn, now: datetime) -> float:
    """Seconds."""
    free = [turn.free_at] if turn.free_at and _is_ahead(turn.free_at, now, _LONGEST_PAUSE) else []
    lately = [moment for moment in turn.created if now - _MINUTE < moment <= now]
    if len(lately) >= MOST_CREATIONS:
        free.append(min(lately) + _MINUTE)
    return max(((moment - now).total_seconds() for moment in free), default=0.0)


def _is_ahead(moment: datetime | None, now: datetime, most: timedelta) -> bool:
    """And no further than it can be."""
    return moment is not None and now < moment <= now + most
