"""When a request to GitHub may be sent again, and after how long: the whole policy, as one pure function.

The rules are GitHub's own ("Rate limits for the REST API", "Best practices for using the REST API") and, where those
are silent, what octokit's throttling plugin does.

Libraries such as stamina or tenacity repeat a call; here it is decided whether it may be repeated at all, by method,
status and headers. The loop around that is a few lines of github/client.py.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MOST_ATTEMPTS = 4
LONGEST_WAIT = 60.0  # seconds that a caller sleeps; longer is for the durable engine, which survives a restart

_IDEMPOTENT = frozenset({"GET", "PUT", "PATCH", "DELETE"})
_REFUSED_AS_STRANGER = frozenset({401, 404})
_FRESH_TOKEN_WAITS = (0.5, 1.5, 3.0)  # 5 s in all: a new token takes that long to reach all of GitHub
_FAILURE_WAITS = (0.5, 1.0, 2.0)
_UNEXPLAINED_LIMIT = 60.0  # "wait for at least one minute", and longer each time


@dataclass(frozen=True, slots=True)
class Failed:
    """A request that did not end well."""

    method: str
    status: int | None  # None: no answer came (connection, timeout)
    headers: Mapping[str, str]  # names in lower case
    attempt: int  # 1 for the first
    now: datetime
    message: str = ""  # what GitHub said about it
    repeatable: bool = False  # twice is as good as once, though the method alone does not say so
    fresh: bool = False  # sent with a token that is seconds old and has not worked yet


@dataclass(frozen=True, slots=True)
class Wait:
    """Send it again after so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """`retry_after` is set when a limit is in the way and it is known, in seconds, when it ends."""

    retry_after: float | None = None


def next_move(failed: Failed) -> Wait | GiveUp:
    """What to do about a failed request.

    - A rate limit: nothing was done, so whatever the method, wait as long as GitHub says and try again; give up with
      the time when that is more than `LONGEST_WAIT`.
    - 401 or 404 with a fresh token: nothing was done, and the token may only not be known everywhere yet; wait.
    - 5xx, or no answer: it may have been done. Send it again when twice is as good as once, which for POST only
      the caller knows.
    - Anything else is an answer. Nothing is sent more than `MOST_ATTEMPTS` times.
    """
    if is_rate_limit(failed):
        return _within_patience(failed, _limit_wait(failed))
    if failed.fresh and failed.status in _REFUSED_AS_STRANGER:
        return _next_of(_FRESH_TOKEN_WAITS, failed.attempt)
    if (failed.status is None or failed.status >= 500) and (failed.repeatable or failed.method in _IDEMPOTENT):
        asked_for = retry_after(failed.headers.get("retry-after"), failed.now)
        if asked_for is not None:
            return _within_patience(failed, asked_for)
        return _next_of(_FAILURE_WAITS, failed.attempt)
    return GiveUp()


def is_rate_limit(failed: Failed) -> bool:
    """429; or 403 with one of the three signs that it is about how often, not about who."""
    if failed.status != 403:
        return failed.status == 429
    return (
        "retry-after" in failed.headers
        or failed.headers.get("x-ratelimit-remaining") == "0"
        or re.search(r"secondary rate", failed.message, re.IGNORECASE) is not None
    )


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header: a number, a fraction or an HTTP date. None when there is none, or rubbish."""
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until_http_date(value, now)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _until_http_date(value: str, now: datetime) -> float:
    try:
        date = parsedate_to_datetime(value)
        return ((date if date.tzinfo else date.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, OverflowError, LookupError):
        return math.nan


def _limit_wait(failed: Failed) -> float:
    asked_for = retry_after(failed.headers.get("retry-after"), failed.now)
    if asked_for is not None:
        return asked_for
    if failed.headers.get("x-ratelimit-remaining") == "0":
        reset = retry_after(failed.headers.get("x-ratelimit-reset"), failed.now)
        if reset is not None:
            return max(0.0, reset - failed.now.timestamp()) + 1.0  # their clock counts whole seconds
    return _UNEXPLAINED_LIMIT * 2.0 ** (failed.attempt - 1)


def _within_patience(failed: Failed, seconds: float) -> Wait | GiveUp:
    if seconds > LONGEST_WAIT or failed.attempt >= MOST_ATTEMPTS:
        return GiveUp(seconds)
    return Wait(seconds)


def _next_of(waits: tuple[float, ...], attempt: int) -> Wait | GiveUp:
    return Wait(waits[attempt - 1]) if attempt <= len(waits) else GiveUp()
