"""How to make a test runner tell about single tests, and how to run only some files.

Commands are shell lines from the repository's configuration or from detection. They are only rewritten where they are
one plain command; anything with shell syntax in it is run as it is.
"""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

REPORT_FOLDER = "/home/agent/.solvebot"  # kept between commands, outside the workspace and so outside every candidate
REPORT = f"{REPORT_FOLDER}/report.xml"

# Java's runners write a file per class, below folders with fixed names. They are joined by NUL, which XML cannot hold.
_JAVA_FOLDERS = ("surefire-reports", "failsafe-reports", "test-results")
_FIND_FOLDERS = f"find . -type d \\( {' -o '.join(f'-name {name}' for name in _JAVA_FOLDERS)} \\)"
_REMOVE_JAVA_REPORTS = f"{_FIND_FOLDERS} -prune -exec rm -rf {{}} +"
_JOIN_JAVA_REPORTS = (
    f"{_FIND_FOLDERS} -prune -exec find {{}} -type f -name 'TEST-*.xml' \\; | sort"
    f" | while IFS= read -r file; do printf '\\0'; cat -- \"$file\"; done > {REPORT}"
)
_JAVA = frozenset({"mvn", "mvnw", "gradle", "gradlew"})

_SHELL_SYNTAX = re.compile(r"[;&|<>()$`*?\[\]{}~\\\n#!]")
_ASSIGNMENT = re.compile(r"\w+=")
_WITHOUT_VALUE = re.compile(r"-[qvxsl]+|--(quiet|verbose|exitfirst|strict\S*|lf|ff|nf|sw|test|no-\S+)|.*=.*")


@dataclass(frozen=True, slots=True)
class Recipe:
    """One execution of the test command, so that it leaves its report at `REPORT`, where its runner can.

    `before` and `after` are commands of our own; what they print and how they end does not matter.
    """

    command: str
    before: str = f"mkdir -p {REPORT_FOLDER}"
    after: str | None = None


def recipe(command: str) -> Recipe:
    """pytest is asked through its environment, which reaches it behind make and the like; others where we see them."""
    words = _plain_words(command) or []
    if any(word.rpartition("/")[2] in _JAVA for word in words):
        return Recipe(command, before=f"mkdir -p {REPORT_FOLDER}; {_REMOVE_JAVA_REPORTS}", after=_JOIN_JAVA_REPORTS)
    if _is_node_test(words):
        at = words.index("--test") + 1
        reporting = ["--test-reporter=junit", f"--test-reporter-destination={REPORT}"]
        return Recipe(shlex.join([*words[:at], *reporting, *words[at:]]))
    return Recipe(f"export PYTEST_ADDOPTS=--junitxml={REPORT}\n{command}")


def documents(report: bytes) -> list[bytes]:
    """The JUnit documents in what a recipe left behind."""
    return [document for document in report.split(b"\0") if document.strip()]


def narrow(command: str, files: Sequence[str]) -> str | None:
    """The command, running only these files; None where we do not know how, and the whole of it has to run.

    File names are hostile: they are quoted, and `./` keeps them from being read as options.
    """
    words = _plain_words(command)
    start = _targets_start(words) if words else None
    if words is None or start is None or not files:
        return None
    kept = words[:start]
    for word in words[start:]:
        if not _is_target(kept[-1], word):
            kept.append(word)
    return shlex.join([*kept, *(f"./{file}" for file in files)])


def _plain_words(command: str) -> list[str] | None:
    """The words of one plain command, such that joining them again means the same; else None."""
    if _SHELL_SYNTAX.search(command):
        return None
    try:
        words = shlex.split(command)
    except ValueError:  # an open quote: the shell will say so
        return None
    assigned = itertools.takewhile(lambda word: _ASSIGNMENT.match(word), words)
    return words if all(shlex.quote(word) == word for word in assigned) else None


def _targets_start(words: Sequence[str]) -> int | None:
    """Where the arguments of a runner begin that takes files as arguments."""
    names = [word.rpartition("/")[2] for word in words]
    for program in ("pytest", "py.test"):
        if program in names:
            return names.index(program) + 1
    return words.index("--test") + 1 if _is_node_test(words) else None


def _is_node_test(words: Sequence[str]) -> bool:
    return "--test" in words and any(word.rpartition("/")[2] == "node" for word in words)


def _is_target(before: str, word: str) -> bool:
    """Is it a path to test? In doubt it is not: it may be the value of the option before it."""
    looks_like_path = "/" in word or word.endswith((".py", ".js", ".mjs", ".cjs", ".ts"))
    is_value = before.startswith("-") and not _WITHOUT_VALUE.fullmatch(before)
    return looks_like_path and not word.startswith("-") and not is_value


_CANARIES = {
    ".py": "\n\nraise RuntimeError('broken on purpose')\n",
    ".js": "\n;throw new Error('broken on purpose');\n",
    ".go": '\n\nfunc init() { panic("broken on purpose") }\n',
    ".rb": "\n\nraise 'broken on purpose'\n",
}
_CANARIES |= dict.fromkeys((".mjs", ".cjs", ".jsx", ".ts", ".tsx", ".mts", ".cts"), _CANARIES[".js"])


def canaries(test_files: Iterable[str], stable: Iterable[str]) -> list[str]:
    """Those that can be broken on purpose, first the ones after which stable tests seem to be named."""
    words = {word for name in stable for word in name.partition("::")[0].split(".")}
    breakable = [path for path in test_files if PurePosixPath(path).suffix in _CANARIES]
    return sorted(breakable, key=lambda path: (PurePosixPath(path).stem not in words, path))


def break_on_purpose(path: str, content: bytes) -> bytes:
    """A file that can no longer be loaded, but loads before it fails all that it tests: one of the `canaries`."""
    return content + _CANARIES[PurePosixPath(path).suffix].encode()
