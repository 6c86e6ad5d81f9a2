"""A pytest command in which no single test can end the run: one that hangs or crashes fails, and the others go on."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.runners.python import PYTEST
from bot.core.runners.shell import Command, Part, Step, Subshell, steps
from bot.core.runners.table import call

# Both are pytest's own plugins' usual companions: a test that is over its time ends its process, as nothing less ends
# one that hangs in a thread; pytest-xdist tells it as failed, and goes on in another process.
LASTING_PACKAGES = ("pytest-timeout", "pytest-xdist")
SECONDS_PER_TEST = 30
_MOST_LOST = 20  # processes, before the run is given up
_OPTIONS = (
    "-n1",
    f"--max-worker-restart={_MOST_LOST}",
    f"--timeout={SECONDS_PER_TEST}",
    "--timeout-method=thread",
)


def lasting(command: str) -> str | None:
    """None: pytest is not started in the open, or it is lasting already."""
    taken_apart = steps(command)
    if "--max-worker-restart" in command or not any(_is_pytest(step.part) for step in taken_apart):
        return None
    return _line(taken_apart)


def _is_pytest(part: Part) -> bool:
    if isinstance(part, Subshell):
        return any(_is_pytest(step.part) for step in part.steps)
    found = call(part) if isinstance(part, Command) else None
    return found is not None and found.runner is PYTEST


def _line(steps: Sequence[Step]) -> str:
    texts = [(_part(step.part), {"&&": " && ", ";": "; "}.get(step.then, "")) for step in steps]
    return "".join(text + then for text, then in texts)


def _part(part: Part) -> str:
    if isinstance(part, Subshell):
        return f"({_line(part.steps)})"
    found = call(part) if isinstance(part, Command) else None
    if found is None or found.runner is not PYTEST:
        return part.text
    return found.command.edited(found.at, _OPTIONS)
