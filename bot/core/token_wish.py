"""An access token that somebody wants: what it is for, what it may be used for, and how long."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.core.access import AccessToken, Scope
from bot.core.text.cleaning import visible

MOST_DAYS = 366
USUAL_DAYS = 90
LONGEST_NAME = 100
MOST_VALID = 20  # of one person at a time


@dataclass(frozen=True, slots=True)
class TokenWish:
    name: str
    scopes: frozenset[Scope]
    days: int


@dataclass(frozen=True, slots=True)
class BadWish:
    """`why`: in a sentence, with what to do."""

    why: str


def read_wish(
    name: str, scopes: Iterable[str], days: str, *, is_admin: bool, owned: Sequence[AccessToken], now: datetime
) -> TokenWish | BadWish:
    """A name that tells it from others, a scope at least, and an end: nobody has more than 20 that are valid.

    The scope `operate` is for administrators: for others it would do nothing.
    """
    called = " ".join(visible(name[: 2 * LONGEST_NAME]).split())
    wanted = frozenset(scope for scope in Scope if scope.value in set(scopes))
    length = int(days) if days.isascii() and days.isdigit() and len(days) <= 3 else 0
    valid = sum(token.is_valid(now) for token in owned)
    if not called or len(called) > LONGEST_NAME:
        return BadWish(f"Say in 1 to {LONGEST_NAME} characters what the token is for, so that you know it later.")
    if not wanted:
        return BadWish("Choose what the token may be used for.")
    if Scope.OPERATE in wanted and not is_admin:
        return BadWish("The scope operate is for administrators of this bot.")
    if not 1 <= length <= MOST_DAYS:
        return BadWish(f"A token lasts 1 to {MOST_DAYS} days.")
    if valid >= MOST_VALID:
        return BadWish(f"You have {valid} tokens that are valid. Revoke one that you do not need.")
    return TokenWish(called, wanted, length)
