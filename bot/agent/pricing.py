"""What a call of a model costs.

What a call costs is the provider's `usage.cost`; where it says none, the catalogue's prices times its tokens; where it
counts no tokens either, tokens estimated from the length of the text, because a call that counts as free has no limit.
An answer that cannot be read costs what it says it costs, if it says so anywhere; one that was not waited for costs
what was asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from bot.core.model import ModelSpec, Prices, Usage

BYTES_PER_TOKEN = 4

_MOST_TOKENS = 1e9  # of one call
_MOST_DOLLARS = 1e4
_QUOTED_NUMBER = re.compile(r"\d{1,12}(\.\d{1,12})?")


def price(prices: Prices, usage: Usage) -> float:
    """Dollars. Cached tokens are part of the input tokens and cost their own price, where there is one."""
    cached_price = prices.input if prices.cached_input is None else prices.cached_input
    cached = min(usage.cached_tokens, usage.input_tokens)
    fresh = usage.input_tokens - cached
    return (fresh * prices.input + cached * cached_price + usage.output_tokens * prices.output) / 1_000_000


def estimated(spec: ModelSpec, sent: int, got: int) -> float:
    """Dollars for an answer that was not read, from bytes alone."""
    return 0.0 if spec.prices is None else price(spec.prices, Usage(sent // BYTES_PER_TOKEN, got // BYTES_PER_TOKEN))


def billed(spec: ModelSpec, data: Mapping[str, Any], sent: int, body: bytes) -> float:
    """An answer that is an error costs something only where the provider counts something."""
    if not isinstance(data.get("usage"), dict):
        return 0.0
    return dollars_of(spec, data, usage_of(data, sent=sent, got=len(body)))


def usage_of(data: Mapping[str, Any], *, sent: int, got: int) -> Usage:
    usage = data.get("usage")
    if not isinstance(usage, dict) or _count(usage.get("prompt_tokens")) is None:
        return Usage(sent // BYTES_PER_TOKEN, got // BYTES_PER_TOKEN)
    details = usage.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, dict) else usage.get("prompt_cache_hit_tokens")
    return Usage(
        _count(usage.get("prompt_tokens")) or 0,
        _count(usage.get("completion_tokens")) or 0,
        _count(cached) or 0,
    )


def dollars_of(spec: ModelSpec, data: Mapping[str, Any], usage: Usage) -> float:
    said = data.get("usage")
    cost = _money(said.get("cost")) if isinstance(said, dict) else None
    if cost is None or not isinstance(said, dict):
        return 0.0 if spec.prices is None else price(spec.prices, usage)
    # With one's own key at OpenRouter, `cost` is only its fee. Without, the upstream cost is in it already.
    details = said.get("cost_details")
    if said.get("is_byok") is True and isinstance(details, dict):
        cost += _money(details.get("upstream_inference_cost")) or 0.0
    return cost


def _count(value: object) -> int | None:
    number = _number(value, _MOST_TOKENS)
    return None if number is None else int(number)


def _money(value: object) -> float | None:
    return _number(value, _MOST_DOLLARS)


def _number(value: object, most: float) -> float | None:
    """What is no number, or beyond what one call can be, was not said. Some providers quote their numbers."""
    if isinstance(value, str) and _QUOTED_NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= most:
        return None
    return float(value)
