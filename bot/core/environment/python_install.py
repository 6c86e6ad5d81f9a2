"""The lines of a set-up for Python: one virtual environment at ~/venv, whose bin/ is on PATH, and all goes there.

uv does it where the sandbox has it, else pip. Both take the same arguments.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.core.environment.files import Files, table
from bot.core.environment.python_versions import interpreter
from bot.core.environment.tools import Tools

VENV = "~/venv"
_PIP = "~/venv/bin/python -m pip install --quiet --disable-pip-version-check"
_UV = f"uv pip install --quiet --python {VENV}"


def venv(files: Files, tools: Tools) -> tuple[str, ...]:
    """Made with the interpreter that fits. It has pip of its own, for tests and scripts that call it."""
    program, _ = interpreter(files, tools)
    if "uv" in tools:
        return (f"uv venv --quiet --seed --allow-existing --python {program} {VENV}",)
    return (f"{program} -m venv {VENV}",)


def install(tools: Tools, arguments: Iterable[str]) -> str:
    """One line; `arguments` are words that are not quoted yet."""
    return f"{_UV if 'uv' in tools else _PIP} {shlex.join(arguments)}"


def is_package(files: Files) -> bool:
    """Can the project be built? A `[project]` table that names no build system says only what it depends on."""
    manifest = files.toml("pyproject.toml")
    poetry = table(manifest, "tool", "poetry")
    if poetry.get("package-mode") is False or table(manifest, "tool", "uv").get("package") is False:
        return False
    if "setup.py" in files:
        return True
    if "pyproject.toml" in files and _is_built(manifest):
        return True
    return "setup.cfg" in files and bool(re.search(r"^\[metadata\]", files.text("setup.cfg"), re.MULTILINE))


def _is_built(manifest: Mapping[str, Any]) -> bool:
    named = table(manifest, "project").get("name") or table(manifest, "tool", "poetry").get("name")
    legacy = table(manifest, "tool", "flit", "metadata")
    return bool(table(manifest, "build-system") and (named or legacy))


def project(extras: Sequence[str]) -> str:
    """The project itself, in place."""
    return f".[{','.join(extras)}]" if extras else "."


def build_requirements(files: Files) -> list[str]:
    found = table(files.toml("pyproject.toml"), "build-system").get("requires")
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def rebuilds_itself(files: Files) -> bool:
    """An editable of meson is built again when it is imported, by what it was built with, which has to be there."""
    backend = table(files.toml("pyproject.toml"), "build-system").get("build-backend")
    return backend in ("mesonpy", "scikit_build_core.build")
