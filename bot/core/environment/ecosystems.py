"""What an operator's lists say about one ecosystem: "python", "node", "go", "rust", "java", "ruby"."""

from __future__ import annotations

from collections.abc import Sequence


def meant_for(ecosystem: str, words: Sequence[str]) -> tuple[str, ...]:
    """Of an operator's list: what is for all, and what is for this one, as in `python=registry.example`."""
    pairs = [(left, right) if equals else ("", left) for left, equals, right in (w.partition("=") for w in words)]
    return tuple(value for name, value in pairs if name in ("", ecosystem))
