"""The size of things: what a reader holds in the head at a time."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TypeAlias

import pytest

BOT = Path(__file__).parent.parent / "bot"
LONGEST_FILE = 400  # lines
LONGEST_FUNCTION = 50
MOST_PARAMETERS = 10  # of a constructor or a function, without those that have a default


SOURCES = {str(path.relative_to(BOT.parent)): path.read_text() for path in sorted(BOT.rglob("*.py"))}


def too_long(found: dict[str, str], most: int) -> list[str]:
    return [f"{name}: {lines}" for name, text in found.items() if (lines := len(text.splitlines())) > most]


Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


def functions(found: dict[str, str]) -> list[tuple[str, Function]]:
    return [
        (f"{name}:{node.lineno} {node.name}", node)
        for name, text in found.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def lines_of(node: Function) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def asked_of_callers(node: Function) -> int:
    """Parameters that everybody has to give, beside `self`."""
    given = [each.arg for each in (*node.args.posonlyargs, *node.args.args) if each.arg not in ("self", "cls")]
    named = sum(default is None for default in node.args.kw_defaults)
    return len(given) - len(node.args.defaults) + named


@pytest.fixture(scope="module")
def ours() -> list[tuple[str, Function]]:
    return functions(SOURCES)


def test_no_file_is_longer_than_400_lines() -> None:
    assert len(SOURCES) > 300
    assert too_long(SOURCES, LONGEST_FILE) == []


def test_no_function_is_longer_than_50_lines(ours: list[tuple[str, Function]]) -> None:
    assert len(ours) > 3000
    assert [f"{name}: {lines_of(node)}" for name, node in ours if lines_of(node) > LONGEST_FUNCTION] == []


def test_no_function_asks_for_more_than_10_things(ours: list[tuple[str, Function]]) -> None:
    wide = [f"{name}: {asked_of_callers(node)}" for name, node in ours if asked_of_callers(node) > MOST_PARAMETERS]
    assert wide == []


def test_a_long_file_and_a_long_function_would_be_seen() -> None:
    body = "    pass\n" * 50
    found = {"a.py": f"async def f(self, a, *, b, c=1):\n{body}", "b.py": "\n" * 401}
    assert too_long(found, LONGEST_FILE) == ["b.py: 401"]
    [(_, node)] = functions(found)
    assert lines_of(node) == 51
    assert asked_of_callers(node) == 2
