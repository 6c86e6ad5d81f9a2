"""pytest, unittest, Django's `manage.py test`.

pytest is asked through its environment, which reaches it behind make and the like as well: see recipe.py.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from bot.core.reports.formats import Format
from bot.core.runners.runner import Change, Runner, Stream, appended, find_program, given, program, program_at

# One file that cannot be loaded must not silence the others, and neither must the first failure.
PYTEST_OPTIONS = "--continue-on-collection-errors --maxfail=0 --junitxml={report}"  # `addopts` may hold `-x`
# Where two test files of one name collide ("import file mismatch"), for a plan that is tried after the first.
PYTEST_IMPORTS_BY_PATH = "--import-mode=importlib"
USAGE_ERROR = 4  # pytest's exit code for options that it does not know


def _unittest(words: Sequence[str]) -> int | None:
    at = program_at(words, frozenset({"unittest"}))
    return at + 1 if at and words[at - 1] == "-m" else None


def _django(words: Sequence[str]) -> int | None:
    for at in range(len(words) - 1):
        if program(words[at]) in ("manage.py", "django-admin", "django") and words[at + 1] == "test":
            return at + 2 if at == 0 or program_at(words[:at], frozenset({"python"})) is not None else None
    return None


def _module(file: str) -> str:
    return file.removeprefix("./").removesuffix(".py").replace("/", ".")


def _modules(words: Sequence[str], at: int, files: Sequence[str]) -> tuple[Change, ...]:
    named = [index for index in range(at, len(words)) if re.fullmatch(r"[\w.]+|[\w./-]+\.py", words[index])]
    named = [index for index in named if not words[index].startswith("-") and words[index - 1] not in _TAKES_VALUE]
    return (Change(drop=frozenset(named), append=tuple(_module(file) for file in files)),)


_TAKES_VALUE = ("-k", "-s", "-p", "-t", "-v", "--settings", "--parallel", "--verbosity", "--tag", "--exclude-tag")


def _unittest_files(words: Sequence[str], at: int, files: Sequence[str]) -> tuple[Change, ...]:
    """Discovery goes on from where it was, one name at a time: modules named directly would be called otherwise."""
    rest = words[at:]
    named = [word for word in rest if not word.startswith("-")]
    if named and named[0] != "discover":
        return _modules(words, at, files)
    discover = () if named else ("discover",)
    drop = given(words, at, {"-p": True, "--pattern": True})
    names = sorted({PurePosixPath(file).name for file in files})
    return tuple(Change(add=discover, drop=drop, append=(f"--pattern={name.replace('[', '[[]')}",)) for name in names)


PYTEST = Runner(
    "pytest",
    find_program("pytest py.test"),
    Format.JUNIT,
    ask_last=("--maxfail=0",),  # behind a `-x` that stands there
    silence={"-p no:junitxml": False, "-pno:junitxml": False},
    suffixes=(".py",),
    narrow=appended,
)

RUNNERS = (
    PYTEST,
    Runner(
        "unittest",
        _unittest,
        Format.UNITTEST,
        ask_last=("-v",),
        silence={"-q": False, "--quiet": False, "-f": False, "--failfast": False},
        stream=Stream.ERRORS,
        suffixes=(".py",),
        narrow=_unittest_files,
    ),
    Runner(
        "django",
        _django,
        Format.UNITTEST,
        ask=("--verbosity=2",),
        silence={"-v": True, "--verbosity": True, "--failfast": False},
        stream=Stream.ERRORS,
        suffixes=(".py",),
        narrow=_modules,
    ),
)
