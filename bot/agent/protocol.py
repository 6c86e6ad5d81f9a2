"""The chat completions protocol: what an answer means. Pure; wire.py says what we send, model.py does the sending.

Policy for answers (`read_answer`):

- 401, 402, 403, and 429 for an empty account: `Denied`, an operator must act. 403 for a flagged prompt: `Rejected`.
- 400, 413, 422 that say the conversation is too long, and any 413: `TooMuchText`. Other 3xx and 4xx: `Rejected`.
- 408, 409, 425, 429, 5xx, and a 200 that is no answer (not JSON, an error inside, no choices): `Unavailable`, which
  alone is worth asking again. An error inside a 200 that carries a status of its own counts as that status.

An answer is read as far as it can be (`answers.py`): a broken character costs that character, not the call.

What a call costs is in pricing.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from bot.agent.answers import decoded
from bot.agent.pricing import billed, dollars_of, usage_of
from bot.core.model import ModelSpec, Usage
from bot.core.resilience.github_retry import retry_after
from bot.ports import Denied, Rejected, TooMuchText, Unavailable, WorldError

_MOST_SAID = 1000  # characters of an explanation
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
        return _explained(_failure(code, _error_of(data), after, dollars=billed(spec, data, sent, body)), data)
    usage = usage_of(data, sent=sent, got=len(body))
    dollars = dollars_of(spec, data, usage)
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return Failure(Unavailable, f"no choices: {_error_of(data)}", dollars=billed(spec, data, sent, body))
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
