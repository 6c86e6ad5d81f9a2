"""The combinations of a job's matrix, and the one whose versions the sandbox has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, product

from bot.core.environment.bounded_yaml import Value
from bot.core.environment.tools import Tools

MAX_COMBINATIONS = 256  # GitHub's own limit
MAX_INCLUDED = 100
_MAX_KEYS = 20

Combination = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Matrix:
    """`unknown`: names whose values another job computes; "*" when that may be any name."""

    combinations: tuple[Combination, ...] = ({},)
    unknown: frozenset[str] = frozenset()


def read_matrix(value: Value | None) -> Matrix:
    """`strategy.matrix` as GitHub expands it: the product of the lists, less `exclude`, and `include`."""
    if value is None or value == "":
        return Matrix()
    if not isinstance(value, dict):
        return Matrix(unknown=frozenset({"*"}))
    axes = {name: axis for name, axis in list(value.items())[:_MAX_KEYS] if name not in ("include", "exclude")}
    unknown = {name for name, axis in axes.items() if not isinstance(axis, list)}
    lists = {name: axis for name, axis in axes.items() if isinstance(axis, list)}
    combined = (dict(zip(lists, values, strict=True)) for values in product(*lists.values()))
    found: list[dict[str, Value]] = list(islice(combined, MAX_COMBINATIONS)) if lists else []
    excluded = _mappings(value.get("exclude"))
    found = [one for one in found if not any(_agrees(one, other) and other for other in excluded)]
    found = _with_included(found, _mappings(value.get("include")), set(lists))
    if isinstance(value.get("include"), str):
        unknown.add("*")
    return Matrix(tuple(found) or ({},), frozenset(unknown))


def _mappings(value: Value | None) -> list[dict[str, Value]]:
    listed = value if isinstance(value, list) else []
    return [dict(list(item.items())[:_MAX_KEYS]) for item in listed[:MAX_INCLUDED] if isinstance(item, dict)]


def _agrees(combination: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    return all(combination.get(name) == value for name, value in other.items())


def _with_included(
    found: list[dict[str, Value]], included: Sequence[dict[str, Value]], axes: set[str]
) -> list[dict[str, Value]]:
    """An entry adds to the combinations that it does not contradict; where there is none, it is one of its own."""
    original = [dict(one) for one in found]
    more: list[dict[str, Value]] = []
    for entry in included:
        own = {name: value for name, value in entry.items() if name in axes}
        fitting = [place for place, one in enumerate(original) if _agrees(one, own)]
        for place in fitting:
            found[place] |= entry
        if not fitting:
            more.append(dict(entry))
    return [*found, *more]


_UNUSUAL = re.compile(
    r"windows|macos|\bmac|darwin|win32|pypy|graalpy|nightly|\bdev\b|-dev|alpha|beta|\brc|minimal|minimum|\bmin\b|-min"
    r"|oldest|lowest|low(er)?-bound|bench|lint|docs?\b|typing|mypy|\btypes?\b|style|e2e|wasm|pyodide|freethread"
    r"|\dt\b|arm|s390|ppc|musl|alpine|release|freeze|deno|\bbun\b|canary|edge|next",
    re.IGNORECASE,
)
_PLAIN_VERSION = re.compile(r"v?(\d+)(?:\.(\d+))?(\.(?:\d+|x))?|(?:\d+\.)?x")
LANGUAGES = {"python3": re.compile(r"py(thon)?\b|py(thon)?[-_]?v|python", re.I), "node": re.compile(r"node", re.I)}


_REFERENCE = re.compile(r"matrix\.([\w-]+)")
_WHERE = re.compile(r"os\b|.*(version|platform|runner|arch|image)|go\b|ruby|java|jdk|php|rust|toolchain", re.IGNORECASE)


def parted_by(text: str, matrix: Matrix) -> str:
    """The name in `text` whose values differ between combinations and are neither versions nor systems; else ""."""
    names = [match[1] for match in _REFERENCE.finditer(text)]
    for name in dict.fromkeys(names):
        where = _WHERE.match(name) or any(pattern.match(name) for pattern in LANGUAGES.values())
        values = {value for one in matrix.combinations if isinstance(value := one.get(name), str)}
        if not where and len(values) > 1:
            return name
    return ""


def most_fitting(combinations: Sequence[Combination], tools: Tools) -> list[Combination]:
    """Those with the versions that the sandbox has first, then those with nothing unusual in them, then the newest."""

    def rank(combination: Combination) -> tuple[int, int, tuple[int, ...]]:
        texts = [(name, text) for name, text in combination.items() if isinstance(text, str)]
        unusual = sum(bool(_UNUSUAL.search(f"{name} {text}")) and text != "false" for name, text in texts)
        unfit, newest = 0, (0, 0)
        for program, pattern in LANGUAGES.items():
            for name, text in texts:
                if pattern.match(name):
                    unfit += _distance(text, tools.version(program), program)
                    newest = max(newest, _version(text))
        return unusual, unfit, tuple(-number for number in newest)

    return sorted(combinations, key=rank)


def _version(text: str) -> tuple[int, int]:
    match = _PLAIN_VERSION.fullmatch(text[:30])
    return (int(match[1] or 0), int(match[2] or 0)) if match else (0, 0)


def _distance(text: str, ours: tuple[int, ...], program: str) -> int:
    """0 for the same version, 1 for another one, 2 for one that is none or names a patch."""
    match = _PLAIN_VERSION.fullmatch(text[:30])
    if not match:
        return 0 if program == "node" and text.startswith(("lts", "latest", "current")) else 2
    same = _version(text)[:1] == ours[:1] if program == "node" else _version(text) == ours[:2]
    return 2 - same if match[3] and match[3] != ".x" else 1 - same
