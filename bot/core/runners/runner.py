"""What we know about a test runner: a row of a table, and how such rows are found in commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from bot.core.reports.formats import Format


class Stream(Enum):
    """What of a command's output is its report. The rest of it is printed all the same."""

    NONE = ""
    OUTPUT = "1"
    ERRORS = "2"
    BOTH = "12"


@dataclass(frozen=True, slots=True)
class Change:
    """Of the words of a command. `add` stands where the runner's arguments begin, `append` at the end."""

    add: tuple[str, ...] = ()
    drop: Collection[int] = ()
    append: tuple[str, ...] = ()


Narrowing = Callable[[Sequence[str], int, Sequence[str]], "tuple[Change, ...]"]


def cannot(words: Sequence[str], at: int, files: Sequence[str]) -> tuple[Change, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Runner:
    """`find` tells where its arguments begin, None where it is not run. `{report}` in `ask` is the file to write.

    `silence` are options, with a value or without, that would get in the way. `narrow` makes it run only these files,
    all of which end with one of `suffixes`: once, or several times with a few each; never, where it cannot.
    """

    name: str
    find: Callable[[Sequence[str]], int | None]
    format: Format
    ask: tuple[str, ...] = ()
    ask_last: tuple[str, ...] = ()
    silence: Mapping[str, bool] = field(default_factory=dict)
    stream: Stream = Stream.NONE
    suffixes: tuple[str, ...] = ()
    narrow: Narrowing = cannot


# ----------------------------------------------------------------------------------------------------- finding programs

# Programs that only start another one, and the subcommands by which some of them do.
_WRAPPERS = frozenset(
    {
        "env",
        "npx",
        "bunx",
        "cross-env",
        "cross-env-shell",
        "c8",
        "nyc",
        "dotenv",
        "dotenvx",
        "node",
        "tsx",
        "ts-node",
        "timeout",
        "time",
        "nice",
        "xvfb-run",
        "stdbuf",
        "python",
        "coverage",
        "electron",
        "php",
        "ruby",
        "perl",
        "npm",
        "pnpm",
        "yarn",
        "bun",
        "uv",
        "poetry",
        "pdm",
        "pipenv",
        "hatch",
        "rye",
        "pixi",
        "conda",
        "micromamba",
        "bundle",
    }
)
_SUBCOMMANDS = frozenset({"exec", "x", "dlx", "run", "node"})
_PYTHON = re.compile(r"python[\d.]*|pypy[\d.]*")
_BETWEEN = re.compile(r"[A-Za-z_]\w*=.*|\d+[smh]?|[-+].*", re.DOTALL)  # assignments, durations, options


def program(word: str) -> str:
    """`node_modules/jest/bin/jest.js`, `./node_modules/.bin/jest` -> `jest`; `python3.12` -> `python`."""
    name = re.sub(r"\.[cm]?js$", "", word.rpartition("/")[2])
    return "python" if _PYTHON.fullmatch(name) else name


def find_program(names: str, *subcommands: str) -> Callable[[Sequence[str]], int | None]:
    """A finder of a program by any of its names, behind wrappers; `go test` has a subcommand."""
    known = frozenset(names.split())

    def find(words: Sequence[str]) -> int | None:
        at = program_at(words, known)
        if at is None or not subcommands:
            return None if at is None else at + 1
        given = next((i for i in range(at + 1, len(words)) if not words[i].startswith(("-", "+"))), None)
        return given + 1 if given is not None and words[given] in subcommands else None

    return find


def program_at(words: Sequence[str], known: Collection[str]) -> int | None:
    """The first word that names one of them, when all before it only start others, or are what these are given."""
    for at, word in enumerate(words):
        if not word.startswith("-") and program(word) in known:
            return at if all(_is_on_the_way(words, before) for before in range(at)) else None
    return None


def _is_on_the_way(words: Sequence[str], at: int) -> bool:
    word = words[at]
    if program(word) in _WRAPPERS or (at and (word in _SUBCOMMANDS or _BETWEEN.fullmatch(word))):
        return True
    return at > 1 and words[at - 1].startswith("-")  # the value of an option


# ------------------------------------------------------------------------------------ arguments that are there

_WITHOUT_VALUE = re.compile(
    r"--|-[qvxslw]+|-lr|--(quiet|verbose|exitfirst|strict\S*|lf|ff|nf|sw|test|run|tap|json|ci|no-\S+)|.*=.*"
)


def targets(words: Sequence[str], at: int) -> frozenset[int]:
    """Arguments that say what to test. In doubt they do not: it may be the value of the option before it."""
    return frozenset(index for index in range(at, len(words)) if _is_target(words[index - 1], words[index]))


def _is_target(before: str, word: str) -> bool:
    is_value = before.startswith("-") and not _WITHOUT_VALUE.fullmatch(before)
    return not word.startswith("-") and not is_value


def appended(words: Sequence[str], at: int, files: Sequence[str]) -> tuple[Change, ...]:
    """How most runners take files: as their last arguments."""
    return (Change(drop=targets(words, at), append=tuple(files)),)


def given(words: Sequence[str], at: int, options: Mapping[str, bool]) -> frozenset[int]:
    """Where these options stand, with their values where they have some: as `--x value` or `--x=value`.

    One that is only meant with a certain value is written with it: `-p no:junitxml`.
    """
    found = set[int]()
    for index in range(at, len(words)):
        name, equals, _ = words[index].partition("=")
        if " ".join(words[index : index + 2]) in options:
            found |= {index, index + 1}
        elif name in options:
            found.add(index)
            if options[name] and not equals and index + 1 < len(words):
                found.add(index + 1)
    return frozenset(found)
