"""What a patch adds to each file and takes from it, as git writes patches (`diff --git`, without renames).

Not with unidiff: it leaves the paths that git quotes as they are, so that a path with an umlaut would pass gates under
another name, and it knows no hunk that can be put back byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+\d+(?:,(\d{1,9}))? @@")


@dataclass(slots=True)
class Edit:
    """The lines of one file, without their signs. `unread`: the patch holds it as binary.

    `starts`: where lines of `added` begin that stand apart from those before. `places`: of each hunk, context
    included, its first line in the old file, and how many old lines it has.
    """

    path: str
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    places: list[tuple[int, int]] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    unread: bool = False

    @property
    def blocks(self) -> list[list[str]]:
        """The added lines, as they stand together."""
        bounds = sorted({0, *self.starts, len(self.added)})
        return [self.added[begin:end] for begin, end in pairwise(bounds)]


def read_patch(patch: str) -> Iterator[Edit]:
    """File by file. Lines are told from headers by counting: what looks like a header within a hunk is content."""
    edit: Edit | None = None
    old = new = 0
    for line in patch.split("\n"):
        if edit and (old or new) and line[:1] in (" ", "+", "-"):
            old -= line[0] != "+"
            new -= line[0] != "-"
            if line[0] != "+":
                start, seen = edit.places[-1]
                edit.places[-1] = (start, seen + 1)
            if line[0] == " ":
                edit.starts.append(len(edit.added))
            else:
                (edit.added if line[0] == "+" else edit.removed).append(line[1:])
        elif line.startswith("diff --git "):
            if edit:
                yield edit
            edit = Edit(path_in(line))
            old = new = 0  # whatever the last hunk had promised
        elif edit and line == "GIT binary patch":
            edit.unread = True
        elif hunk := _HUNK.match(line):
            start, old, new = (1 if number is None else int(number) for number in hunk.groups())
            if edit:
                edit.places.append((start, 0))
                edit.starts.append(len(edit.added))
    if edit:
        yield edit


def path_in(header: str) -> str:
    """`diff --git a/x b/x`, or both quoted. Without renames the two are the same, so each is half of the line."""
    names = header.removeprefix("diff --git ")
    return unquoted(names[len(names) // 2 + 1 :]).removeprefix("b/")


def unquoted(path: str) -> str:
    """What is quoted as git quotes it: paths that are not UTF-8, and in headers also those with odd characters."""
    if len(path) < 2 or not path.startswith('"') or not path.endswith('"'):
        return path
    raw = re.sub(rb"\\([0-7]{3}|.)", _unescaped, path[1:-1].encode())
    return raw.decode("utf-8", "surrogateescape")


def _unescaped(escape: re.Match[bytes]) -> bytes:
    code = escape[1]
    return bytes([int(code, 8)]) if len(code) == 3 else code.translate(bytes.maketrans(b"abfnrtv", b"\a\b\f\n\r\t\v"))
