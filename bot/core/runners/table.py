"""All runners that we know."""

from __future__ import annotations

from dataclasses import dataclass

from bot.core.runners import compiled, javascript, python, scripted
from bot.core.runners.runner import Runner
from bot.core.runners.shell import Command

RUNNERS = (*python.RUNNERS, *javascript.RUNNERS, *compiled.RUNNERS, *scripted.RUNNERS)


@dataclass(frozen=True, slots=True)
class Call:
    """A command that starts a runner. `at` is the word where the runner's arguments begin."""

    command: Command
    runner: Runner
    at: int


def call(command: Command) -> Call | None:
    """The first runner that the command starts; None where it starts none that we know."""
    words = command.values[command.first :]
    for runner in RUNNERS:
        at = runner.find(words) if words else None
        if at is not None:
            return Call(command, runner, at + command.first)
    return None
