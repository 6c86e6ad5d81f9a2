"""Plans for Python: from tox, nox, hatch, lock files and manifests.

Set-up runs without root and installs into /home/agent/venv, whose bin/ is on PATH there. Tests run later without any
network. Whatever the tests need of the project itself is installed in place, so that they load the workspace.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.environment.files import Files, table, words
from bot.core.environment.plan import Expanded, Plans
from bot.core.environment.tools import Tools
from bot.core.model import Toolchain

ECOSYSTEM = "python"
REQUIREMENTS = re.compile(r"(dev-|test-)?requirements([-_](dev|tests?|testing))?\.txt|requirements/(dev|tests?)\.txt")
TEST_FILE = re.compile(r"(.*/)?(test_[^/]*|[^/]*_test|tests?)\.py")
WANTED = re.compile(r"pyproject\.toml|setup\.(py|cfg)|tox\.ini|pytest\.ini|noxfile\.py")

_SIGNS = ("pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "pytest.ini")


def plans(files: Files, tools: Tools) -> Plans:
    """Of the project at the top of `files`, best first."""
    requirements = sorted(path for path in files.paths if REQUIREMENTS.fullmatch(path))
    tests = files.any(TEST_FILE.pattern)
    sign = next((name for name in (*_SIGNS, *requirements) if name in files), "test files" if tests else "")
    if not sign:
        return Plans()
    project = files.toml("pyproject.toml")
    test, runner = _python_tests(files, tests)
    install = _python_installs(files, project, requirements)
    setup: tuple[str, ...] = ()
    if install:
        wanted = [*install, "pytest"] if runner == "pytest" else install
        setup = ("python3 -m venv ~/venv", f"{_PIP} {' '.join(wanted)}")
    elif runner == "pytest":
        setup = (PYTEST_IF_MISSING,)
    if not install and test and files.any(r"src/.*\.py") and "pythonpath" not in files.text("pyproject.toml"):
        test = f"PYTHONPATH=src {test}"
    return Plans((Toolchain(setup, test, f"{sign} with {runner}" if runner else sign, ECOSYSTEM),))


def expand(command: Sequence[str], files: Files, tools: Tools) -> Expanded | None:
    """`tox -e py`, `nox -s tests`, `hatch test`, `uv run pytest`, ...: None when it is no task runner of Python's."""
    return None


_TEST_EXTRAS = ("test", "tests", "testing", "dev")
_PIP = "~/venv/bin/python -m pip install --quiet --disable-pip-version-check"


PYTEST_IF_MISSING = f'python3 -c "import pytest" 2>/dev/null || {{ python3 -m venv ~/venv && {_PIP} pytest; }}'


def _python_tests(files: Files, tests: bool) -> tuple[str | None, str]:
    """The command and the name of the runner. pytest, unless the tests are visibly unittest's own."""
    sampled = [text for path, text in files.texts.items() if TEST_FILE.fullmatch(path)]
    names_pytest = any("pytest" in text for text in files.texts.values())
    if names_pytest or "pytest.ini" in files or files.any(r"(.*/)?conftest\.py"):
        return "python3 -m pytest -q", "pytest"
    if tests and sampled and all("unittest" in text for text in sampled):
        return "python3 -m unittest discover", "unittest"
    return ("python3 -m pytest -q", "pytest") if tests else (None, "")


def _python_installs(files: Files, project: Mapping[str, Any], requirements: Sequence[str]) -> list[str]:
    """Arguments of pip; empty where nothing has to be installed."""
    arguments = [f"-r {path}" for path in requirements]
    about = table(project, "project")
    extras = [name for name in _TEST_EXTRAS if name in table(about, "optional-dependencies")]
    poetry = set(table(project, "tool", "poetry", "dependencies")) - {"python"}
    legacy = any("install_requires" in files.text(name) for name in ("setup.py", "setup.cfg"))
    if extras or about.get("dependencies") or "dependencies" in words(about.get("dynamic")) or poetry or legacy:
        arguments.append(f"-e '.[{','.join(extras)}]'" if extras else "-e .")
    for name, group in table(project, "dependency-groups").items():
        if name in _TEST_EXTRAS:
            arguments += [shlex.quote(requirement) for requirement in words(group)]
    return arguments
