"""Lines that reviewers wrote as they should be: a patch that is applied to the letter, before any model is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from itertools import pairwise

from bot.core.model import Candidate, ChangeKind, Experiment, FileChange, ModelSpec, RunId, Strategy, Task
from bot.core.trigger.feedback import Thread

LITERAL = ModelSpec("suggestions", "", "")
MAX_TEXT = 200_000  # characters of a file: more is not compared line by line

_BLOCK = re.compile(r"^(`{3,})[ \t]*suggestion[ \t]*\n(.*?)^\1`*[ \t]*$", re.MULTILINE | re.DOTALL)
_PLAIN_PATH = re.compile(r'[^\x00-\x1f"\\\x7f]+')  # what git writes without quotes
_NO_NEWLINE = "\\ No newline at end of file\n"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`first` to `last` are the lines that it replaces, from 1."""

    path: str
    first: int
    last: int
    text: str


def suggested(task: Task) -> tuple[Suggestion, ...]:
    """Those that answer the whole review; none where something else is asked for as well.

    In each thread the last word of somebody who may ask holds one, its line is still there, no two of them overlap,
    and the review has no text of its own.
    """
    feedback = task.feedback
    if feedback is None:
        return ()
    found = [_of(thread) for thread in feedback.threads]
    whole = tuple(each for each in found if each is not None)
    if feedback.text.strip() or len(whole) != len(found) or _overlap(whole):
        return ()
    return whole


def _of(thread: Thread) -> Suggestion | None:
    last = next((said for said in reversed(thread.said) if said.may_ask), None)
    block = _BLOCK.search(last.body) if last is not None else None
    if block is None or thread.line is None:
        return None
    return Suggestion(thread.path, thread.start or thread.line, thread.line, block[2])


def _overlap(found: Sequence[Suggestion]) -> bool:
    places = sorted(found, key=lambda each: (each.path, each.first))
    return any(one.path == other.path and other.first <= one.last for one, other in pairwise(places))


def applied(found: Sequence[Suggestion], texts: Mapping[str, str], run: RunId) -> Candidate | None:
    """The candidate that they make. None where a line is not there, or a file is too large. `texts`: by path."""
    parts: list[str] = []
    changes: list[FileChange] = []
    for path in sorted({each.path for each in found}):
        old = texts.get(path)
        if old is None or len(old) > MAX_TEXT or not _PLAIN_PATH.fullmatch(path):
            return None
        new = _edited(old, [each for each in found if each.path == path])
        if new is None:
            return None
        if new != old:
            patch, added, removed = _patch(path, old, new)
            parts.append(patch)
            changes.append(
                FileChange(path, ChangeKind.MODIFIED, "100644", "100644", None, len(new.encode()), added, removed)
            )
    return Candidate(run, "".join(parts), tuple(changes), summary="What the reviewers suggested, to the letter.")


def _edited(old: str, found: Sequence[Suggestion]) -> str | None:
    lines = _lines(old)
    for each in sorted(found, key=lambda each: each.first, reverse=True):
        if not 1 <= each.first <= each.last <= len(lines):
            return None
        ends_so = lines[each.last - 1].endswith("\r\n")
        lines[each.first - 1 : each.last] = [each.text.replace("\n", "\r\n") if ends_so else each.text]
    return "".join(lines)


def _lines(text: str) -> list[str]:
    """As git counts them."""
    return [line for line in re.split(r"(?<=\n)", text) if line]


def _patch(path: str, old: str, new: str) -> tuple[str, int, int]:
    """In git's form, with how many lines it adds and removes."""
    diff = list(unified_diff(_lines(old), _lines(new), f"a/{path}", f"b/{path}"))
    body = "".join(line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}" for line in diff)
    added = sum(line.startswith("+") for line in diff[2:])
    removed = sum(line.startswith("-") for line in diff[2:])
    return f"diff --git a/{path} b/{path}\n{body}", added, removed


def literal_experiment(experiments: Sequence[Experiment]) -> Experiment:
    """Its place behind those that are planned: it costs nothing."""
    highest = max((experiment.index for experiment in experiments), default=0)
    return Experiment(highest + 1, LITERAL, None, Strategy.MINIMAL, 0, 0.0)
