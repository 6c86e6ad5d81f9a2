"""What a repository's configuration says, as names and short values, in the words of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from bot.core.model import RepoConfig

_NOT_SHOWN = ("pull_request",)
_NAMES = {"dollars": "limits: dollars", "minutes": "limits: minutes", "parallel": "limits: parallel"} | {
    name: f"limits: {name}" for name in ("steps", "command", "day")
}


def configured(config: RepoConfig | None) -> Sequence[tuple[str, str]]:
    """What is not as it would be without the file."""
    if config is None:
        return ()
    usual = RepoConfig()
    said = ((field.name, getattr(config, field.name)) for field in fields(config) if field.name not in _NOT_SHOWN)
    return [(_NAMES.get(name, name), _text(value)) for name, value in said if value != getattr(usual, name)]


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(each) for each in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
