"""What is told to the operator's own address when a solve goes on, and when a telling that failed is tried again."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from bot.core.views import EventKind, SolveEvent, SolveSummary

TOLD = (EventKind.STARTED, EventKind.DECIDED, EventKind.PUBLISHED, EventKind.ENDED)
FIRST_WAIT = timedelta(seconds=30)
FACTOR = 4
MOST_TRIES = 8  # over about a day
MOST_WAIT = timedelta(hours=12)


def next_try(tries: int, now: datetime) -> datetime | None:
    """After so many that failed: in 30 s, 2 min, 8 min, and so on, up to 12 h. None: it is given up."""
    if tries >= MOST_TRIES:
        return None
    wait: timedelta = FIRST_WAIT * FACTOR ** max(tries - 1, 0)
    return now + min(wait, MOST_WAIT)


def is_taken(status: int) -> bool:
    """By the word of who was told. A redirection is none: what is secret goes where the operator said."""
    return 200 <= status < 300


def delivery_id(event: SolveEvent) -> str:
    """The same for every try, so that a receiver can tell what it has had already."""
    return f"{event.solve}-{event.seq}"


def body(event: SolveEvent, solve: SolveSummary, pages: str) -> bytes:
    """JSON: the same bytes for every try while nothing new is known. `pages`: where they are, "" for nowhere."""
    return json.dumps(_said(event, solve, pages), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def headers(secret: str, event: SolveEvent, content: bytes) -> Mapping[str, str]:
    """Signed as GitHub signs: `sha256=` and the HMAC of the body in hexadecimal digits."""
    signature = hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "solvebot",
        "X-Solvebot-Event": event.kind.value,
        "X-Solvebot-Delivery": delivery_id(event),
        "X-Hub-Signature-256": f"sha256={signature}",
    }


def _said(event: SolveEvent, solve: SolveSummary, pages: str) -> Mapping[str, Any]:
    return {
        "event": event.kind.value,
        "delivery": delivery_id(event),
        "at": event.at.isoformat(),
        "solve": {
            "id": solve.id,
            "repository": solve.repo.name,
            "issue": solve.issue,
            "title": solve.title,
            "status": solve.status.value,
            "requested_by": solve.requested_by,
            "champion": solve.champion,
            "pull_request": solve.pull_url,
            "dollars": round(solve.dollars, 6),
            "error": solve.error,
            "page": f"{pages}/solves/{quote(solve.id, safe='')}" if pages else "",
        },
    }
