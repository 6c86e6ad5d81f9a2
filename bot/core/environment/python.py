"""Plans for Python: from tox, nox, hatch, lock files and manifests.

Set-up runs without root and installs into /home/agent/venv, whose bin/ is on PATH there. Tests run later without any
network. The project itself is always installed in place, so that the tests load the workspace: what a test runner
brings along (pluggy, packaging, attrs are dependencies of pytest) would be another copy.

    python_groups.py python_tox.py python_nox.py python_hatch.py    what says what tests need -> python_needs.py
    python_pytest.py python_tests.py    what pytest's options and the texts of tests ask for; the command
    python_install.py python_locks.py python_versions.py    the lines of the set-up
    python_commands.py python_tasks.py    commands of others, taken apart
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.core.environment.files import Files, table, words
from bot.core.environment.plan import Expanded, Plans
from bot.core.environment.python_commands import read_command, read_line
from bot.core.environment.python_groups import REQUIREMENTS, base_requirements, by_name, extras, of_pipfile, resolved
from bot.core.environment.python_hatch import best_hatch_environment, hatch_environment, read_hatch
from bot.core.environment.python_install import apart, at_once, is_package, rebuilds_itself, whatever_can_be
from bot.core.environment.python_locks import sync, with_locked_versions
from bot.core.environment.python_needs import Needs, requirement_name
from bot.core.environment.python_nox import best_session, read_nox, session
from bot.core.environment.python_pytest import imported, plugins, pytest_config
from bot.core.environment.python_tasks import task_lines
from bot.core.environment.python_tests import (
    TEST_FILE,
    forgiving,
    is_django,
    of_todays_pytest,
    once_each,
    other_runners,
    test_command,
)
from bot.core.environment.python_tox import best_environment, environment, read_tox
from bot.core.environment.python_versions import interpreter
from bot.core.environment.tools import Tools
from bot.core.model import Toolchain

__all__ = ["ECOSYSTEM", "TEST_FILE", "WANTED", "expand", "installed", "plans"]

ECOSYSTEM = "python"
WANTED = re.compile(
    r"pyproject\.toml|setup\.(py|cfg)|(tox|\.?pytest)\.(ini|toml)|noxfile\.py|hatch\.toml|Pipfile|manage\.py|tasks\.py"
)
_MOST_OF_A_TEST = 20_000  # characters of a test file that are looked at
_SIGNS = ("pyproject.toml", "setup.py", "setup.cfg", "tox.ini", "pytest.ini", "noxfile.py", "Pipfile", "manage.py")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a set-up installs, and what says so."""

    source: str
    needs: Needs


def plans(files: Files, tools: Tools) -> Plans:
    """Of the project at the top of `files`, best first.

    By the versions of its lock file, without them, the project by itself after all others, whatever of it can be had;
    then what runs tests that pytest does not.
    """
    tests = files.any(TEST_FILE.pattern)
    listed = sorted(path for path in files.paths if REQUIREMENTS.fullmatch(path))
    sign = next((name for name in (*_SIGNS, *listed) if name in files), "test files" if tests else "")
    if not sign:
        return Plans()
    wanted = _wanted(files, tools, sign)
    needs = complete(wanted.needs, files)
    command = test_command(files, wanted.needs)
    _, notes = interpreter(files, tools)
    usual = _usual(files, tools, needs)
    locked = _locked(files, tools, wanted.needs, needs)
    found = [
        *((setup, command, f", {lock}") for setup, lock in locked),
        (usual, command and of_todays_pytest(command, files), ""),
    ]
    if command is not None:
        found += [
            *((usual, every, ", all tests") for every in (test_command(files, Needs()),) if every != command),
            (apart(files, tools, needs), command, ", the project last"),
            (whatever_can_be(files, tools, needs), forgiving(command, files), ", what can be installed of it"),
            *((usual, other, f", {why}") for other, why in other_runners(files)),
            ((), _as_it_is(test_command(files, Needs())), ", as the sandbox is"),
            *(
                ((), _as_it_is(other), f", {why}, as the sandbox is")
                for other, why in other_runners(files)
                if other.startswith("python -m")
            ),
        ]
    return Plans(
        tuple(
            Toolchain(setup, test, f"{wanted.source}{how}", ECOSYSTEM, wanted.needs.checks, notes)
            for setup, test, how in found
        )
    )


def _as_it_is(command: str | None) -> str | None:
    """With the sandbox's own Python: there is no venv whose `python` could be meant."""
    return command and re.sub(r"\bpython -m\b", "python3 -m", command)


def expand(command: Sequence[str], files: Files, tools: Tools) -> Expanded | None:
    """`tox -e py`, `nox -s tests`, `hatch test`, `poe test`, ...: None when it is no task runner of Python's."""
    needs = _started(command, files, tools) if command else None
    if needs is None or not (needs.tests or needs.checks):
        return None
    setup = _best_setup(files, tools, needs) if needs.tests else ()
    return Expanded(setup, tuple(once_each(needs.tests)), needs.checks)


def installed(command: Sequence[str], files: Files, tools: Tools) -> tuple[str, ...]:
    """What stands for `poetry install`, `pdm sync`, `pipenv install --dev`: by the lock file, without the tool."""
    return _best_setup(files, tools, by_name(files) + read_command(command, files))


def _best_setup(files: Files, tools: Tools, needs: Needs) -> tuple[str, ...]:
    completed = complete(needs, files)
    locked = _locked(files, tools, needs, completed)
    return locked[0][0] if locked else _usual(files, tools, completed)


def _usual(files: Files, tools: Tools, needs: Needs) -> tuple[str, ...]:
    return apart(files, tools, needs) if rebuilds_itself(files) else at_once(files, tools, needs)


def _locked(files: Files, tools: Tools, needs: Needs, completed: Needs) -> list[tuple[tuple[str, ...], str]]:
    """The set-up with the versions of the lock file, and its name; empty where there is none."""
    return sync(files, tools, needs, completed) or with_locked_versions(files, _usual(files, tools, completed))


# ------------------------------------------------------------------------------------------------- what is needed


def _wanted(files: Files, tools: Tools, sign: str) -> Wanted:
    """What a task runner says about tests, else what things are named; together where one says only half."""
    named = by_name(files)
    for wanted in _of_task_runners(files, tools):
        if wanted.needs.installs:
            return wanted
        if wanted.needs.tests:
            return replace(wanted, needs=wanted.needs + named)
    return Wanted(sign, named if named.installs else Needs(requirement_files=tuple(base_requirements(files))))


def _of_task_runners(files: Files, tools: Tools) -> list[Wanted]:
    found = []
    if (tox := read_tox(files)) and (name := best_environment(tox, _version(tools))):
        found.append(Wanted(f"{tox.source} ({name})", environment(tox, name, files)))
    if (nox := read_nox(files)) and (name := best_session(nox)):
        found.append(Wanted(f"noxfile.py ({name})", session(nox, name, files) or Needs()))
    if (hatch := read_hatch(files)) and (name := best_hatch_environment(hatch)):
        found.append(Wanted(f"hatch ({name})", hatch_environment(hatch, name, files)))
    return found


def _version(tools: Tools) -> tuple[int, ...]:
    return tools.version("python3")[:2] or (3, 11)


def complete(needs: Needs, files: Files) -> Needs:
    """With pytest, with what its options ask for and what tests import; with what an application needs to run."""
    needs = resolved(needs, files)
    texts = [text[:_MOST_OF_A_TEST] for path, text in files.texts.items() if TEST_FILE.fullmatch(path)]
    more = ["pytest", *plugins(pytest_config(files), texts), *imported(texts, files)]
    more += ["django", "pytest-django"] if is_django(files) else []
    offered = extras(files)
    needs = replace(
        needs,
        extras=tuple(name for name in needs.extras if name in offered or not offered),
        requirement_files=tuple(path for path in needs.requirement_files if path in files),
        constraints=tuple(path for path in needs.constraints if path in files),
    )
    if not is_package(files):
        needs += Needs(
            requirements=tuple(words(table(files.toml("pyproject.toml"), "project").get("dependencies"))),
            requirement_files=tuple(base_requirements(files)),
        )
        needs += of_pipfile(files, "packages")
    known = {requirement_name(text) for text in needs.requirements} | _own(files)
    return needs + Needs(requirements=tuple(text for text in more if requirement_name(text) not in known))


def _own(files: Files) -> set[str]:
    """The names of the project and of what it depends on."""
    manifest = files.toml("pyproject.toml")
    about, poetry = table(manifest, "project"), table(manifest, "tool", "poetry")
    named = [str(about.get("name") or ""), str(poetry.get("name") or ""), *words(about.get("dependencies"))]
    return {requirement_name(text) for text in (*named, *table(poetry, "dependencies"))}


# ------------------------------------------------------------------------------------------------ commands of others


def _started(command: Sequence[str], files: Files, tools: Tools) -> Needs | None:
    """What a task runner would install and run; None when `command` starts none, or says nothing that can be read."""
    program = command[0].rpartition("/")[2]
    if program == "tox" and (tox := read_tox(files)):
        factors = _values(command, ("-f", "--factors"))
        names = _values(command, ("-e", "--env")) or [best_environment(tox, _version(tools), factors) or ""]
        return Needs.all_of(environment(tox, name, files) for name in names if name)
    if program == "nox" and (nox := read_nox(files)):
        names = _values(command, ("-s", "--session", "--sessions", "-e")) or [best_session(nox) or ""]
        return Needs.all_of(found for name in names if (found := session(nox, name, files)))
    if program == "hatch" and list(command[1:2]) == ["test"]:
        hatch = read_hatch(files)
        found = hatch_environment(hatch, "hatch-test", files) if hatch else Needs()
        return found + by_name(files) + read_command(["pytest", *command[2:]], files)
    lines = task_lines(command, files)
    if lines is None:
        return None
    return by_name(files) + Needs.all_of(read_line(line, files) for line in lines)


def _values(command: Sequence[str], options: Sequence[str]) -> list[str]:
    """`-e py311,lint` -> both; `-s tests -s docs` -> both."""
    found: list[str] = []
    for word, following in zip(command, [*command[1:], ""], strict=True):
        option, equals, value = word.partition("=")
        if option in options:
            found += (value if equals else following).split(",")
        elif word == "--":
            break
    return [name.strip() for name in found if name.strip()][:10]
