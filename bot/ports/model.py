"""A language model: one conversation in, one answer out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.core.model import (
    ModelSpec,
    Usage,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """`message` is the provider's assistant message verbatim; `dollars` is what the call cost."""

    message: dict[str, Any]
    finish_reason: str
    usage: Usage
    dollars: float
    seconds: float


class Model(Protocol):
    async def complete(
        self,
        spec: ModelSpec,
        messages: Sequence[Mapping[str, Any]],
        *,
        temperature: float | None,
        tools: Sequence[Mapping[str, Any]],
        within: float | None = None,
    ) -> Reply:
        """Retries what is worth retrying itself, for `within` seconds in all. No tools: it can only answer with text.

        Raises `Denied` (key or credit: every run is affected), `TooMuchText`, `Rejected` (this request),
        `Unavailable` (after all attempts).
        """
