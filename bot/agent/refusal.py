"""Does a model refuse to work, and what does it say? Decided from what providers mark, never from its wording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.agent.protocol import text_of

_MARKS = frozenset(
    {
        *("content_filter", "refusal", "safety", "recitation", "prohibited_content", "blocklist", "spii"),
        *("sensitive", "content_policy", "guardrail_intervened"),
    }
)


def refusal(message: Mapping[str, Any], finish_reason: str) -> str | None:
    """Its words, which may be none; None: it does not refuse."""
    said = message.get("refusal")
    if isinstance(said, str) and said.strip():
        return said
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    refused = [part.get("refusal") for part in parts if isinstance(part, dict) and part.get("type") == "refusal"]
    if refused:
        return " ".join(text for text in refused if isinstance(text, str))
    return text_of(message) if finish_reason.casefold() in _MARKS else None
