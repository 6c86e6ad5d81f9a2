"""What the log of a failed job shows that we can hold against our own results: names of tests, versions of languages.

Anybody's text, up to 200 kB of it: each pattern is anchored at the start of a line and has a limit, so that reading it
takes linear time. What is found is compared, and never obeyed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.core.model import Baseline, Toolchain

MOST_TESTS = 100  # that are read from one log
_NAME = r"([^\s\[(].{0,200})"
_FAILING = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"^FAILED (\S{1,300}::[^\s].{0,200}?)(?: - .*)?$",  # pytest
        r"^ERROR (\S{1,300}::[^\s].{0,200}?)(?: - .*)?$",
        r"^(\S{1,300}::\S{1,200}) FAILED\b",
        r"^(?:FAIL|ERROR): (\w{1,200} \([\w.]{1,300}\))",  # unittest
        r"^ {0,8}--- FAIL: (\S{1,300}) \(",  # Go
        r"^test (\S{1,300}) \.\.\. FAILED",  # cargo
        r"^ {0,8}not ok \d{1,9}(?: -)? " + _NAME + r"$",  # TAP
        r"^ {0,8}● " + _NAME + r"$",  # Jest
        r"^ {0,8}✖ " + _NAME + r"$",  # node
        r"^rspec (\S{1,300})",
    )
)
_VERSIONS = {
    "Python": re.compile(r"\b[Pp]ython[ /=v-]{0,3}(\d\.\d{1,2})\b"),
    "Node": re.compile(r"\b[Nn]ode(?:\.js)?[ :/=v-]{0,4}(\d{2})\b"),
    "Go": re.compile(r"\bgo(?: version go|-| )?(1\.\d{1,2})\b"),
    "Ruby": re.compile(r"\b[Rr]uby[ :/=v-]{0,3}(\d\.\d)\b"),
    "Java": re.compile(r"\b(?:[Jj]ava|JDK|jdk)[ :/=v-]{0,3}(\d{1,2})\b"),
}
_LANGUAGES = {"python": "Python", "node": "Node", "go": "Go", "ruby": "Ruby", "java": "Java"}
_OF_JOB = {"Python": re.compile(r"\b(3\.\d{1,2})\b"), "Node": re.compile(r"\b(1\d|2\d)(?:\.x)?\b")}
_READ_FOR_VERSIONS = 20_000  # characters


@dataclass(frozen=True, slots=True)
class Version:
    """Of a language, in CI and here."""

    language: str
    there: str
    here: str


@dataclass(frozen=True, slots=True)
class Matched:
    """Tests that fail in CI: those that pass here every time, those that fail here, too, and how many we do not run."""

    pass_here: tuple[str, ...] = ()
    fail_here: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    version: Version | None = None


def matched(name: str, log: str, toolchain: Toolchain | None, baseline: Baseline | None) -> Matched:
    """`name`: of the check, which often says what it runs with: `test (3.9)`."""
    failing = failing_tests(log)
    version = _version(name, log, toolchain, baseline)
    if baseline is None:
        return Matched(unknown=failing, version=version)
    stable, red = _by_end(baseline.stable), _by_end(baseline.failing)
    here = [test for test in failing if _end(test) in stable]
    too = [test for test in failing if _end(test) in red and test not in here]
    rest = [test for test in failing if test not in here and test not in too]
    return Matched(tuple(here), tuple(too), tuple(rest), version)


def failing_tests(log: str) -> tuple[str, ...]:
    found = dict.fromkeys(test.strip() for pattern in _FAILING for test in _first(pattern, log))
    return tuple(found)[:MOST_TESTS]


def _first(pattern: re.Pattern[str], log: str) -> Iterator[str]:
    for number, match in enumerate(pattern.finditer(log)):
        if number >= MOST_TESTS:
            return
        yield match[1]


def _end(test: str) -> tuple[str, ...]:
    """The last two words of a name: runners write the way there differently."""
    words = [word for word in re.split(r"::|[./\\ ()]+", test[:500]) if word and word != "py"]
    return tuple(words[-2:])


def _by_end(tests: Sequence[str]) -> frozenset[tuple[str, ...]]:
    return frozenset(_end(test) for test in tests)


def _version(name: str, log: str, toolchain: Toolchain | None, baseline: Baseline | None) -> Version | None:
    """None: the same, or not known on one side."""
    language = _LANGUAGES.get(toolchain.ecosystem, "") if toolchain is not None else ""
    if toolchain is None or not language:
        return None
    there = _found(_VERSIONS[language], name) or _found(_OF_JOB.get(language), name)
    there = there or _found(_VERSIONS[language], log[:_READ_FOR_VERSIONS])
    ours = "\n".join([*toolchain.setup, *toolchain.notes, toolchain.why, baseline.tail if baseline else ""])
    here = _found(_VERSIONS[language], ours[:_READ_FOR_VERSIONS])
    return Version(language, there, here) if there and here and there != here else None


def _found(pattern: re.Pattern[str] | None, text: str) -> str:
    match = pattern.search(text) if pattern is not None else None
    return match[1] if match else ""
