"""Statements by which a test of a language other than Python fails, by the means that its own file uses.

They are put at the beginning of tests: where a test ends cannot be seen without reading its language as a whole. Some
fail by an assertion and some by an error, because either may have been replaced by what passes everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePosixPath

from bot.core.candidate.testfiles import names_of_tests

_OPENS = re.compile(r"(?:\{|\bdo(?:\s*\|[\w, ]*\|)?)\s*$")
_ON_ONE_LINE = re.compile(r"\bdef\s+test_\w+\s*(?:\(\s*\))?\s*$")  # of Ruby
_SCRIPT = ".js .jsx .ts .tsx .mjs .cjs .mts .cts"

_EQUALITY = re.compile(
    r"\b(?:assert(?:\.strict)?\.(?:equal|strictEqual|deepEqual|deepStrictEqual)|expect|assert|t\.(?:is|equal|deepEqual|same))"
    r"(?=\s*\()"
)
_TESTER = re.compile(r"\b(\w+)\s+\*testing\.[TF]\b")


def failing_statements(path: str, lines: Sequence[str], one: int, other: int) -> Iterator[tuple[int, str]]:
    """Statements, and the numbers of the lines behind which they belong. `one`, `other`: two numbers that differ."""
    make = _MAKERS.get(PurePosixPath(path).suffix)
    ways = make(lines, one, other) if make else []
    found = 0
    for number, line in enumerate(lines, 1):
        begins = any(names_of_tests(path, [line])) and (_OPENS.search(line) or _ON_ONE_LINE.search(line))
        if begins and ways:
            statement = ways[found % len(ways)](line)
            if statement:
                found += 1
                yield number, statement


_Way = Callable[[str], str]


def _always(statement: str) -> _Way:
    return lambda _: statement


def _of_scripts(lines: Sequence[str], one: int, other: int) -> list[_Way]:
    """What the file calls to compare, each in turn with an error."""
    text = "\n".join(lines)
    calls = list(dict.fromkeys(match.group() for match in _EQUALITY.finditer(text)))[:3]
    chai = re.search(r"\bexpect\([^\n]*\)\s*\.(?:to|not\.to)\b", text) is not None

    def compared(call: str) -> _Way:
        if call == "expect":
            return _always(f"expect({one}).{'to.equal' if chai else 'toBe'}({other});")
        if call == "assert":
            return _always(f"assert(Number('{one}') === {other});")
        if call.startswith("t."):
            return lambda line: f"{call}({one}, {other});" if re.search(r"\bt\b", line.partition("(")[2]) else ""
        return _always(f"{call}({one}, {other});")

    error = _always(f"if (Number('{one}') !== {other}) throw new Error('{one} is not {other}');")
    return [*map(compared, calls), error]


def _of_go(lines: Sequence[str], one: int, other: int) -> list[_Way]:
    def told(line: str) -> str:
        tester = _TESTER.search(line)
        return f'{tester[1]}.Errorf("got %d, want %d", {one}, {other})' if tester else ""

    return [told]


def _of_ruby(lines: Sequence[str], one: int, other: int) -> list[_Way]:
    expects = any(re.search(r"\bexpect\b", line) for line in lines)
    compared = f"expect({one}).to eq({other})" if expects else f"assert_equal {one}, {other}"
    return [_always(compared), _always(f"raise '{one} is not {other}'")]


def _of_rust(lines: Sequence[str], one: int, other: int) -> list[_Way]:
    return [_always(f"assert_eq!({one}_i64, {other}_i64);")]


def _of_php(lines: Sequence[str], one: int, other: int) -> list[_Way]:
    return [
        _always(f"$this->assertSame({one}, {other});"),
        _always(f"throw new \\RuntimeException('{one} is not {other}');"),
    ]


_MAKERS: dict[str, Callable[[Sequence[str], int, int], list[_Way]]] = {
    **dict.fromkeys(_SCRIPT.split(), _of_scripts),
    ".go": _of_go,
    ".rb": _of_ruby,
    ".rs": _of_rust,
    ".php": _of_php,
}
