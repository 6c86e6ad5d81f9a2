"""Tasks that Python projects name: scripts of pdm, rye, pipenv and hatch, tasks of poe, taskipy and invoke."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.core.environment.files import Files, table, words
from bot.core.environment.python_hatch import read_hatch, script_lines

_MOST_LINES = 20
_DEPTH = 4  # of tasks that start tasks

# Where each runner's tasks stand in pyproject.toml.
_TABLES = {
    "poe": ("tool", "poe", "tasks"),
    "task": ("tool", "taskipy", "tasks"),
    "pdm": ("tool", "pdm", "scripts"),
    "rye": ("tool", "rye", "scripts"),
}


def task_lines(command: Sequence[str], files: Files) -> list[str] | None:
    """The lines that a task runner would run; None when the command starts no task of this repository."""
    program, rest = command[0].rpartition("/")[2], [word for word in command[1:] if not word.startswith("-")]
    if program in ("pdm", "rye", "pipenv", "hatch") and rest[:1] == ["run"]:
        rest = rest[1:]
    if not rest:
        return None
    match program:
        case "poe" | "task" | "pdm" | "rye":
            found = _task(table(files.toml("pyproject.toml"), *_TABLES[program]), rest[0], _DEPTH)
        case "pipenv":
            found = _task(table(files.toml("Pipfile"), "scripts"), rest[0], _DEPTH)
        case "invoke" | "inv":
            found = _invoked(files.text("tasks.py"), rest[0])
        case "hatch":
            return _of_hatch(rest[0], files)
        case _:
            return None
    arguments = shlex.join(rest[1:])
    return [f"{found[0]} {arguments}".strip()] if len(found) == 1 else found or None


def _task(tasks: Mapping[str, Any], name: str, depth: int) -> list[str]:
    """Strings are commands; tables hold one, or a sequence of other tasks."""
    value = tasks.get(name)
    if isinstance(value, str):
        return _lines(value)
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return (
            [shlex.join(value)]
            if not any(item in tasks or " " in item for item in value)
            else _all(tasks, value, depth)
        )
    for key in ("cmd", "shell"):
        command = table(value).get(key)
        if isinstance(command, str):
            return _lines(command)
        if isinstance(command, list):
            return [shlex.join(words(command))]
    return _all(tasks, [*words(table(value).get("sequence")), *words(table(value).get("composite"))], depth)


def _lines(text: str) -> list[str]:
    """Without the places where arguments are put in."""
    text = re.sub(r"\{args\}|\$\{?\w*args\w*\}?|\$@|\\\n", " ", text)
    return [line for part in re.split(r"\n|&&|;", text) if (line := " ".join(part.split()))][:_MOST_LINES]


def _all(tasks: Mapping[str, Any], names: Sequence[str], depth: int) -> list[str]:
    found: list[str] = []
    for name in names[:_MOST_LINES] if depth else ():
        found += _task(tasks, name, depth - 1) if name in tasks else _lines(name)
    return found[:_MOST_LINES]


def _of_hatch(name: str, files: Files) -> list[str] | None:
    """`hatch run test:unit`, `hatch run unit`."""
    hatch = read_hatch(files)
    environment, _, script = name.rpartition(":")
    return (script_lines(hatch, environment or "default", script) or None) if hatch else None


def _invoked(text: str, name: str) -> list[str]:
    """What a task of invoke hands to `c.run(...)`."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef)]
    wanted = name.replace("-", "_")
    return [line for node in functions if node.name == wanted for line in _runs(node)][:_MOST_LINES]


def _runs(function: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "run":
            for argument in node.args[:1]:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield from _lines(argument.value)
