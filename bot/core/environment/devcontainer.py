"""Set-up from what people start their editors in: devcontainer.json and .gitpod.yml. Tests come from elsewhere."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator

from bot.core.environment.bounded_yaml import Unreadable, read_yaml
from bot.core.environment.files import Files
from bot.core.environment.lines import single_words, unwrapped
from bot.core.environment.plan import Skipped
from bot.core.environment.recipes import Recipe, recipe_of
from bot.core.environment.tools import Tools
from bot.core.environment.workflow_files import record

PATHS = re.compile(r"(\.devcontainer/([^/]+/)?devcontainer|\.devcontainer)\.json|\.gitpod\.ya?ml")
WANTED = re.compile(rf"{PATHS.pattern}|\.devcontainer/([^/]+/)?[\w.-]+\.sh")

_COMMANDS = ("onCreateCommand", "updateContentCommand", "postCreateCommand")
# Every alternative ends at the end of the text at the latest: what is never closed is read once.
_COMMENT = re.compile(r'("(?:\\.|[^"\\])*(?:"|\\?\Z))|//[^\n]*|/\*(?:[^*]|\*(?!/))*(?:\*/|\Z)', re.DOTALL)
_LAST_COMMA = re.compile(r'("(?:\\.|[^"\\])*(?:"|\\?\Z))|,(?=\s*[}\]])', re.DOTALL)


def setups(files: Files, tools: Tools) -> list[tuple[Recipe, str] | Skipped]:
    """The recipe of each such file and its path, devcontainers first, the one without a name first of them."""
    paths = sorted(path for path in files.texts if PATHS.fullmatch(path))
    return [_setup(path, files, tools) for path in sorted(paths, key=lambda path: ("gitpod" in path, path.count("/")))]


def _setup(path: str, files: Files, tools: Tools) -> tuple[Recipe, str] | Skipped:
    commands = _gitpod(files.texts[path]) if "gitpod" in path else _devcontainer(files.texts[path])
    if isinstance(commands, str):
        return Skipped(path, commands)
    script = "\n".join(_followed(command, files) for command in commands)
    return recipe_of(script, files, tools), path


def _devcontainer(text: str) -> list[str] | str:
    """The commands in their order, or why there are none."""
    try:
        plain = _LAST_COMMA.sub(r"\1", _COMMENT.sub(r"\1", text[:65_536]))
        value = json.loads(plain)
    except (ValueError, RecursionError):
        return "It is not valid JSON."
    top = value if isinstance(value, dict) else {}
    return [command for key in _COMMANDS for command in _commands(top.get(key))]


def _commands(value: object) -> Iterator[str]:
    """A line of shell, the words of one command, or an object of such."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        yield shlex.join(word for word in value if isinstance(word, str))
    elif isinstance(value, dict):
        for inner in value.values():
            if not isinstance(inner, dict):
                yield from _commands(inner)


def _gitpod(text: str) -> list[str] | str:
    value = read_yaml(text)
    if isinstance(value, Unreadable):
        return value.reason
    tasks = record(value).get("tasks")
    listed = [record(task) for task in tasks] if isinstance(tasks, list) else []
    found = [task.get(key) for task in listed for key in ("before", "init")]
    return [command for command in found if isinstance(command, str)]


def _followed(command: str, files: Files) -> str:
    """What a script of the repository's says, where that is all that the command starts."""
    words = unwrapped(single_words(command) or [])
    path = words[0].removeprefix("./") if words else ""
    return files.text(path) if len(words) == 1 and path.endswith(".sh") and path in files.texts else command
