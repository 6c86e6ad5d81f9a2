"""Tests by an author who knows the issue and no candidate: whether, from what, for how much, and what is taken.

Where every candidate misunderstands the issue in the same way, their tests do too. So a cheap model of another family
than theirs writes some from the frozen issue and the repository's own customs. What it writes counts for no more than
anybody's test: it enters the pool only when it fails on the base commit and passes on a candidate.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from posixpath import dirname

from bot.core.asking import dollars_left, most_dollars
from bot.core.candidate.testfiles import is_test_file, sets_the_runner_up
from bot.core.evidence.pooling import unbroken
from bot.core.model import ModelSpec, Script, SolveFacts

MOST_DOLLARS = 0.05
ANSWER_TOKENS = 6_000  # with what the model thinks before it answers
MOST_FILES = 3
MOST_BYTES = 8_000  # of all files together
EXAMPLE = 4_000  # bytes of a test file of the repository that are shown
_MAX_ANSWER = 200_000  # characters that are read
_FILE = re.compile(r"FILE: (\S{1,200})[ \t]*")
_FENCE = re.compile(r"(`{3,10})[\w+-]{0,20}[ \t]*")
_PLAIN = re.compile(r"(?:[A-Za-z0-9_][\w.+-]*/)*[A-Za-z0-9_][\w.+-]*", re.ASCII)


def is_worth_asking(facts: SolveFacts) -> bool:
    """Tests can be run here, and there is a candidate to run them on."""
    runs = facts.baseline is not None and facts.baseline.runnable and facts.baseline.command is not None
    return runs and bool(unbroken([run.evidence for run in facts.runs if run.evidence]))


def affordable(model: ModelSpec, size: int, facts: SolveFacts) -> bool:
    """Within five cents, and within what is left of the solve's dollars. `size`: bytes of the question."""
    return most_dollars(model, size, ANSWER_TOKENS) <= min(MOST_DOLLARS, dollars_left(facts))


def example(paths: Sequence[str], hits: Mapping[str, Mapping[str, int]]) -> str | None:
    """The test file that speaks of the issue's words most often, else the first. `hits`: word -> path -> lines."""
    counted: dict[str, int] = {}
    for lines in hits.values():
        for path, count in lines.items():
            counted[path] = counted.get(path, 0) + count
    return min(filter(is_test_file, paths), key=lambda path: (-counted.get(path, 0), path), default=None)


def files_of(answer: str, known: Collection[str]) -> tuple[Script, ...]:
    """The test files of an answer, as far as they may be used. `known`: the paths of the base commit.

    Each is announced by a line `FILE: path` and stands between two fences. It has to be a new file that a runner
    collects, beside tests that are there, where there are any. Files that sources, settings or other tests might load
    are left out, and so is whatever is too much or has no end.
    """
    there = {path.casefold() for path in known}
    folders = {dirname(path) for path in known if is_test_file(path)}
    found: dict[str, Script] = {}
    room = MOST_BYTES
    for script in _written(answer[:_MAX_ANSWER]):
        size = len(script.text.encode("utf-8", "replace"))
        taken = script.path.casefold() in there or script.path in found
        if taken or size > room or len(found) == MOST_FILES or not _is_plain_test(script.path):
            continue
        if not folders or dirname(script.path) in folders:
            found[script.path] = script
            room -= size
    return tuple(found.values())


def _is_plain_test(path: str) -> bool:
    return bool(_PLAIN.fullmatch(path)) and is_test_file(path) and not sets_the_runner_up(path)


def _written(answer: str) -> Iterator[Script]:
    lines = answer.splitlines()
    path = ""
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if named := _FILE.fullmatch(line):
            path = named[1]
        elif opened := _FENCE.fullmatch(line):
            begin = at
            while at < len(lines) and lines[at].rstrip() != opened[1]:
                at += 1
            text = "\n".join(lines[begin:at])
            if path and text.strip() and at < len(lines):
                yield Script(path, f"{text}\n")
            path = ""
            at += 1
