"""Runners of JavaScript and TypeScript."""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.reports.formats import Format
from bot.core.runners import reporters
from bot.core.runners.runner import Change, Runner, Stream, appended, find_program, program_at, targets

SCRIPTS = (".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".mts", ".cts")


def _vitest(words: Sequence[str]) -> int | None:
    at = find_program("vitest")(words)
    return at + 1 if at is not None and at < len(words) and words[at] in ("run", "watch", "dev") else at


def _bun(words: Sequence[str]) -> int | None:
    return find_program("bun", "test")(words)


def _node(words: Sequence[str]) -> int | None:
    at = program_at(words, frozenset({"node", "tsx"}))
    return words.index("--test", at) + 1 if at is not None and "--test" in words[at:] else None


def _jest_files(words: Sequence[str], at: int, files: Sequence[str]) -> tuple[Change, ...]:
    """It takes arguments as patterns, unless it is told that they are paths."""
    return (Change(drop=targets(words, at), append=("--runTestsByPath", *files)),)


def _vitest_files(words: Sequence[str], at: int, files: Sequence[str]) -> tuple[Change, ...]:
    """It looks for its arguments within paths; there is no `./` in these."""
    return (Change(drop=targets(words, at), append=tuple(file.removeprefix("./") for file in files)),)


_OWN = {"--reporter": True, "-R": True, "--reporter-option": True, "--reporter-options": True, "-O": True}
_WATCH = {"--watch": False, "-w": False, "--bail": False}

RUNNERS = (
    Runner(
        "mocha",
        find_program("mocha _mocha electron-mocha"),
        Format.EVENTS,
        ask=(f"--reporter={reporters.MOCHA}",),
        silence={**_OWN, **_WATCH, "-b": False},
        suffixes=SCRIPTS,
        narrow=appended,
    ),
    Runner(
        "jest",
        find_program("jest jest-cli"),
        Format.JEST,
        ask=("--ci", "--json", "--outputFile={report}", "--coverage=false"),
        silence={**_WATCH, "--watchAll": False, "-b": False, "--json": False, "--outputFile": True}
        | dict.fromkeys(("--coverage", "-o", "--onlyChanged", "--lastCommit"), False),
        suffixes=SCRIPTS,
        narrow=_jest_files,
    ),
    Runner(
        "vitest",
        _vitest,
        Format.JEST,
        ask=("--reporter=default", "--reporter=json", "--outputFile.json={report}", "--no-coverage"),
        silence={
            **_WATCH,
            "--bail": True,
            "--reporter": True,
            "--outputFile": True,
            "--coverage": False,
            "--coverage.enabled": False,
            "--changed": False,
        },
        suffixes=SCRIPTS,
        narrow=_vitest_files,
    ),
    Runner(
        "ava",
        find_program("ava"),
        Format.TAP,
        ask=("--tap",),
        silence={**_WATCH, "--tap": False, "-t": False, "--verbose": False, "-v": False, "--fail-fast": False},
        stream=Stream.OUTPUT,
        suffixes=SCRIPTS,
        narrow=appended,
    ),
    Runner(
        "tap",
        find_program("tap"),
        Format.TAP,
        ask=("--reporter=tap",),
        silence={**_WATCH, "--reporter": True, "-R": True, "-b": False},
        stream=Stream.OUTPUT,
        suffixes=SCRIPTS,
        narrow=appended,
    ),
    Runner("tape", find_program("tape"), Format.TAP, stream=Stream.OUTPUT, suffixes=SCRIPTS, narrow=appended),
    Runner(
        "jasmine",
        find_program("jasmine"),
        Format.EVENTS,
        ask=(f"--reporter={reporters.JASMINE}",),
        silence={"--reporter": True, "--fail-fast": False},
        suffixes=SCRIPTS,
        narrow=appended,
    ),
    Runner(
        "node",
        _node,
        Format.JUNIT,
        ask=(
            "--test-reporter=spec",
            "--test-reporter-destination=stdout",
            "--test-reporter=junit",
            "--test-reporter-destination={report}",
        ),
        silence={"--test-reporter": True, "--test-reporter-destination": True, "--watch": False},
        suffixes=SCRIPTS,
        narrow=appended,
    ),
    Runner(
        "bun",
        _bun,
        Format.JUNIT,
        ask=("--reporter=junit", "--reporter-outfile={report}"),
        silence={"--reporter": True, "--reporter-outfile": True, "--watch": False, "--bail": False},
        suffixes=SCRIPTS,
        narrow=appended,
    ),
    Runner(
        "deno",
        find_program("deno", "test"),
        Format.JUNIT,
        ask=("--junit-path={report}",),
        silence={"--junit-path": True, "--watch": False, "--fail-fast": False},
        suffixes=SCRIPTS,
        narrow=appended,
    ),
    Runner(
        "lab",
        find_program("lab"),
        Format.JUNIT,
        ask=("-r", "console", "-o", "stdout", "-r", "junit", "-o", "{report}"),
        silence={"-r": True, "--reporter": True, "-o": True, "--output": True},
        suffixes=SCRIPTS,
        narrow=appended,
    ),
)
