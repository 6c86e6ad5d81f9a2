"""Lines that reviewers wrote as they should be: a patch that is applied to the letter, before any model is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import unified_diff
from itertools import pairwise

from bot.core.model import Candidate, ChangeKind, Experiment, FileChange, ModelSpec, RunId, Strategy, Task
from bot.core.text.cleaning import visible
from bot.core.text.suggestion_blocks import block_of
from bot.core.trigger.feedback import Said, Thread
from bot.core.trigger.revising import last_word

LITERAL = ModelSpec("suggestions", "", "")
MAX_TEXT = 200_000  # characters of a file: more is not compared line by line

_PLAIN_PATH = re.compile(r'[^\x00-\x1f"\\\x7f]+')  # what git writes without quotes
_NO_NEWLINE = "\\ No newline at end of file\n"
_UNREAD = "\ufffd"  # what stands for bytes that are no text


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`first` to `last` are the lines that it replaces, from 1. `was`: how the last one looked; None: not known."""

    path: str
    first: int
    last: int
    text: str
    was: str | None = field(default=None, compare=False)


def suggested(task: Task) -> tuple[Suggestion, ...]:
    """Those that answer the whole review; none where something else is asked for as well.

    In each thread the word that counts (`last_word`) is one block with at most a line before it, nobody had to leave
    out anything of it, and its lines are still there; no two of them overlap, and the review has no text of its own.
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
    said = _counting(thread)
    if said is None or said.altered or thread.line is None:
        return None
    text, shown = block_of(said.body), thread.hunk.rstrip("\n").rpartition("\n")[2]
    if text is None or shown.startswith("-"):  # a line that the change takes away
        return None
    was = shown[1:] if shown.startswith(("+", " ")) else None
    return Suggestion(thread.path, thread.start or thread.line, thread.line, text, was)


def _counting(thread: Thread) -> Said | None:
    return last_word(thread) or next((said for said in reversed(thread.said) if said.may_ask), None)


def _overlap(found: Sequence[Suggestion]) -> bool:
    places = sorted(found, key=lambda each: (each.path, each.first))
    return any(one.path == other.path and other.first <= one.last for one, other in pairwise(places))


def applied(found: Sequence[Suggestion], texts: Mapping[str, str], run: RunId) -> Candidate | None:
    """The candidate that they make. `texts`: by path.

    None where a line is not there or not the one that was shown, or a file is too large or no text.
    """
    parts: list[str] = []
    changes: list[FileChange] = []
    for path in sorted({each.path for each in found}):
        old = texts.get(path)
        if old is None or len(old) > MAX_TEXT or _UNREAD in old or not _PLAIN_PATH.fullmatch(path):
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
    usual = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    for each in sorted(found, key=lambda each: each.first, reverse=True):
        if not 1 <= each.first <= each.last <= len(lines) or not _is_as_shown(each, lines[each.last - 1]):
            return None
        lines[each.first - 1 : each.last] = [_ending_as(lines[each.last - 1], each.text, usual)]
    return "".join(lines)


def _is_as_shown(suggestion: Suggestion, line: str) -> bool:
    return suggestion.was is None or visible(line).rstrip() == visible(suggestion.was).rstrip()


def _ending_as(line: str, text: str, usual: str) -> str:
    """With the line ends of what it replaces; where a file ends without one, it still does."""
    if line.endswith("\n"):
        return text.replace("\n", "\r\n" if line.endswith("\r\n") else "\n")
    return text.removesuffix("\n").replace("\n", usual)


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
