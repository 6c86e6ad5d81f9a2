"""Which untracked files of a workspace are scratch: by-products of working, no part of a candidate.

A file that the base commit tracks is never scratch. An untracked one is, when the .gitignore files of the base commit
say so, by git's own rules; where those are silent, by what tools and agents are known to leave behind. A .gitignore
that the agent wrote says nothing here. What is wanted stays in doubt: a new test in a tests directory is a regression
test, whatever it is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from bot.core.globs import Glob, parents, parse_globs, verdict

# Names that mean the same at every level and in every repository.
_CACHES = ("__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".parcel-cache", ".turbo")
_INSTALLED = ("node_modules", ".venv", "venv", ".tox", ".nox", ".eggs", ".gradle", ".bundle")
_REPORTS = (".nyc_output", "htmlcov", ".ipynb_checkpoints")
_DIRECTORIES = frozenset({*_CACHES, *_INSTALLED, *_REPORTS})

# What a build tool writes, and the files beside it that prove that it is one.
_PYTHON = frozenset({"pyproject.toml", "setup.py", "setup.cfg"})
_NODE = frozenset({"package.json"})
_GRADLE = frozenset({"build.gradle", "build.gradle.kts"})
_OUTPUTS = {
    "target": frozenset({"Cargo.toml", "pom.xml", "build.sbt"}),
    "build": _PYTHON | _NODE | _GRADLE | {"CMakeLists.txt", "Makefile"},
    "dist": _PYTHON | _NODE,
    "coverage": _NODE,
}

# .gitignore syntax: a leading slash means the top level only.
_FILES = parse_globs(
    """
    *.pyc
    *.pyo
    *.egg-info/
    .coverage
    .coverage.*
    coverage.xml
    lcov.info
    *.orig
    *.rej
    *.swp
    *.swo
    *~
    .DS_Store
    Thumbs.db
    core.[0-9]*
    nohup.out
    npm-debug.log*
    /patch.txt
    /*.patch
    /*.diff
    /repro*.*
    /debug_*.*
    """.replace(" ", "")
)
_TOP_LEVEL_REPRODUCTION = parse_globs("/test_repro*")

_REPRODUCTION = parse_globs("repro*.*\ndebug_*.*\ntest_repro*\n")


def is_reproduction(path: str) -> bool:
    """By its name: what agents call the scripts in which they look at the problem."""
    return bool(verdict(_REPRODUCTION, path))


MAX_RULES = 2_000  # lines of .gitignore that are obeyed, those of the upper directories first


class Scratch:
    """Answers for one base commit. `tracked`: its paths; `ignore_files`: path of each .gitignore to its text.

    Takes time in proportion to rules and depth of a path, and both come from outside: whoever asks bounds the depth.
    """

    def __init__(self, tracked: Iterable[str], ignore_files: Mapping[str, str]) -> None:
        self._tracked = frozenset(tracked)
        self._tracked_directories = frozenset(parent for path in self._tracked for parent in parents(path))
        self._globs = _obeyed(ignore_files)
        self._tests_at_the_top = any("/" not in path and path.startswith("test_") for path in self._tracked)
        self._directories: dict[str, bool] = {"": False}

    def __contains__(self, path: object) -> bool:
        """Whether the file at this path, relative to the top, is scratch."""
        if not isinstance(path, str) or path in self._tracked:
            return False
        directory = path[: path.rfind("/") + 1]
        if self._drops_directory(directory):
            return True
        ignored = self._ignored(path)
        return self._left_behind(path) if ignored is None else ignored

    def _drops_directory(self, directory: str) -> bool:
        """`directory` ends with a slash. Git never looks into an ignored directory, so nothing in it comes back."""
        known = self._directories.get(directory)
        if known is None:
            parent = directory[: directory.rfind("/", 0, -1) + 1]
            known = self._drops_directory(parent) or self._is_dropped(directory, parent)
            self._directories[directory] = known
        return known

    def _is_dropped(self, directory: str, parent: str) -> bool:
        ignored = self._ignored(directory)
        if ignored is not None:
            return ignored
        if directory in self._tracked_directories:
            return False
        name = directory[len(parent) : -1]
        proofs = _OUTPUTS.get(name, frozenset())
        return (
            name in _DIRECTORIES
            or any(parent + proof in self._tracked for proof in proofs)
            or self._left_behind(directory)
        )

    def _ignored(self, path: str) -> bool | None:
        """What the .gitignore nearest to the path says about it; None when none of them says anything."""
        for directory in (*parents(path), ""):
            said = verdict(self._globs.get(directory, ()), path[len(directory) :])
            if said is not None:
                return said
        return None

    def _left_behind(self, path: str) -> bool:
        if verdict(_FILES, path):
            return True
        return not self._tests_at_the_top and bool(verdict(_TOP_LEVEL_REPRODUCTION, path))


def _obeyed(ignore_files: Mapping[str, str]) -> dict[str, tuple[Glob, ...]]:
    """Directory -> what its .gitignore says."""
    obeyed = {}
    left = MAX_RULES
    for path in sorted(ignore_files, key=lambda path: (path.count("/"), path)):
        lines = islice((line for line in ignore_files[path].split("\n") if line.strip()), left)
        obeyed[path.removesuffix(".gitignore")] = globs = parse_globs("\n".join(lines))
        left -= len(globs)
    return obeyed


def heavy_directories(tracked: Iterable[str]) -> tuple[str, ...]:
    """Names of directories not worth taking out of a sandbox at all, at whatever level: none of them is tracked."""
    names = {name for path in tracked for name in path.split("/")[:-1]}
    return tuple(sorted(_DIRECTORIES - names))
