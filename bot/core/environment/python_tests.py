"""The command that runs the tests of a Python project: pytest where it can, since it tells about single tests."""

from __future__ import annotations

import re
import shlex
from collections import Counter

from bot.core.environment.files import Files
from bot.core.environment.python_install import is_package
from bot.core.environment.python_needs import Needs
from bot.core.environment.python_pytest import PytestConfig, pytest_config
from bot.core.runners import PYTEST_IMPORTS_BY_PATH

TEST_FILE = re.compile(r"(.*/)?(test_[^/]*|[^/]*_test|tests?|tests_[^/]*|conftest)\.py")

_PYTEST = "python -m pytest -q"
_BY_DEFAULT = re.compile(r"(.*/)?(test_[^/]*|[^/]*_test)\.py")  # what pytest looks for by itself
_MOST_NAMED = 40  # test files that are given to pytest one by one
_MOST_COMMANDS = 3
_ON_SQLITE = "DATABASE_URL=sqlite:///:memory: SQLITE=1"  # the two customs of settings that can do without a server
_SETTINGS = re.compile(r"DJANGO_SETTINGS_MODULE['\"]\s*,\s*['\"]([\w.]{1,100})['\"]")
_SCRIPTS = (
    "runtests.py",
    "run_tests.py",
    "tests/runtests.py",
    "test/runtests.py",
    "tests/run.py",
    "tests/run_tests.py",
)


def test_command(files: Files, needs: Needs) -> str | None:
    """What a task runner says, else pytest, which runs the tests of unittest, too; None where there are no tests."""
    config = pytest_config(files)
    if needs.tests:
        return " && ".join(once_each(needs.tests))
    if not files.any(TEST_FILE.pattern) and "python_files" not in config.options:
        return None
    words = [*_PYTEST.split(), *_files_to_name(files, config)]
    if _names_twice(files, config):
        words.append(PYTEST_IMPORTS_BY_PATH)
    command = shlex.join(words)
    if is_django(files) and (settings := _SETTINGS.search(files.text("manage.py"))):
        command = f"DJANGO_SETTINGS_MODULE={settings[1]} {command}"
    if not is_package(files) and files.any(r"src/.*\.py") and "pythonpath" not in config.options:
        command = f"PYTHONPATH=src {command}"
    return command


def once_each(tests: tuple[str, ...]) -> list[str]:
    """Where one command runs all, those that run a part of it say nothing more."""
    whole = [test for test in tests if test.endswith(_PYTEST)]
    return whole[:1] or list(tests[:_MOST_COMMANDS])


def is_django(files: Files) -> bool:
    """A project of Django that says nothing to pytest."""
    return "manage.py" in files and "DJANGO_SETTINGS_MODULE" not in pytest_config(files).options


def _files_to_name(files: Files, config: PytestConfig) -> list[str]:
    """All test files, where there are some that pytest would not find by itself, such as Django's `app/tests.py`."""
    if "python_files" in config.options or "testpaths" in config.options:
        return []
    tests = sorted(path for path in files.paths if TEST_FILE.fullmatch(path) and not path.endswith("conftest.py"))
    overlooked = [path for path in tests if not _BY_DEFAULT.fullmatch(path)]
    alone = overlooked and (len(overlooked) == len(tests) or is_django(files))
    return tests if alone and len(tests) <= _MOST_NAMED else []


def _names_twice(files: Files, config: PytestConfig) -> bool:
    """Two test modules of one name in directories that are no packages: pytest's usual way imports only one of them."""
    tests = [path for path in files.paths if _BY_DEFAULT.fullmatch(path)]
    loose = [path for path in tests if f"{path.rpartition('/')[0]}/__init__.py".lstrip("/") not in files]
    names = Counter(path.rpartition("/")[2] for path in loose)
    return "import-mode" not in config.addopts and any(count > 1 for count in names.values())


def of_todays_pytest(command: str, files: Files) -> str:
    """Where warnings are errors, and pytest is a newer one than the project knows: not what pytest says of itself."""
    config = pytest_config(files)
    strict = re.search(r"(^|\s)error(\s|::|$)", config.options.get("filterwarnings", ""))
    strict = strict or re.search(r"-W[ =]?error", config.addopts)
    return command.replace(_PYTEST, f"{_PYTEST} {_QUIET}") if strict else command


_QUIET = "-W ignore::pytest.PytestDeprecationWarning"


def forgiving(command: str, files: Files) -> str:
    """Without options of the configuration, which may name plugins that are missing; no warning is an error.

    The sources are found without the project being installed.
    """
    start = next((f"PYTHONPATH={name} " for name in ("src", "lib") if files.any(rf"{name}/.*\.py")), "")
    start = "" if "PYTHONPATH=" in command else start
    if not command.endswith(_PYTEST) or " && " in command:
        return f"{start}{command}" if " && " not in command and not command.startswith("(") else command
    return f"{start}{command} -o addopts= -W ignore::DeprecationWarning"


def other_runners(files: Files) -> list[tuple[str, str]]:
    """Commands for tests that pytest cannot run as it is told to, and what they are."""
    found = []
    if is_django(files) or "DJANGO_SETTINGS_MODULE" in pytest_config(files).options:
        found.append((f"{_ON_SQLITE} {test_command(files, Needs())}", "with SQLite"))
    if "manage.py" in files:
        found.append(("python manage.py test -v 2", "manage.py"))
    found += [(f"python {path}", path) for path in _SCRIPTS if path in files][:1]
    directory = next(
        (name for name in ("tests", "test") if f"{name}/__init__.py" not in files and _in(files, name)), ""
    )
    start = f" -s {directory}" if directory else ""
    found.append((f"python -m unittest discover -v{start}", "unittest"))
    return found


def _in(files: Files, directory: str) -> bool:
    return any(path.startswith(f"{directory}/test") for path in files.paths)
