"""Plans for Python: from tox, nox, hatch, lock files and manifests.

Set-up runs without root and installs into /home/agent/venv, whose bin/ is on PATH there. Tests run later without any
network. The project itself is always installed in place, so that the tests load the workspace: what a test runner
brings along (pluggy, packaging, attrs are dependencies of pytest) would be another copy.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.environment.files import Files, table
from bot.core.environment.plan import Expanded, Plans
from bot.core.environment.python_groups import (
    REQUIREMENTS,
    base_requirements,
    by_name,
    extras,
    resolved,
)
from bot.core.environment.python_hatch import best_hatch_environment, hatch_environment, read_hatch
from bot.core.environment.python_install import build_requirements, install, is_package, project, rebuilds_itself, venv
from bot.core.environment.python_locks import locked_versions, sync
from bot.core.environment.python_needs import Needs, requirement_name
from bot.core.environment.python_nox import best_session, read_nox, session
from bot.core.environment.python_pytest import PytestConfig, imported, plugins, pytest_config
from bot.core.environment.python_tox import best_environment, environment, read_tox
from bot.core.environment.python_versions import interpreter
from bot.core.environment.tools import Tools
from bot.core.model import Toolchain

ECOSYSTEM = "python"
TEST_FILE = re.compile(r"(.*/)?(test_[^/]*|[^/]*_test|tests?|tests_[^/]*|conftest)\.py")
WANTED = re.compile(
    r"pyproject\.toml|setup\.(py|cfg)|(tox|\.?pytest)\.(ini|toml)|noxfile\.py|hatch\.toml|Pipfile|manage\.py|tasks\.py"
    r"|\.python-version|runtests\.py"
)

_SIGNS = (
    *("pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "pytest.ini", "noxfile.py", "Pipfile", "manage.py"),
    *("requirements.txt",),
)
_BY_DEFAULT = re.compile(r"(.*/)?(test_[^/]*|[^/]*_test)\.py")
_MOST_NAMED = 30  # test files that are given to pytest one by one


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a set-up installs, and what says so."""

    source: str
    needs: Needs


def plans(files: Files, tools: Tools) -> Plans:
    """Of the project at the top of `files`, best first: by the lock file, without it, each package by itself."""
    tests = files.any(TEST_FILE.pattern)
    requirement_files = sorted(path for path in files.paths if REQUIREMENTS.fullmatch(path))
    sign = next((name for name in (*_SIGNS, *requirement_files) if name in files), "test files" if tests else "")
    if not sign:
        return Plans()
    wanted = _wanted(files, tools, sign)
    config = pytest_config(files)
    command = _command(files, config, wanted.needs, tests=tests)
    _, notes = interpreter(files, tools)
    installs = _complete(files, config, resolved(wanted.needs, files))
    found = [
        Toolchain(setup, command, f"{wanted.source}{how}", ECOSYSTEM, notes=notes)
        for setup, how in (
            *sync(files, tools, wanted.needs, installs),
            *locked_versions(files, tools, _installs(files, tools, installs)),
            (_installs(files, tools, installs), ""),
            (_apart(files, tools, installs), ", the project last"),
        )
        if setup
    ]
    return Plans(tuple(found))


def expand(command: Sequence[str], files: Files, tools: Tools) -> Expanded | None:
    """`tox -e py`, `nox -s tests`, `hatch test`, `uv run pytest`, ...: None when it is no task runner of Python's."""
    return None


# ------------------------------------------------------------------------------------------------- what is needed


def _wanted(files: Files, tools: Tools, sign: str) -> Wanted:
    """What a task runner says about tests, else what things are named; together where one says only half."""
    named = by_name(files)
    for wanted in _of_task_runners(files, tools):
        if wanted.needs.installs:
            return wanted
        if wanted.needs.tests:
            return replace(wanted, needs=wanted.needs + named)
    if not named.installs:
        named = Needs(requirement_files=tuple(base_requirements(files)))
    return Wanted(sign, named)


def _of_task_runners(files: Files, tools: Tools) -> list[Wanted]:
    found = []
    if (tox := read_tox(files)) and (name := best_environment(tox, tools.version("python3")[:2] or (3, 11))):
        found.append(Wanted(f"{tox.source} ({name})", environment(tox, name, files)))
    if (nox := read_nox(files)) and (name := best_session(nox)):
        found.append(Wanted(f"noxfile.py ({name})", session(nox, name, files) or Needs()))
    if (hatch := read_hatch(files)) and (name := best_hatch_environment(hatch)):
        found.append(Wanted(f"hatch ({name})", hatch_environment(hatch, name, files)))
    return found


def _complete(files: Files, config: PytestConfig, needs: Needs) -> Needs:
    """With pytest, with what its options ask for and what tests import; with what an application needs to run."""
    texts = [text for path, text in files.texts.items() if TEST_FILE.fullmatch(path)]
    more = ["pytest", *plugins(config, texts), *imported(texts, files)]
    offered = extras(files)
    known = {requirement_name(text) for text in needs.requirements} | {_own_name(files)}
    needs = replace(needs, extras=tuple(name for name in needs.extras if name in offered or not offered))
    needs += Needs(requirements=tuple(text for text in more if requirement_name(text) not in known))
    if not is_package(files):
        dependencies = table(files.toml("pyproject.toml"), "project").get("dependencies")
        needs += Needs(requirements=tuple(str(item) for item in dependencies) if isinstance(dependencies, list) else ())
        needs += Needs(requirement_files=tuple(base_requirements(files)))
    return needs


def _own_name(files: Files) -> str:
    return requirement_name(str(table(files.toml("pyproject.toml"), "project").get("name") or ""))


# ------------------------------------------------------------------------------------------------------- set-up


def _installs(files: Files, tools: Tools, needs: Needs) -> tuple[str, ...]:
    """All at once, so that one choice of versions serves all."""
    itself = ["-e", project(needs.extras)] if is_package(files) else []
    return (*venv(files, tools), install(tools, [*_arguments(needs), *itself]), *needs.before)


def _apart(files: Files, tools: Tools, needs: Needs) -> tuple[str, ...]:
    """What others need first, the project last and without looking at versions, against all that asks for another."""
    if not is_package(files):
        return ()
    builders = build_requirements(files) if rebuilds_itself(files) else []
    how = ["--no-build-isolation"] if builders else []
    return (
        *venv(files, tools),
        install(tools, [*_arguments(needs), *builders]),
        install(tools, [*how, "-e", project(needs.extras)]),
        install(tools, [*how, "--no-deps", "-e", "."]),
        *needs.before,
    )


def _arguments(needs: Needs) -> list[str]:
    files = [word for path in needs.requirement_files for word in ("-r", path)]
    constraints = [word for path in needs.constraints for word in ("-c", path)]
    directories = [word for path in needs.directories for word in ("-e", f"./{path}")]
    return [*files, *constraints, *needs.requirements, *directories]


# -------------------------------------------------------------------------------------------------------- tests


def _command(files: Files, config: PytestConfig, needs: Needs, *, tests: bool) -> str | None:
    """What a task runner says, else pytest, which runs the tests of unittest, too."""
    if needs.tests:
        return " && ".join(needs.tests[:3])
    if not tests and "python_files" not in config.options:
        return None
    words = ["python", "-m", "pytest", "-q"]
    if "python_files" not in config.options and not files.any(_BY_DEFAULT.pattern):
        words += sorted(path for path in files.paths if TEST_FILE.fullmatch(path))[:_MOST_NAMED]
    command = shlex.join(words)
    if not is_package(files) and files.any(r"src/.*\.py") and "pythonpath" not in config.options:
        command = f"PYTHONPATH=src {command}"
    return command
