"""Lock files: the versions that the project itself is tested with.

uv's is read by uv. Else the versions are taken as constraints, by a few lines of Python in the sandbox: that needs no
second tool, and installs nothing that tests do not need.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.environment.files import Files
from bot.core.environment.python_groups import dependency_groups, extras, needed_of
from bot.core.environment.python_install import VENV, install, venv
from bot.core.environment.python_needs import Needs, requirement_name
from bot.core.environment.python_versions import interpreter
from bot.core.environment.tools import Tools

_CONSTRAINTS = "~/constraints.txt"
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "pylock.toml", "Pipfile.lock")
_READ_TOML = (
    "import collections, sys, tomllib; data = tomllib.load(open(sys.argv[1], 'rb')); "
    "found = data.get('package') or data.get('packages') or []; "
    "count = collections.Counter(item['name'] for item in found); "
    "[print(item['name'], item['version'], sep='==') for item in found"
    " if count[item['name']] == 1 and 'version' in item and not {'type', 'editable', 'virtual', 'directory', 'git'}"
    " & set(item.get('source', {}))]"
)
_READ_JSON = (
    "import json, sys; data = json.load(open(sys.argv[1])); "
    "[print(name + item['version']) for part in ('default', 'develop') for name, item in data.get(part, {}).items()"
    " if 'version' in item]"
)


def sync(files: Files, tools: Tools, needs: Needs, completed: Needs) -> list[tuple[tuple[str, ...], str]]:
    """By uv.lock: the groups and extras that tests need, the project in place; then what it does not name.

    Not where a group holds more than tests need.
    """
    groups = dependency_groups(files.toml("pyproject.toml"))
    wanted = [name for name in needs.groups if requirement_name(name) in groups]
    members = {requirement_name(name): groups[requirement_name(name)] for name in wanted}
    whole = all(needed_of(name, texts) == texts for name, texts in members.items())
    if "uv.lock" not in files or "uv" not in tools or not whole:
        return []
    offered = extras(files)
    program, _ = interpreter(files, tools)
    chosen = [word for name in wanted for word in ("--group", name)]
    chosen += [word for name in needs.extras if name in offered for word in ("--extra", name)]
    line = " ".join([f"UV_PROJECT_ENVIRONMENT={VENV} {_SYNC}", *chosen, "--python", program])
    named = {requirement_name(text) for texts in members.values() for text in texts}
    rest = [word for path in completed.requirement_files for word in ("-r", path)]
    rest += [text for text in completed.requirements if requirement_name(text) not in named]
    return [((*venv(files, tools), line, *([install(tools, rest)] if rest else []), *completed.before), "uv.lock")]


_SYNC = "uv sync --quiet --frozen --inexact --no-default-groups"


def with_locked_versions(files: Files, setup: Sequence[str]) -> list[tuple[tuple[str, ...], str]]:
    """The same set-up with the versions of another lock file, and its name."""
    name = next((name for name in _LOCKS if name in files), None)
    if name is None:
        return []
    code = _READ_JSON if name == "Pipfile.lock" else _READ_TOML
    read = f'{VENV}/bin/python -c "{code}" {name} > {_CONSTRAINTS}'
    locked = [f"{line} -c {_CONSTRAINTS}" if " install " in line else line for line in setup]
    return [((locked[0], read, *locked[1:]), name)]
