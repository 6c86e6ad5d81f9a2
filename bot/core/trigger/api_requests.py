"""What the API is asked for, as the command that says the same in a comment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.core.model import SolveOptions
from bot.core.trigger.commands import (
    ApproveCommand,
    CancelCommand,
    Command,
    ConfigureCommand,
    RejectCommand,
    RetryCommand,
    ReviseCommand,
    SolveCommand,
    UseCommand,
)
from bot.core.trigger.events import Requested, Wish
from bot.core.trigger.options import Word, read_options


def command_of(event: Requested) -> Command:
    match event.wish:
        case Wish.SOLVE:
            return SolveCommand(event.options or SolveOptions())
        case Wish.CANCEL:
            return CancelCommand()
        case Wish.RETRY:
            return RetryCommand(event.options)
        case Wish.USE:
            return UseCommand(event.candidate)
        case Wish.REVISE:
            return ReviseCommand(event.text)
        case Wish.APPROVE:
            return ApproveCommand(event.candidate or None)
        case Wish.REJECT:
            return RejectCommand(event.text)
        case Wish.CONFIGURE:
            return ConfigureCommand(event.text)


def options_of(given: Mapping[str, str | float | Sequence[str | float] | None], *, draft: bool = False) -> SolveOptions:
    """By their names in comments, and read by the same rules: ranges, remedies and all. Raises `BadOption`."""
    words = [Word(key, _text(key, value)) for key, value in given.items() if value not in (None, [], ())]
    return read_options([*words, Word("", "draft")] if draft else words)


def _text(key: str, value: str | float | Sequence[str | float] | None) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float):
        return f"{value:g}{'m' if key == 'time' else ''}"
    return ",".join(_text("", part) for part in value or ())
