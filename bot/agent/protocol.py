"""The chat completions protocol: what an answer means. Pure; wire.py says what we send, model.py does the sending.

Policy for answers (`read_answer`):

- 401, 402, 403, and 429 for an empty account: `Denied`, an operator must act. 403 for a flagged prompt: `Rejected`.
- 400, 413, 422 that say the conversation is too long, and any 413: `TooMuchText`. Other 3xx and 4xx: `Rejected`.
- 408, 409, 425, 429, 5xx, and a 200 that is no answer (not JSON, an error inside, no choices): `Unavailable`, which
  alone is worth asking again. An error inside a 200 that carries a status of its own counts as that status.

An answer is read as far as it can be (`answers.py`): a broken character costs that character, not the call.

What a call costs is the provider's `usage.cost`; where it says none, the catalogue's prices times its tokens; where it
counts no tokens either, tokens estimated from the length of the text, because a call that counts as free has no limit.
An answer that cannot be read costs what it says it costs, if it says so anywhere; one that was not waited for costs
what was asked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.agent.answers import decoded
from bot.core.model import ModelSpec, Prices, Usage
from bot.core.resilience.github_retry import retry_after
from bot.ports import Denied, Rejected, TooMuchText, Unavailable, WorldError

BYTES_PER_TOKEN = 4

_MOST_TOKENS = 1e9  # of one call
_MOST_DOLLARS = 1e4
_MOST_SAID = 1000  # characters of an explanation
_QUOTED_NUMBER = re.compile(r"\d{1,12}(\.\d{1,12})?")
_RETRIED = frozenset({408, 409, 425, 429})
_TOO_LONG = re.compile(
    r"context_length_exceeded|context[ _-]?(length|window|size|limit)|maximum (context|prompt|input) length"
    r"|prompt is too long|input is too long|too many (input |total )?tokens|exceed\w* .{0,40}(context|token)"
    r"|token count .{0,40}exceed|reduce the length|longer than the model",
    re.IGNORECASE | re.DOTALL,
)
_NO_CREDIT = re.compile(r"insufficient[_ ](quota|credits?|balance|funds)|exceeded your current quota", re.IGNORECASE)
_FLAGGED = re.compile(r"moderation|flagged", re.IGNORECASE)
_REMEDIES = {
    401: "Check the API key of this model's provider.",
    402: "Add credit to the account of this model's provider.",
    403: "Allow this model for the API key at its provider.",
    404: "Check the model's id in the catalogue (`solvebot models`) and the provider's base URL.",
}


@dataclass(frozen=True, slots=True)
class Said:
    """A usable answer. `dollars` is this answer's alone."""

    message: dict[str, Any]
    finish_reason: str
    usage: Usage
    dollars: float


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no answer. Only `Unavailable` is worth asking again; `dollars` may be billed all the same.

    `said` is the provider's own explanation, where it may be shown to people; `parameter` what it names as the cause.
    """

    kind: type[WorldError]
    detail: str
    remedy: str = ""
    retry_after: float | None = None
    dollars: float = 0.0
    said: str = ""
    parameter: str = ""


def read_answer(
    spec: ModelSpec, status: int, headers: Mapping[str, str], body: bytes, *, sent: int, now: datetime
) -> Said | Failure:
    """`sent` is the length of the request in bytes, `now` dates a Retry-After that names a point in time."""
    data = decoded(body)
    after = retry_after(headers.get("Retry-After"), now)
    if status != 200:
        return _explained(_failure(status, _error_of(data), after), data)
    if isinstance(error := data.get("error"), dict):
        code = _status_of(error.get("code"))
        return _explained(_failure(code, _error_of(data), after, dollars=_billed(spec, data, sent, body)), data)
    usage = _usage(data, sent=sent, got=len(body))
    dollars = _dollars(spec, data, usage)
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return Failure(Unavailable, f"no choices: {_error_of(data)}", dollars=_billed(spec, data, sent, body))
    if isinstance(broke := choice.get("error"), dict):  # OpenRouter, when the model broke off in the middle
        said = f"the model broke off: {_error_of(choice)}"
        return _explained(_failure(_status_of(broke.get("code")), said, after, dollars=dollars), choice)
    message = choice.get("message")
    if not isinstance(message, dict):
        return Failure(Unavailable, "a choice without a message", dollars=dollars)
    if choice.get("finish_reason") == "error" and not message.get("tool_calls"):
        return Failure(Unavailable, "the model broke off", dollars=dollars)
    return Said(message, str(choice.get("finish_reason") or "")[:100], usage, dollars)


def text_of(message: Mapping[str, Any]) -> str:
    """What an answer says, whether as text or in parts."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


def price(prices: Prices, usage: Usage) -> float:
    """Dollars. Cached tokens are part of the input tokens and cost their own price, where there is one."""
    cached_price = prices.input if prices.cached_input is None else prices.cached_input
    cached = min(usage.cached_tokens, usage.input_tokens)
    fresh = usage.input_tokens - cached
    return (fresh * prices.input + cached * cached_price + usage.output_tokens * prices.output) / 1_000_000


def _error_of(data: Mapping[str, Any]) -> str:
    """What the provider says of an error, and what OpenRouter passes on from behind it; for the log."""
    error = data.get("error")
    if not isinstance(error, dict):
        return str(error or data.get("message") or data.get("detail") or "no explanation")[:1000]
    said = [error.get("message"), error.get("code"), error.get("type")]
    behind = error.get("metadata")
    if isinstance(behind, dict):
        said.append(behind.get("raw"))
    return " | ".join(str(part) for part in said if part)[:1000] or "no explanation"


def _status_of(code: object) -> int:
    text = str(code)
    return int(text) if re.fullmatch(r"[345]\d\d", text) else 500


def _failure(status: int, detail: str, after: float | None, *, dollars: float = 0.0) -> Failure:
    text = f"status {status}: {detail}"
    if _NO_CREDIT.search(detail) and status in (402, 403, 429):
        return Failure(Denied, text, _REMEDIES[402], dollars=dollars)
    if status == 403 and _FLAGGED.search(detail):
        return Failure(Rejected, text, "Try another model.", dollars=dollars)
    if status in (401, 402, 403):
        return Failure(Denied, text, _REMEDIES[status], dollars=dollars)
    if status in _RETRIED or status >= 500:
        return Failure(Unavailable, text, retry_after=after, dollars=dollars)
    if status == 413 or (status in (400, 422) and _TOO_LONG.search(detail)):
        return Failure(TooMuchText, text, "Try a model with a larger context.", dollars=dollars)
    return Failure(Rejected, text, _REMEDIES.get(status, ""), dollars=dollars)


def estimated(spec: ModelSpec, sent: int, got: int) -> float:
    """Dollars for an answer that was not read, from bytes alone."""
    return 0.0 if spec.prices is None else price(spec.prices, Usage(sent // BYTES_PER_TOKEN, got // BYTES_PER_TOKEN))


def _explained(failure: Failure, data: Mapping[str, Any]) -> Failure:
    """Of credentials and of what passes by itself nobody but the log is told the details."""
    if not issubclass(failure.kind, Rejected):
        return failure
    error = data.get("error")
    parameter = error.get("param") if isinstance(error, dict) else None
    return replace(failure, said=_words(data), parameter=parameter[:100] if isinstance(parameter, str) else "")


def _words(data: Mapping[str, Any]) -> str:
    """The explanation that says most: that from behind a gateway, which itself says "Provider returned error"."""
    error = data.get("error")
    if not isinstance(error, dict):
        return str(error or data.get("message") or data.get("detail") or "")[:_MOST_SAID]
    behind = error.get("metadata")
    raw = behind.get("raw") if isinstance(behind, dict) else None
    if not raw:
        return str(error.get("message") or "")[:_MOST_SAID]
    inner = decoded(raw.encode()) if isinstance(raw, str) else {}
    return _words(inner) or str(raw)[:_MOST_SAID]


def _billed(spec: ModelSpec, data: Mapping[str, Any], sent: int, body: bytes) -> float:
    """An answer that is an error costs something only where the provider counts something."""
    if not isinstance(data.get("usage"), dict):
        return 0.0
    return _dollars(spec, data, _usage(data, sent=sent, got=len(body)))


def _usage(data: Mapping[str, Any], *, sent: int, got: int) -> Usage:
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


def _dollars(spec: ModelSpec, data: Mapping[str, Any], usage: Usage) -> float:
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
