"""Deliveries that the quick reading does not take: mended where JSON allows what UTF-8 does not, kept where it asks us.

GitHub signed them, so there is nothing to refuse. JSON may hold half of a surrogate pair, a text may hold what its
sender's encoding made of it; neither is a reason to drop what somebody asked for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bot.core.text.characters import encodable
from bot.core.trigger.event_reader import MAX_ID

MAX_EXCERPT = 16_384  # characters of a delivery that are kept for the operator
_FACTS: tuple[tuple[str, str, type], ...] = (
    ("sender", "login", str),
    ("sender", "id", int),
    ("sender", "type", str),
    ("repository", "id", int),
    ("repository", "full_name", str),
    ("installation", "id", int),
    ("issue", "number", int),
    ("label", "name", str),
    ("comment", "id", int),
    ("comment", "body", str),
)


def read_again(body: bytes) -> str | None:
    """The same JSON as valid Unicode, without numbers that nobody reads; None where it is no JSON at all."""
    try:
        found = json.loads(_text(body), strict=False, parse_float=_nothing, parse_constant=_nothing)
        return encodable(json.dumps(found, ensure_ascii=False))
    except (ValueError, RecursionError):
        return None


def excerpt(body: bytes) -> str:
    return _text(body[: 4 * MAX_EXCERPT])[:MAX_EXCERPT]


def what_is_known(text: str | None) -> dict[str, Any]:
    """Of what `read_again` gave: the fields that say who, where and what, as far as each has its type."""
    found = json.loads(text) if text is not None else None
    if not isinstance(found, Mapping):
        return {}
    known: dict[str, Any] = {"action": found["action"]} if isinstance(found.get("action"), str) else {}
    for thing, name, kind in _FACTS:
        of = found.get(thing)
        value = of.get(name) if isinstance(of, Mapping) else None
        if type(value) is kind and (not isinstance(value, int) or 0 <= value < MAX_ID):
            known.setdefault(thing, {})[name] = value
    return known


def _text(body: bytes) -> str:
    return body.decode("utf-8-sig", "replace")


def _nothing(_text: str) -> None:
    return None
