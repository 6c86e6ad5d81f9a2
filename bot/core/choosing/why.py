"""`/solve why <file or line>`: which step of the run changed it, and what was run after. Read, never asked of a model.

A step changed a file when its command names the file and may write. The last step whose command holds the text of the
line is the one that wrote it; where none does, the last one that changed the file. Where no command names the file,
nothing is claimed. What was run after is every command of later steps, with how it ended.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from bot.core.candidate.hunks import Hunk, hunks_of
from bot.core.model import RunFacts, SolveFacts

F = TypeVar("F", bound=SolveFacts)

MOST_STEPS = 2_000
LONGEST_COMMAND = 20_000  # characters of one that are read
SHORTEST_LINE = 4  # characters; shorter ones are in any command

_WRITES = re.compile(
    r">|\btee\b|\bsed\b[^|\n]*-i|\bperl\b[^|\n]*-\w*i|\bpatch\b|\bapply\b|\bmv\b|\bcp\b|\brm\b|\btouch\b|\bln\b"
    r"|\bgit (?:checkout|restore|stash|reset)\b|\bpython[\d.]*\b|\bnode\b|\bruby\b|\bed\b|\bex\b|\bdd\b|\binstall\b"
)


@dataclass(frozen=True, slots=True)
class Place:
    """What people ask about. `line`: in the file as it is with the change, from 1; None: all of it."""

    path: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """A command of a run. `number`: of the model call that it came from; `exit_code`: None where it did not end."""

    number: int
    command: str
    exit_code: int | None


class No(Enum):
    """Why nothing can be told of a place."""

    NO_DECISION = "no decision"
    NOT_CHANGED = "not changed"  # by what was chosen
    LINE_NOT_CHANGED = "line not changed"


@dataclass(frozen=True, slots=True)
class Why:
    """`hunk`: of the diff, where a line was asked about. `changed_by`: the last step that did; None: none names it."""

    run: RunFacts
    place: Place
    hunk: str
    changed_by: Step | None
    earlier: int  # steps before it that changed the file, too
    after: tuple[Step, ...]
    steps: int  # of the run


def changed_place(facts: Sequence[F], place: Place) -> tuple[F, Place] | No:
    """The newest of these changes that touches it. A path may be the end of one, as long as there is one such."""
    chosen = [each for each in facts if _patch(each)]
    if not chosen:
        return No.NO_DECISION
    found = No.NOT_CHANGED
    for each in chosen:
        path = _path(each, place.path)
        if path is None:
            continue
        here = replace(place, path=path)
        if place.line is None or _hunk_at(_patch(each), here) is not None:
            return each, here
        found = No.LINE_NOT_CHANGED
    return found


def why(facts: SolveFacts, place: Place, steps: Sequence[Step]) -> Why:
    """`place`: one that the champion changes."""
    run = facts.champion
    assert run is not None
    hunk = _hunk_at(_patch(facts), place) if place.line is not None else None
    writing = [each for each in steps if _names(each.command, place.path) and _WRITES.search(each.command)]
    said = hunk.line_texts(place.line) if hunk is not None and place.line is not None else ()
    exactly = [each for each in writing if any(text in each.command for text in said)]
    by = next(reversed(exactly or writing), None)
    after = tuple(each for each in steps if by is not None and each.number > by.number)
    earlier = sum(each.number < by.number for each in writing) if by is not None else 0
    return Why(run, place, hunk.text if hunk is not None else "", by, earlier, after, len(steps))


def read_steps(trajectory: Mapping[str, Any]) -> tuple[Step, ...]:
    """Of a conversation in mini-SWE-agent's format. Total: what cannot be read is left out."""
    messages = trajectory.get("messages")
    found = list[Step]()
    number = 0
    codes = dict[str, int]()
    listed = messages[: 2 * MOST_STEPS] if isinstance(messages, list) else []
    for message in listed:
        if isinstance(message, Mapping) and message.get("role") == "tool" and isinstance(_extra(message), Mapping):
            code = _extra(message).get("returncode")
            if isinstance(code, int):
                codes[str(message.get("tool_call_id"))] = code
    for message in listed:
        if not isinstance(message, Mapping) or message.get("role") != "assistant":
            continue
        number += 1
        actions = _extra(message).get("actions")
        for action in actions if isinstance(actions, list) else []:
            if isinstance(action, Mapping) and isinstance(command := action.get("command"), str):
                found.append(Step(number, command[:LONGEST_COMMAND], codes.get(str(action.get("tool_call_id")))))
    return tuple(found[:MOST_STEPS])


def _extra(message: Mapping[str, Any]) -> Mapping[str, Any]:
    extra = message.get("extra")
    return extra if isinstance(extra, Mapping) else {}


def _names(command: str, path: str) -> bool:
    """The whole path, or its last part as a word of its own."""
    name = re.escape(path.rpartition("/")[2])
    return path in command or re.search(rf"(?<![\w.-]){name}(?![\w-])", command) is not None


def _patch(facts: SolveFacts) -> str:
    run = facts.champion
    return run.candidate.patch if run is not None and run.candidate is not None else ""


def _path(facts: SolveFacts, asked: str) -> str | None:
    run = facts.champion
    paths = [change.path for change in run.candidate.changes] if run is not None and run.candidate is not None else []
    asked = asked.removeprefix("./").strip("/")
    if asked in paths:
        return asked
    ends = [path for path in paths if path.endswith(f"/{asked}")]
    if asked:
        return ends[0] if len(ends) == 1 else None
    return paths[0] if len(paths) == 1 else None


# ------------------------------------------------------------------------------------------------------------ lines


@dataclass(frozen=True, slots=True)
class _Changed:
    """Lines that a hunk changes, by their place in the new file. A line that is removed stands where the next is."""

    text: str
    lines: tuple[tuple[int, str], ...]

    def line_texts(self, line: int) -> tuple[str, ...]:
        return tuple(text.strip() for at, text in self.lines if at == line and len(text.strip()) >= SHORTEST_LINE)


_NEW = re.compile(r"@@ -\d{1,9}(?:,\d{1,9})? \+(\d{1,9})(?:,\d{1,9})? @@")


def _hunk_at(patch: str, place: Place) -> _Changed | None:
    changed = (_changed(hunk) for hunk in hunks_of(patch) if hunk.path == place.path)
    return next((each for each in changed if any(at == place.line for at, _ in each.lines)), None)


def _changed(hunk: Hunk) -> _Changed:
    text = hunk.text or hunk.head
    start = _NEW.search(text)
    if start is None:
        return _Changed(text, ())
    text = text[start.start() :]
    at, lines = int(start[1]), list[tuple[int, str]]()
    for line in text.split("\n")[1:]:
        if line.startswith(("+", "-")):
            lines.append((at, line[1:]))
        if line.startswith(("+", " ")):
            at += 1
    return _Changed(text, tuple(lines))
