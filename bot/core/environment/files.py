"""The paths of a repository, and the texts of those that say how it is set up and tested."""

from __future__ import annotations

import functools
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_TEXT = 262_144  # characters of a file that are looked at


@dataclass(frozen=True, slots=True)
class Files:
    """`paths` are relative to the top, or to the directory that `below` named."""

    paths: frozenset[str]
    texts: Mapping[str, str]

    def __contains__(self, path: str) -> bool:
        return path in self.paths

    def text(self, path: str) -> str:
        return self.texts.get(path, "")[:MAX_TEXT]

    def any(self, pattern: str) -> bool:
        matches = re.compile(pattern).fullmatch
        return any(matches(path) for path in self.paths)

    def count(self, *endings: str) -> int:
        return sum(path.endswith(endings) for path in self.paths)

    def below(self, directory: str) -> Files:
        """The same as if `directory` were the top. It ends without a slash."""
        start = f"{directory}/"
        paths = frozenset(path[len(start) :] for path in self.paths if path.startswith(start))
        return Files(paths, {path[len(start) :]: text for path, text in self.texts.items() if path.startswith(start)})

    def toml(self, path: str) -> Mapping[str, Any]:
        """Empty when it is not there, or no TOML: not ours to complain about, its own tools will."""
        return _toml(self.text(path))

    def json(self, path: str) -> Mapping[str, Any]:
        """The same for JSON whose top is an object."""
        try:
            value = json.loads(self.text(path) or "{}")
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}


@functools.lru_cache(maxsize=32)
def _toml(text: str) -> Mapping[str, Any]:
    """Many ask for the same file."""
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return {}


def table(parent: object, *keys: str) -> Mapping[str, Any]:
    """A table within tables; empty where anything on the way is missing or no table."""
    for key in keys:
        parent = parent.get(key) if isinstance(parent, Mapping) else None
    return parent if isinstance(parent, Mapping) else {}


def words(value: object) -> list[str]:
    """The strings of a list; of anything else, none."""
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
