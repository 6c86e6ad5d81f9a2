"""What is a test, by the customs of Python, JavaScript, Go, Rust, Java, Ruby and their neighbours.

Decided by path and by single lines, so that it works on a diff of a repository we have never built. A line says enough:
test functions and skip markers are written on one line wherever people format their code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

_SCRIPT = (".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".mts", ".cts")
_JVM = (".java", ".kt", ".scala", ".groovy")
_TEST_DIRECTORIES = frozenset({"test", "tests", "spec", "specs", "__tests__", "testing", "e2e"})
_SUPPORT_DIRECTORIES = _TEST_DIRECTORIES | {"testdata", "__mocks__", "__snapshots__", "__fixtures__"}
_JS_DIRECTORIES = frozenset({"test", "tests", "spec", "__tests__"})

_TEST_NAME = re.compile(
    r"test_[^/]*\.(?:py|rb|c|cc|cpp|sh)|[^/]*_test\.(?:py|go|rs|rb|exs|c|cc|cpp|dart|sh)|tests?\.(?:py|rs|sh)|[^/]*\.bats"
    r"|[^/]*_spec\.rb|[^/]*[.](?:test|spec|cy)\.[cm]?[jt]sx?"
    r"|[^/]*(?:Test|Tests|IT|Spec)\.(?:java|kt|scala|groovy|php|cs|swift)|Test[A-Z][^/]*\.(?:java|kt)"
)
_SUPPORT_NAME = re.compile(
    r"conftest\.py|pytest\.ini|\.pytest\.ini|tox\.ini|noxfile\.py|(?:jest|vitest|playwright|cypress|karma)\.conf(?:ig)?\.[a-z]+"
    r"|jest\.setup\.[a-z]+|\.mocharc[^/]*|\.rspec|spec_helper\.rb|rails_helper\.rb|test_helper\.rb|phpunit\.xml(?:\.dist)?"
)
# These also hold settings of the test runner, among much else.
_RUNNER_SETTINGS = re.compile(
    r"pyproject\.toml|setup\.cfg|package\.json|(?:GNU)?[Mm]akefile|[Jj]ustfile|Taskfile\.ya?ml|Rakefile|Cargo\.toml"
    r"|build\.gradle(?:\.kts)?|pom\.xml|composer\.json|deno\.jsonc?|mix\.exs|CMakeLists\.txt"
)


def is_test_file(path: str) -> bool:
    """A file whose tests a runner would collect."""
    file = PurePosixPath(path)
    directories = file.parts[:-1]
    if _SUPPORT_NAME.fullmatch(file.name) or not {"testdata", "fixtures"}.isdisjoint(directories):
        return False
    if _TEST_NAME.fullmatch(file.name):
        return True
    if file.suffix in _SCRIPT:
        return not _JS_DIRECTORIES.isdisjoint(directories[-1:]) or "__tests__" in directories
    return file.suffix == ".rs" and directories[-1:] == ("tests",)


def is_named_like_a_test(path: str) -> bool:
    """By the name of the file itself, wherever it stands."""
    return _TEST_NAME.fullmatch(PurePosixPath(path).name) is not None


def is_test_support(path: str) -> bool:
    """What tests stand on and is not collected: fixtures, helpers and data beside them, the runner's own settings."""
    if is_test_file(path):
        return False
    file = PurePosixPath(path)
    return bool(_SUPPORT_NAME.fullmatch(file.name)) or not _SUPPORT_DIRECTORIES.isdisjoint(file.parts[:-1])


def sets_the_runner_up(path: str) -> bool:
    """Settings of a runner, and code that it loads before the tests."""
    return bool(_SUPPORT_NAME.fullmatch(PurePosixPath(path).name)) or tells_the_runner(path)


def tells_the_runner(path: str) -> bool:
    """A file that may say, among other things, which tests are run."""
    return _RUNNER_SETTINGS.fullmatch(PurePosixPath(path).name) is not None


# The first group that matched is the name.
_NAMES = {
    ".py": re.compile(r"\s*(?:async\s+)?def\s+(test\w*)\s*\("),
    ".go": re.compile(r"func\s+((?:Test|Fuzz|Example)\w*)\s*\("),
    ".rs": re.compile(r"\s*(?:pub\s+)?(?:async\s+)?fn\s+(\w+)\s*[(<]"),
    ".rb": re.compile(r"\s*(?:def\s+(test_\w+)|(?:it|specify|test|scenario)\s*\(?\s*['\"]([^'\"]+))"),
    ".php": re.compile(r"\s*public\s+function\s+(test\w+)\s*\("),
}
_SCRIPT_NAME = re.compile(r"\s*(?:it|test|specify)(?:\.\w+)?\s*\(\s*['\"`]([^'\"`]+)")
_JVM_NAME = re.compile(r"\s*(?:public\s+|internal\s+|override\s+|suspend\s+)*(?:void|fun)\s+(`[^`]+`|\w+)\s*\(")


def names_of_tests(path: str, lines: Iterable[str]) -> Iterator[str]:
    """Names of the tests that these lines of a test file begin; none for a file that is not one."""
    suffix = PurePosixPath(path).suffix
    pattern = _SCRIPT_NAME if suffix in _SCRIPT else _JVM_NAME if suffix in _JVM else _NAMES.get(suffix)
    if pattern is not None and is_test_file(path):
        for line in lines:
            if match := pattern.match(line):
                yield next(group for group in match.groups() if group)
