"""What we send of a conversation, and what we learn from a provider that refuses it. Pure; model.py does the sending.

- Of a message goes what the protocol defines for its role, and nothing else: providers answer with fields of their own
  (annotations, reasoning, ids of all kinds), and many refuse to see them again.
- Fields that carry a model's thoughts from call to call go back where they are known to be wanted, or where a provider
  has said that it misses them.
- What is not needed and named in a refusal is left out from then on: a temperature that a model does not take ends no
  run. A token limit is sent under its newer name where the refusal names that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from bot.core.model import ModelSpec

OPENROUTER = "openrouter"

_DEFINED: dict[str, frozenset[str]] = {
    "system": frozenset({"role", "content"}),
    "user": frozenset({"role", "content"}),
    "assistant": frozenset({"role", "content", "tool_calls"}),
    "tool": frozenset({"role", "content", "tool_call_id"}),
}
_OF_A_CALL = frozenset({"id", "type", "function"})
_OF_A_FUNCTION = ("name", "arguments")
_THOUGHTS = frozenset({"reasoning", "reasoning_details", "reasoning_content"})  # of a message
_OF_A_CALLS_OWN = frozenset({"extra_content"})  # where Google keeps the signature of a thought
_OPENROUTERS = frozenset({"reasoning", "reasoning_details"})
_NEWER_LIMIT = "max_completion_tokens"
_CACHE = "cache_control"
_OPTIONAL = ("temperature", "max_tokens", _NEWER_LIMIT, _CACHE, "usage", *sorted(_THOUGHTS | _OF_A_CALLS_OWN))
_COMMON_WORDS = frozenset({"usage", "reasoning"})
_MISSED = {
    "reasoning_content": re.compile(r"reasoning_content", re.IGNORECASE),
    "reasoning_details": re.compile(r"reasoning_details", re.IGNORECASE),
    "extra_content": re.compile(r"thought_?signature|extra_content", re.IGNORECASE),
}


@dataclass(frozen=True, slots=True)
class Manners:
    """What one model was seen to refuse, and to miss."""

    left_out: frozenset[str] = frozenset()
    wanted: frozenset[str] = frozenset()


def encode_request(
    spec: ModelSpec,
    messages: Sequence[Mapping[str, Any]],
    temperature: float | None,
    tools: Sequence[Mapping[str, Any]],
    manners: Manners = Manners(),
) -> bytes:
    """The body of a request. A temperature given here wins over the catalogue's; None in both leaves it out."""
    request: dict[str, Any] = {
        "model": spec.model_id,
        "messages": wire_messages(spec, messages, manners),
    }
    if tools:  # an empty list is a 400
        request["tools"] = tools
    limit = _NEWER_LIMIT if _NEWER_LIMIT in manners.wanted else "max_tokens"
    optional = {
        "temperature": spec.temperature if temperature is None else temperature,
        limit: spec.max_tokens,
        "usage": {"include": True} if spec.provider == OPENROUTER else None,  # elsewhere an unknown field is a 400
    }
    request |= {key: value for key, value in optional.items() if value is not None and key not in manners.left_out}
    return msgspec.json.encode(request)


def wire_messages(
    spec: ModelSpec, messages: Sequence[Mapping[str, Any]], manners: Manners = Manners()
) -> list[dict[str, Any]]:
    """As the protocol defines them; Anthropic's models get a cache mark on the last one. Changes nothing given."""
    own = ((_OPENROUTERS if spec.provider == OPENROUTER else frozenset()) | manners.wanted) - manners.left_out
    sent = [_defined(message, own) for message in messages]
    if spec.provider == OPENROUTER and spec.model_id.startswith("anthropic/") and _CACHE not in manners.left_out:
        sent[-1] = _cached_up_to(sent[-1])
    return sent


def _defined(message: Mapping[str, Any], own: frozenset[str]) -> dict[str, Any]:
    role = str(message.get("role"))
    known = _DEFINED.get(role, _DEFINED["user"]) | (own & _THOUGHTS if role == "assistant" else frozenset())
    sent = {key: value for key, value in message.items() if key in known}
    if isinstance(calls := sent.get("tool_calls"), list):
        sent["tool_calls"] = [_defined_call(call, own) for call in calls]
    return sent


def _defined_call(call: Mapping[str, Any], own: frozenset[str]) -> dict[str, Any]:
    sent = {key: value for key, value in call.items() if key in _OF_A_CALL | (own & _OF_A_CALLS_OWN)}
    return sent | {"function": {key: call["function"][key] for key in _OF_A_FUNCTION}}


def _cached_up_to(message: dict[str, Any]) -> dict[str, Any]:
    """mini-SWE-agent's `default_end`: the mark stands on the text, for tool results on the message."""
    mark = {_CACHE: {"type": "ephemeral"}}
    content = message["content"]
    if not isinstance(content, str):
        return message | mark
    part = {"type": "text", "text": content}
    if message["role"] == "tool":
        return message | {"content": [part]} | mark
    return message | {"content": [part | mark]}


def corrected(manners: Manners, said: str, parameter: str, request: bytes) -> Manners | None:
    """Manners with which the same question may be answered; None where the refusal names nothing that we can change.

    Each answer of another kind than before, so it ends: what is left out or wanted already is no news.
    """
    sent = request.decode()
    refused = next((name for name in _OPTIONAL if _names(parameter, name) and _is_sent(name, sent)), "")
    refused = refused or next((name for name in _OPTIONAL if _names(said, name) and _is_sent(name, sent)), "")
    if refused == "max_tokens" and _NEWER_LIMIT in said:
        return replace(manners, wanted=manners.wanted | {_NEWER_LIMIT})
    if refused:
        return replace(manners, left_out=manners.left_out | {refused}, wanted=manners.wanted - {refused})
    missed = {name for name, words in _MISSED.items() if words.search(said)} - manners.wanted - manners.left_out
    return replace(manners, wanted=manners.wanted | missed) if missed else None


def _names(said: str, name: str) -> bool:
    """As a field, not as a word: "usage" alone may be anything."""
    as_field = rf"[\"'`.]{name}[\"'`]|\b{name}:" if name in _COMMON_WORDS else rf"\b{name}\b"
    return said == name or re.search(as_field, said) is not None


def _is_sent(name: str, request: str) -> bool:
    return f'"{name}":' in request
