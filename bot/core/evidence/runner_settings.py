"""Old tests are run as the base commit says, not as a candidate does.

What decides which tests are run stands, among much else, in files that a candidate may have to change. So of these the
parts about tests are taken from the base commit while old tests are run. Files that are about nothing else are not
here: they count as what tests stand on, and are not a candidate's to bring.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import PurePosixPath

_OF_NODE = ("scripts", "jest", "mocha", "ava", "vitest", "tap", "nyc", "c8", "jasmine", "cypress", "wireit")
_HEADER = re.compile(r"^\[+\s*([^\]\n]+?)\s*\]+", re.M)
_OF_PYTHON = re.compile(
    r"""["']?tool["']?\s*\.\s*["']?(?:pytest|coverage|tox|nox|hatch\.envs|poe|taskipy|pdm\.scripts|pixi)\b.*
    | tool:pytest | pytest | coverage:.* | aliases | nosetests | green""",
    re.VERBOSE,
)
_ONLY_COMMANDS = re.compile(r"(?:GNU)?[Mm]akefile|[Jj]ustfile|Taskfile\.ya?ml|Rakefile")


def as_on_base(path: str, base: bytes, new: bytes) -> bytes | None:
    """The new file with what the base commit's says about tests; None where the two cannot be told apart."""
    name = PurePosixPath(path).name
    try:
        if name == "package.json":
            return _node(base, new)
        if name in ("pyproject.toml", "setup.cfg"):
            return _python(name, base.decode(), new.decode())
    except (ValueError, RecursionError, ConfigError):
        return None
    return base if _ONLY_COMMANDS.fullmatch(name) else None


def _node(base: bytes, new: bytes) -> bytes | None:
    old, now = json.loads(base or b"{}"), json.loads(new or b"{}")
    if not isinstance(old, dict) or not isinstance(now, dict):
        return None
    kept = {key: value for key, value in now.items() if key not in _OF_NODE}
    merged = kept | {key: old[key] for key in _OF_NODE if key in old}
    return new if merged == now else json.dumps(merged, indent=2).encode()


def _python(name: str, base: str, new: str) -> bytes:
    """Raises `ValueError` or a `configparser.Error` for what cannot be read."""
    read = tomllib.loads if name == "pyproject.toml" else ConfigParser(interpolation=None, strict=False).read_string
    read(new)
    parts, old = list(_sections(new)), list(_sections(base))
    if [part for part in parts if _is_of_tests(part)] == [part for part in old if _is_of_tests(part)]:
        return new.encode()
    text = "\n".join([part for part in parts if not _is_of_tests(part)] + [part for part in old if _is_of_tests(part)])
    read(text)
    return text.encode()


def _sections(text: str) -> Iterator[str]:
    """The text in pieces, each but the first beginning with its header."""
    starts = [match.start() for match in _HEADER.finditer(text)]
    ends = [*starts, len(text)]
    if text[: ends[0]].strip():
        yield text[: ends[0]]
    yield from (text[start:end].rstrip("\n") + "\n" for start, end in zip(starts, ends[1:], strict=True))


def _is_of_tests(section: str) -> bool:
    header = _HEADER.match(section)
    return header is not None and _OF_PYTHON.fullmatch(header[1]) is not None
