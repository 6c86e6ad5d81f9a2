"""How a single script is run in the environment in which the tests are run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from bot.core.runners.runner import program
from bot.core.runners.shell import Command, Part, Step, Subshell, steps
from bot.core.runners.table import Call, call

_PROGRAMS = {".js": "node", ".mjs": "node", ".cjs": "node", ".sh": "sh", ".bash": "bash", ".rb": "ruby", ".php": "php"}
_STARTS_OTHERS = re.compile(r"[A-Za-z_]\w*\+?=.*|env|uv|poetry|pdm|pipenv|rye|pixi|run", re.DOTALL)


def runs_script(command: str, path: str) -> str | None:
    """The line of shell that runs the script; None where we do not know how.

    A script in Python belongs to the interpreter of the test command: the packages are there.
    """
    suffix = PurePosixPath(path).suffix
    if suffix == ".py":
        return f"{_python(command)} {shlex.quote(f'./{path}')}"
    return f"{_PROGRAMS[suffix]} {shlex.quote(f'./{path}')}" if suffix in _PROGRAMS else None


def can_run(path: str) -> bool:
    suffix = PurePosixPath(path).suffix
    return suffix == ".py" or suffix in _PROGRAMS


def _python(command: str) -> str:
    for found in _calls(steps(command)):
        if found.runner.suffixes == (".py",):
            return _interpreter(found)
    return "python3"


def _calls(line: Sequence[Step]) -> Iterator[Call]:
    for step in line:
        part: Part = step.part
        if isinstance(part, Subshell):
            yield from _calls(part.steps)
        elif isinstance(part, Command) and (found := call(part)) is not None:
            yield found


def _interpreter(found: Call) -> str:
    """`X=1 ~/venv/bin/python -m pytest` -> `X=1 ~/venv/bin/python`; `uv run pytest` -> `uv run python`."""
    text, words, runner = found.command.text, found.command.words, found.at - 1
    for word in reversed(words[:runner]):
        if program(word.value) == "python":
            return text[: word.end]
    before = text[: words[runner].start] if _only_starts_others(found) else ""
    directory, slash, _ = text[words[runner].start : words[runner].end].rpartition("/bin/")
    if slash:
        return f"{before}{directory}/bin/python"
    return f"{before}python" if len(words[:runner]) > found.command.first else f"{before}python3"


def _only_starts_others(found: Call) -> bool:
    words = found.command.values[: found.at - 1]
    return all(word.startswith("-") or _STARTS_OTHERS.fullmatch(word) for word in words)
