"""A patch taken apart into its hunks, and put together again without some of them.

Only text is taken apart. A file that the patch holds as binary, or whose mode it changes, is one piece; so is one that
it makes or deletes. patches.py says why this is no library.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bot.core.candidate.patches import read_patch
from bot.core.model import Candidate

_HUNK = re.compile(r"@@ -(\d{1,9})(?:,(\d{1,9}))? \+(\d{1,9})(?:,(\d{1,9}))? @@")
_WHOLE = re.compile(r"^(new file|deleted file|new mode|GIT binary patch)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines that a patch changes together. `line`: the first one that changes, in the old file, from 1."""

    path: str
    line: int
    old_lines: frozenset[int]  # those that it removes, or the two between which it adds
    added: int
    removed: int
    head: str  # what stands before the first hunk of its file
    text: str  # "" where the file is one piece, which then is the head

    @property
    def is_whole_file(self) -> bool:
        return not self.text


def hunks_of(patch: str) -> tuple[Hunk, ...]:
    return tuple(hunk for section in re.split(r"(?m)^(?=diff --git )", patch) if section for hunk in _of_file(section))


def joined(hunks: Sequence[Hunk]) -> str:
    """A patch of these hunks, in their order. Where lines before them are missing, their new places are counted anew:
    git looks for a hunk around its new place."""
    parts: list[str] = []
    head, shift = "", 0
    for hunk in hunks:
        if hunk.head != head:
            parts.append(hunk.head)
            head, shift = hunk.head, 0
        parts.append("" if hunk.is_whole_file else _moved(hunk.text, shift))
        shift += hunk.added - hunk.removed
    return "".join(parts)


def without(candidate: Candidate, dropped: Collection[Hunk]) -> Candidate:
    """The same candidate without some hunks. What it says of a file that lost some no longer names its content."""
    kept = [hunk for hunk in hunks_of(candidate.patch) if hunk not in dropped]
    paths = {hunk.path for hunk in kept}
    changes = []
    for change in candidate.changes:
        lost = [hunk for hunk in dropped if hunk.path == change.path]
        if lost and change.path in paths:
            added, removed = sum(hunk.added for hunk in lost), sum(hunk.removed for hunk in lost)
            changes.append(replace(change, blob=None, added=change.added - added, removed=change.removed - removed))
        elif not lost:
            changes.append(change)
    return replace(candidate, patch=joined(kept), changes=tuple(changes))


def _of_file(section: str) -> list[Hunk]:
    edit = next(read_patch(section), None)
    if edit is None:
        return []
    head, *texts = _split(section)
    if not texts or _WHOLE.search(head):
        return [Hunk(edit.path, 1, frozenset(), len(edit.added), len(edit.removed), section, "")]
    return [_hunk(edit.path, head, text) for text in texts]


def _split(section: str) -> list[str]:
    """Head, then hunks. Told by counting: a line of content may look like the beginning of a hunk."""
    parts, current = list[str](), list[str]()
    old = new = 0
    for line in re.split(r"(?<=\n)", section):
        found = _HUNK.match(line) if not (old or new) else None
        if found:
            parts.append("".join(current))
            current = []
            old, new = (1 if number is None else int(number) for number in (found[2], found[4]))
        elif (old or new) and line[:1] in (" ", "+", "-"):
            old -= line[0] != "+"
            new -= line[0] != "-"
        current.append(line)
    return [*parts, "".join(current)]


def _hunk(path: str, head: str, text: str) -> Hunk:
    found = _HUNK.match(text)
    assert found is not None
    at = int(found[1])
    touched: list[int] = []
    added = removed = 0
    for line in text.split("\n")[1:]:
        if line.startswith("+"):
            added += 1
            touched += [at - 1, at]
        elif line.startswith("-"):
            removed += 1
            touched.append(at)
        if line.startswith(("-", " ")):
            at += 1
    return Hunk(path, max(1, min(touched, default=at)), frozenset(touched), added, removed, head, text)


def _moved(text: str, shift: int) -> str:
    """`shift`: by how many lines the kept hunks before it make the file longer."""
    found = _HUNK.match(text)
    assert found is not None
    old, new = int(found[1]), 1 if found[4] is None else int(found[4])
    none_before = found[2] == "0"  # git names the line before
    at = old + shift + none_before - (new == 0)
    return text[: found.start(3)] + str(at) + text[found.end(3) :]
