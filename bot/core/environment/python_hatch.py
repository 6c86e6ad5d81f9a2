"""hatch: environments of pyproject.toml or hatch.toml, and their scripts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.core.environment.files import Files, table, words
from bot.core.environment.python_commands import read_line
from bot.core.environment.python_needs import Needs, requirements

_FOR_TESTS = ("hatch-test", "test", "tests", "testing", "unit", "default")
_SCRIPTS = ("test", "tests", "run", "unit", "pytest", "test-cov", "cov", "all")


@dataclass(frozen=True, slots=True)
class Hatch:
    environments: Mapping[str, Mapping[str, Any]]


def read_hatch(files: Files) -> Hatch | None:
    """None where no environment is described."""
    described = table(files.toml("hatch.toml"), "envs") or table(files.toml("pyproject.toml"), "tool", "hatch", "envs")
    return Hatch({name: table(value) for name, value in described.items()}) if described else None


def best_hatch_environment(hatch: Hatch) -> str | None:
    """The first that is named for tests and says something about them."""
    for name in _FOR_TESTS:
        found = hatch.environments.get(name, {})
        if name in hatch.environments and (name != "default" or "pytest" in str(found)):
            return name
    return None


def hatch_environment(hatch: Hatch, name: str, files: Files) -> Needs:
    """What an environment brings along, with what `default` has, and its script for tests."""
    found = Needs()
    for source in {"default": None, name: None} if name != "hatch-test" else {name: None}:
        one = hatch.environments.get(source, {})
        found += requirements([*words(one.get("dependencies")), *words(one.get("extra-dependencies"))])
        found += Needs(extras=tuple(words(one.get("features"))), groups=tuple(words(one.get("dependency-groups"))))
    for script in _SCRIPTS:
        commands = script_lines(hatch, name, script)
        runs = Needs.all_of(read_line(line, files) for line in commands)
        if runs.tests:
            return found + Needs(tests=runs.tests, before=runs.before)
    return found


def script_lines(hatch: Hatch, name: str, script: str, depth: int = 4) -> list[str]:
    """The commands of a script, with those of the scripts it starts; arguments are left to their defaults."""
    scripts = table(hatch.environments.get(name, {}), "scripts")
    value = scripts.get(script)
    found: list[str] = []
    for line in [value] if isinstance(value, str) else words(value)[:20]:
        line = re.sub(r"\{args:([^{}]*)\}", r"\1", line)
        line = re.sub(r"\{[^{}]*\}", "", line).lstrip("- ")
        other, _, rest = line.partition(" ")
        if other in scripts and other != script and depth:
            inside = script_lines(hatch, name, other, depth - 1)
            found += [f"{command} {rest}".strip() for command in inside]
        else:
            found.append(line)
    return found[:20]
