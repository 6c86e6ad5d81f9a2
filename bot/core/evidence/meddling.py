"""Changes to what runs the tests, rather than to what they are about.

A fix has no business with the test runner: product code that begins to look at `pytest`, a `sitecustomize.py`, a hook
that picks tests or reports. Most of it is exposed when things are run. All of it is said, first, and people look at it
before anybody calls it ready. What the base commit's version of a file does already is nobody's doing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from bot.core.candidate.file_roles import FileRoles
from bot.core.candidate.patches import read_patch
from bot.core.candidate.testfiles import sets_the_runner_up
from bot.core.model import Candidate

_MOST_LINES = 20_000
_LONGEST = 2_000  # characters of a line
_SCRIPT = ".js .jsx .ts .tsx .mjs .cjs .mts .cts"

# Modules and packages that Python or a runner loads in place of its own, where they stand at the top.
_IN_THE_WAY = re.compile(
    r"(?:src/|lib/|tests?/)?(?:(?:site|user)customize|_?pytest|unittest|doctest|pluggy|nose2?|xdist)(?:\.py|/.*)"
    r"|(?:.*/)?[^/]+\.pth|(?:.*/)?node_modules/.*"
)
_PYTHON = r"""
      ^\s*(?:import|from)\s+(?:_?pytest|unittest|pluggy|nose2?|xdist|doctest)\b | \bdef\s+pytest_\w+\s*\(
    | ["'](?:_pytest|pytest|unittest|pluggy)(?:["'.]) | \bPYTEST_[A-Z_]+ | \bpytest_plugins\b
    | \batexit\b | \bos\._exit\( | \bsys\.settrace\( | \b(?:junit|report)[\w-]*\.xml\b | \b__import__\(\s*["']_?pytest
    | \b(?:site|user)customize\b
"""
_SCRIPTS = r"""
      \bassert(?:\.strict)?(?:\.\w+|\[[^\]]{1,40}\])\s*=[^=]
    | \b(?:globalThis|global|window)\.(?:it|test|describe|expect|assert)\b
    | \bprocess\.(?:on|once|prependListener)\(\s*['"](?:exit|beforeExit)['"] | ['"]node:test['"] | \bModule\._load\b
    | \brequire\.cache\b | \brequire\(\s*['"](?:node:)?assert
    | \bjest\.\w | ['"](?:@jest/|vitest|mocha|chai|jasmine|ava\b|tape?\b)
    | \bprocess\.env\.(?:JEST_|VITEST|NODE_TEST_CONTEXT)
"""
_TABLE = {
    ".py": _PYTHON,
    _SCRIPT: _SCRIPTS,
    ".rb": r"\b(?:Minitest|RSpec|Test::Unit|at_exit)\b",
    ".go": r'"testing"|\bos\.Args\b.*\btest\b|"-test\.',
    ".php": r"\bPHPUnit\b|\bregister_shutdown_function\b",
    ".java .kt .scala .groovy": r"\borg\.(?:junit|testng)\b|\bRuntime\.getRuntime\(\)\.halt\b",
    ".exs .ex": r"\bExUnit\b",
}
_OF_PRODUCT = {suffix: re.compile(text, re.VERBOSE) for suffixes, text in _TABLE.items() for suffix in suffixes.split()}
_HOOK = re.compile(
    r"""\bdef\s+pytest_\w+\s*\( | \bcollect_ignore(?:_glob)?\b | \bpytest_plugins\b | \bsys\.modules\b | \bsetattr\(""",
    re.VERBOSE,
)
_SETTING = re.compile(
    r"""\bpytest11\b | (?:^|[\s"'=])-p[\s"',]*\w | ["'](?:setupFiles|reporters?|globalSetup|require)["']?\s*:""",
    re.VERBOSE,
)


def meddled(candidate: Candidate, roles: FileRoles, before: Mapping[str, str]) -> tuple[str, ...]:
    """Paths, in the order of the patch. `before`: the base commit's texts of files that it changes, by path."""
    found = []
    for edit in read_patch(candidate.patch):
        pattern = _pattern(edit.path, roles)
        in_the_way = edit.path not in before and bool(edit.added) and _IN_THE_WAY.fullmatch(edit.path)
        if in_the_way or (pattern and _any(pattern, edit.added) and not _any(pattern, _lines(before, edit.path))):
            found.append(edit.path)
    return tuple(found)


def _lines(before: Mapping[str, str], path: str) -> list[str]:
    return before.get(path, "").split("\n")


def _any(pattern: re.Pattern[str], lines: Iterable[str]) -> bool:
    return any(pattern.search(line[:_LONGEST]) for line in list(lines)[:_MOST_LINES])


def _pattern(path: str, roles: FileRoles) -> re.Pattern[str] | None:
    """Tests themselves may do as they like: what they say is found by running them."""
    file = PurePosixPath(path)
    if file.name == "conftest.py":
        return _HOOK
    if roles.is_of_tests(path):
        return None
    if sets_the_runner_up(path) or file.name == "setup.py":
        return _SETTING
    return _OF_PRODUCT.get(file.suffix)
