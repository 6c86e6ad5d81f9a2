"""The bytes of a provider's answer as text that the rest of us can keep: in a database, in a log, in the next request.

Models write one token at a time, and providers cut where tokens end: half a surrogate pair, a bare control character, a
byte that is no UTF-8, a byte order mark, NaN for a cost. Strict JSON is none of that, and an answer that was paid for
is not thrown away for it.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import deque
from contextlib import suppress
from typing import Any

from bot.core.text.characters import encodable

_BLANK = " \t\r\n\x00\ufeff"
_DIGITS = 30  # of an integer that is read as one; more are no count of anything
_DEEPEST = 100  # levels below which nothing is kept
_USAGE = re.compile(r'"usage"\s*:\s*(?=\{)')
_USAGES_TRIED = 3
_UNREADABLE = (ValueError, RecursionError)


def decoded(body: bytes) -> dict[str, Any]:
    """The JSON object in it, whatever stands around it; empty where there is none.

    Of an object that ends too early, `usage` alone: it was billed all the same. Where that did not come, an empty one
    stands for an answer that had begun.
    """
    text = _text(body)
    begins = text.find("{")
    if begins < 0 or text[:begins].strip(_BLANK):
        return {}
    try:
        data, _ = _DECODER.raw_decode(text, begins)
    except _UNREADABLE:
        return _usage_alone(text)
    kept = _kept(data, 0)
    return kept if isinstance(kept, dict) else {}


def _usage_alone(text: str) -> dict[str, Any]:
    """The last one that can be read: what a model is told may look like one, too, and stands before it."""
    usage: Any = {} if '"choices"' in text else None
    for found in deque(_USAGE.finditer(text), maxlen=_USAGES_TRIED):
        with suppress(*_UNREADABLE):
            usage, _ = _DECODER.raw_decode(text, found.end())
    return {} if usage is None else {"usage": _kept(usage, 0)}


def _text(body: bytes) -> str:
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", "replace")
    return body.decode("utf-8", "replace")


def _kept(value: Any, depth: int) -> Any:
    """Every text can be encoded, no level is too deep for who reads it next."""
    if depth > _DEEPEST:
        return None
    if isinstance(value, str):
        return encodable(value.replace("\0", "\ufffd"))  # no database takes NUL
    if isinstance(value, list):
        return [_kept(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {encodable(key): _kept(item, depth + 1) for key, item in value.items()}
    return value


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= _DIGITS else None


def _fraction(digits: str) -> float | None:
    """What is beyond all numbers is none."""
    number = float(digits)
    return number if abs(number) < float("inf") else None


_DECODER = json.JSONDecoder(strict=False, parse_int=_whole, parse_float=_fraction, parse_constant=lambda _: None)
