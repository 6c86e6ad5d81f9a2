"""Which of the interpreters that a sandbox has fits a project."""

from __future__ import annotations

import re

from bot.core.environment.files import Files, table
from bot.core.environment.tools import Tools

Version = tuple[int, ...]

_CLAUSE = re.compile(r"(~=|===?|!=|<=|>=|<|>|\^|~)?\s*v?(\d+(?:\.\d+)*)(\.\*)?")
_ASKED = re.compile(r"python_requires\s*=\s*['\"]?([^'\"#\n]{1,80})")
_MOST_CLAUSES = 20


def asked_for(files: Files) -> str:
    """`requires-python`, or what says the same elsewhere; empty where nothing does."""
    manifest = files.toml("pyproject.toml")
    asked = table(manifest, "project").get("requires-python")
    if not isinstance(asked, str):
        asked = table(manifest, "tool", "poetry", "dependencies").get("python")
    if not isinstance(asked, str):
        found = _ASKED.search(files.text("setup.cfg")) or _ASKED.search(files.text("setup.py"))
        asked = found[1].strip() if found else ""
    return asked[:200]


def fits(version: Version, asked: str) -> bool:
    """Is it among the versions that are asked for? `||` separates alternatives; what cannot be read forbids nothing."""
    return any(
        all(_allows(version, *clause) for clause in _CLAUSE.findall(part)[:_MOST_CLAUSES])
        for part in asked[:200].split("||")
    )


def _allows(version: Version, operator: str, text: str, any_below: str) -> bool:
    asked = tuple(int(number[:6]) for number in text.split(".")[:4])
    prefix = version[: len(asked)]
    match operator:
        case ">=":
            return version >= asked
        case ">":
            return prefix > asked
        case "<=":
            return prefix <= asked
        case "<":
            return version < asked
        case "!=":
            return prefix != asked if any_below or len(asked) > 2 else True
        case "^":
            return version >= asked and version[:1] == asked[:1]
        case "~" | "~=":
            return version >= asked and version[: max(1, len(asked) - 1)] == asked[: max(1, len(asked) - 1)]
        case _:
            return prefix == asked


def interpreter(files: Files, tools: Tools) -> tuple[str, tuple[str, ...]]:
    """The program, and what people should know when none fits.

    `python3` when it fits, else the newest that does; the one that `.python-version` names is no better than it.
    """
    asked = asked_for(files)
    programs = [f"python3.{minor}" for minor in range(15, 7, -1)]
    for program in ("python3", *(program for program in programs if program in tools)):
        version = tools.version(program)
        if not version or fits(version, asked):
            return program, ()
    has = ".".join(str(number) for number in tools.version("python3"))
    note = (
        f"It asks for Python {asked}, and the sandbox has {has}. A newer one can be had through SANDBOX_TOOLCHAINS, or "
        "in an E2B template."
    )
    return "python3", (note,)
