"""A patch as people read it: file by file, each line with its numbers before and after.

Bounded: of a patch that is longer than anybody reads, the beginning, and how much is missing. Lines are told from
headers by counting, so that no content looks like another file. patches.py says why this is no library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from bot.core.candidate.patches import path_in

MOST_LINES = 1_500  # of a patch
LONGEST_LINE = 1_000  # characters

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")


class LineKind(StrEnum):
    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    HUNK = "hunk"


@dataclass(frozen=True, slots=True)
class DiffLine:
    """`old`, `new`: its number on each side, 0 where it is not there."""

    kind: LineKind
    text: str
    old: int = 0
    new: int = 0

    @property
    def sign(self) -> str:
        return {LineKind.ADDED: "+", LineKind.REMOVED: "-"}.get(self.kind, " ")


@dataclass(frozen=True, slots=True)
class FileDiff:
    """`note`: "new file", "deleted", "binary", or nothing. `left_out`: lines that are not shown."""

    path: str
    lines: tuple[DiffLine, ...] = ()
    note: str = ""
    left_out: int = 0


@dataclass(slots=True)
class _File:
    path: str
    note: str = ""
    lines: list[DiffLine] = field(default_factory=list)
    old: int = 0
    new: int = 0
    old_left: int = 0
    new_left: int = 0

    @property
    def is_in_hunk(self) -> bool:
        return self.old_left > 0 or self.new_left > 0

    def begin(self, line: str, hunk: re.Match[str]) -> None:
        old, old_left, new, new_left = (1 if number is None else int(number) for number in hunk.groups())
        self.old, self.new, self.old_left, self.new_left = old, new, old_left, new_left
        self.lines.append(DiffLine(LineKind.HUNK, _cut(line)))

    def take(self, line: str) -> None:
        text = _cut(line[1:])
        match line[0]:
            case "+":
                self.lines.append(DiffLine(LineKind.ADDED, text, new=self.new))
            case "-":
                self.lines.append(DiffLine(LineKind.REMOVED, text, old=self.old))
            case _:
                self.lines.append(DiffLine(LineKind.SAME, text, self.old, self.new))
        if line[0] != "+":
            self.old, self.old_left = self.old + 1, self.old_left - 1
        if line[0] != "-":
            self.new, self.new_left = self.new + 1, self.new_left - 1


def diff_of(patch: str) -> tuple[FileDiff, ...]:
    room, found = MOST_LINES, []
    for file in _files(patch):
        shown = file.lines[:room]
        room -= len(shown)
        found.append(FileDiff(file.path, tuple(shown), file.note, len(file.lines) - len(shown)))
    return tuple(found)


def _files(patch: str) -> Iterator[_File]:
    file: _File | None = None
    for line in patch.split("\n"):
        if file and file.is_in_hunk and line[:1] in (" ", "+", "-"):
            file.take(line)
        elif line.startswith("diff --git "):
            if file:
                yield file
            file = _File(path_in(line))
        elif file and (hunk := _HUNK.match(line)):
            file.begin(line, hunk)
        elif file and (note := _note(line)):
            file.note = note
    if file:
        yield file


def _note(line: str) -> str:
    for beginning, note in (("new file", "new"), ("deleted file", "deleted"), ("GIT binary patch", "binary")):
        if line.startswith(beginning):
            return note
    return ""


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} …"
