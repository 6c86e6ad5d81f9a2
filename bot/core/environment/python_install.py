"""The lines of a set-up for Python: one virtual environment at ~/venv, whose bin/ is on PATH, and all goes there.

uv does it where the sandbox has it, else pip. Both take the same arguments.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from bot.core.environment.files import Files, table, words
from bot.core.environment.python_needs import MAX_REQUIREMENTS, Needs, requirement
from bot.core.environment.python_versions import interpreter
from bot.core.environment.tools import Tools

VENV = "~/venv"
_PIP = "~/venv/bin/python -m pip install --quiet --disable-pip-version-check"
_UV = f"uv pip install --quiet --python {VENV}"


def venv(files: Files, tools: Tools) -> tuple[str, ...]:
    """Made with the interpreter that fits. It has pip of its own, for tests and scripts that call it."""
    program, _ = interpreter(files, tools)
    if "uv" in tools:
        return (f"uv venv --quiet --allow-existing --python {program} {VENV}",)
    return (f"{program} -m venv {VENV}",)


def install(tools: Tools, arguments: Iterable[str]) -> str:
    """One line; `arguments` are words that are not quoted yet."""
    return f"{_installer(tools)} {shlex.join(arguments)}"


def _installer(tools: Tools) -> str:
    return _UV if "uv" in tools else _PIP


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


def at_once(files: Files, tools: Tools, needs: Needs) -> tuple[str, ...]:
    """All in one go, so that one choice of versions serves all."""
    itself = ["-e", _project(needs)] if is_package(files) else []
    return (*venv(files, tools), install(tools, [*_arguments(needs), *itself]), *needs.before)


def apart(files: Files, tools: Tools, needs: Needs) -> tuple[str, ...]:
    """What others need first; then the project, without a look at what asks for another version of it.

    It is built with what stands in the environment, where that is how it can be built: an editable of meson is built
    again when it is imported, and an old setup.py may want what is no longer part of setuptools.
    """
    if not is_package(files):
        return at_once(files, tools, needs)
    builders = _builders(files)
    how = ["--no-build-isolation"] if builders else []
    return (
        *venv(files, tools),
        install(tools, [*_arguments(needs), *builders]),
        install(tools, [*how, "-e", _project(needs)]),
        install(tools, [*how, "--no-deps", "-e", "."]),
        *needs.before,
    )


def whatever_can_be(files: Files, tools: Tools, needs: Needs) -> tuple[str, ...]:
    """One by one; what cannot be installed is left out, tests that need it will fail.

    Of a list with one version that cannot be built any more, all others are wanted all the same.
    """
    each = " ".join(shlex.quote(text) for text in needs.requirements[:MAX_REQUIREMENTS])
    lines = [f'for each in {each}; do {_installer(tools)} "$each" || true; done'] if each else []
    lines += [f"{install(tools, ['-r', path])} || {_line_by_line(tools, path)}" for path in needs.requirement_files]
    if is_package(files):
        alone = install(tools, ["--no-deps", "-e", "."])
        lines += [f"{install(tools, ['-e', _project(needs)])} || {install(tools, ['-e', '.'])} || {alone} || true"]
    return (*venv(files, tools), install(tools, ["pytest"]), *lines)


def _line_by_line(tools: Tools, path: str) -> str:
    """In the version that the list names, else in any."""
    lines = f"grep -oE '^[A-Za-z0-9][^ ;#\\\\]*' {shlex.quote(path)} | head -n {MAX_REQUIREMENTS}"
    one = _installer(tools)
    return f'{lines} | while read -r each; do {one} "$each" || {one} "${{each%%[=<>!~]*}}" || true; done'


def _project(needs: Needs) -> str:
    return f".[{','.join(needs.extras)}]" if needs.extras else "."


def _arguments(needs: Needs) -> list[str]:
    files = [word for path in needs.requirement_files for word in ("-r", path)]
    constraints = [word for path in needs.constraints for word in ("-c", path)]
    directories = [word for path in needs.directories for word in ("-e", f"./{path}")]
    return [*files, *constraints, *needs.requirements, *directories]


def rebuilds_itself(files: Files) -> bool:
    return table(files.toml("pyproject.toml"), "build-system").get("build-backend") == "mesonpy"


def _builders(files: Files) -> list[str]:
    build = table(files.toml("pyproject.toml"), "build-system")
    if rebuilds_itself(files):
        return [text for item in words(build.get("requires")) if (text := requirement(item))] + ["ninja"]
    return [] if build else ["setuptools<81", "wheel"]
