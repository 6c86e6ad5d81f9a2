"""Runners of Ruby, PHP, Perl and shell.

RSpec and minitest are asked through their environment as well, which reaches them behind rake: see recipe.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.core.reports.formats import Format
from bot.core.runners.runner import Change, Runner, Stream, appended, find_program, program_at, targets


def _one_each(words: Sequence[str], at: int, files: Sequence[str]) -> tuple[Change, ...]:
    """PHPUnit takes one path."""
    return tuple(Change(drop=targets(words, at), append=(file,)) for file in files)


def _rake_files(words: Sequence[str], at: int, files: Sequence[str]) -> tuple[Change, ...]:
    drop = frozenset(index for index in range(at, len(words)) if words[index].startswith("TEST="))
    return tuple(Change(drop=drop, append=(f"TEST={file.removeprefix('./')}",)) for file in files)


def _artisan(words: Sequence[str]) -> int | None:
    at = program_at(words, frozenset({"artisan"}))
    return at + 2 if at is not None and list(words[at + 1 : at + 2]) == ["test"] else None


_STOPS = ("--stop-on-failure", "--stop-on-error", "--stop-on-defect")

RUNNERS = (
    Runner(
        "rspec",
        find_program("rspec"),
        Format.RSPEC,
        silence={"--fail-fast": False},
        suffixes=("_spec.rb",),
        narrow=appended,
    ),
    Runner(
        "rake",
        find_program("rake", "test"),
        Format.MINITEST,
        stream=Stream.OUTPUT,
        suffixes=(".rb",),
        narrow=_rake_files,
    ),
    Runner(
        "rails",
        find_program("rails", "test"),
        Format.MINITEST,
        ask_last=("-v",),
        silence={"-f": False, "--fail-fast": False},
        stream=Stream.OUTPUT,
        suffixes=(".rb",),
        narrow=appended,
    ),
    Runner(
        "phpunit",
        find_program("phpunit pest simple-phpunit"),
        Format.JUNIT,
        ask=("--log-junit={report}",),
        silence={"--log-junit": True, **dict.fromkeys(_STOPS, False)},
        suffixes=(".php",),
        narrow=_one_each,
    ),
    Runner(
        "artisan",
        _artisan,
        Format.JUNIT,
        ask=("--log-junit={report}",),
        silence={"--parallel": False, "-p": False, **dict.fromkeys(_STOPS, False)},
        suffixes=(".php",),
        narrow=_one_each,
    ),
    Runner(
        "prove",
        find_program("prove"),
        Format.PROVE,
        ask=("-v",),
        silence={"-j": True, "--jobs": True, "-q": False, "-Q": False, "--quiet": False},
        stream=Stream.OUTPUT,
        suffixes=(".t",),
        narrow=appended,
    ),
    Runner(
        "bats",
        find_program("bats"),
        Format.TAP,
        ask=("--tap",),
        silence={"-F": True, "--formatter": True, "-p": False, "--pretty": False, "-t": False, "--tap": False},
        stream=Stream.OUTPUT,
        suffixes=(".bats",),
        narrow=appended,
    ),
)
