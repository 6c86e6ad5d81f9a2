"""Patterns as in .gitignore, matched in linear time.

pathspec makes nested repetitions out of `**/**/x` and `*a*a*b`: one line in a repository's .gitignore, or one path in a
hostile workspace, and the process stands still. Here every star but the last takes the leftmost place where what
follows it fits, and never reconsiders (an atomic group): for globs that finds a match whenever there is one.

The rules are those of gitignore(5) and git's wildmatch.c; a contract test compares both with git itself.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_CLASSES = {
    "alpha": string.ascii_letters,
    "digit": string.digits,
    "alnum": string.ascii_letters + string.digits,
    "upper": string.ascii_uppercase,
    "lower": string.ascii_lowercase,
    "space": string.whitespace,
    "blank": " \t",
    "punct": string.punctuation,
    "xdigit": string.hexdigits,
}
_NEVER = "(?!)"
_STAR = object()


@dataclass(frozen=True, slots=True)
class Glob:
    """One line. `negated`: what it matches is taken back."""

    regex: re.Pattern[str]
    negated: bool
    directories_only: bool


def parse_globs(text: str) -> tuple[Glob, ...]:
    lines = _as_bytes(text.removeprefix("\ufeff")).split("\n")
    return tuple(glob for line in lines if (glob := _parse(line.removesuffix("\r"))) is not None)


def verdict(globs: Sequence[Glob], path: str) -> bool | None:
    """What the last glob that matches says of exactly this path; None: none does. A directory ends with a slash."""
    name = _as_bytes(path.removesuffix("/"))
    is_directory = path.endswith("/")
    for glob in reversed(globs):
        if (is_directory or not glob.directories_only) and glob.regex.fullmatch(name):
            return not glob.negated
    return None


def covers(globs: Sequence[Glob], path: str) -> bool:
    """Whether they match the path or a directory above it, from which nothing is taken back, as in git."""
    return any(verdict(globs, part) for part in (path, *parents(path)))


def parents(path: str) -> Iterator[str]:
    """Directories above a path, each with its slash, the nearest first; a directory is not its own parent."""
    end = path.rfind("/", 0, len(path) - 1)
    while end >= 0:
        yield path[: end + 1]
        end = path.rfind("/", 0, end)


def _as_bytes(text: str) -> str:
    """One character for each byte of UTF-8, as `?` and `[!a]` of git take them."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _parse(line: str) -> Glob | None:
    if not line or line.startswith("#"):
        return None
    negated = line.startswith("!")
    pattern = _without_trailing_blanks(line[1:] if negated else line)
    directories_only = pattern.endswith("/")
    pattern = pattern.removesuffix("/")
    if not pattern:
        return None
    anchored = "/" in pattern
    segments = pattern.removeprefix("/").split("/")
    regex = _path_regex(segments if anchored else ["**", *segments])
    return Glob(re.compile(regex, re.DOTALL), negated, directories_only)


def _without_trailing_blanks(pattern: str) -> str:
    bare = pattern.rstrip(" ")
    backslashes = len(bare) - len(bare.rstrip("\\"))
    return bare + " " if len(bare) < len(pattern) and backslashes % 2 else bare


def _path_regex(segments: list[str]) -> str:
    """Runs of segments between `**`: each run but the last takes the first place where it fits."""
    runs: list[list[str]] = [[]]
    for segment in segments:
        if len(segment) > 1 and not segment.strip("*"):
            runs.append([])
        else:
            runs[-1].append(_segment_regex(segment))
    first, *rest = ["/".join(run) for run in runs]
    if not rest:
        return first
    regex = first + "/" if first else ""
    *middle, last = rest
    regex += "".join(f"(?>(?:[^/]++/)*?{run}/)" for run in middle if run)
    return regex + (f"(?:[^/]++/)*{last}" if last else ".+")


def _segment_regex(segment: str) -> str:
    chunks: list[str] = [""]
    for token in _tokens(segment):
        if token is _STAR:
            chunks.append("")
        else:
            chunks[-1] += str(token)
    if len(chunks) == 1:
        return chunks[0]
    first, *middle, last = chunks
    return first + "".join(f"(?>[^/]*?{chunk})" for chunk in middle if chunk) + f"[^/]*{last}"


def _tokens(segment: str) -> Iterator[object]:
    position = 0
    while position < len(segment):
        character = segment[position]
        position += 1
        if character == "*":
            yield _STAR
        elif character == "?":
            yield "[^/]"
        elif character == "\\":
            yield re.escape(segment[position]) if position < len(segment) else _NEVER
            position += 1
        elif character == "[":
            token, position = _bracket(segment, position)
            yield token
        else:
            yield re.escape(character)


def _bracket(segment: str, position: int) -> tuple[str, int]:
    """A set in brackets that opened before `position`; one that never closes matches nothing."""
    negated = segment[position : position + 1] in ("!", "^")
    start = position = position + negated
    allowed: list[str] = []
    while position < len(segment) and (segment[position] != "]" or position == start):
        name, closed, _ = segment[position + 2 :].partition(":]")
        if segment.startswith("[:", position) and closed:
            allowed.append(re.escape(_CLASSES.get(name, "")))
            position += len(name) + 4
            continue
        low, position = _literal(segment, position)
        if segment[position : position + 1] == "-" and segment[position + 1 : position + 2] not in ("", "]"):
            high, position = _literal(segment, position + 1)
            allowed.append(f"{re.escape(low)}-{re.escape(high)}" if low <= high else re.escape(low))
        else:
            allowed.append(re.escape(low))
    if position >= len(segment):
        return _NEVER, position
    members = "".join(allowed)
    if negated:
        return f"[^/{members}]", position + 1
    return (f"(?!/)[{members}]" if members else _NEVER), position + 1


def _literal(segment: str, position: int) -> tuple[str, int]:
    if segment[position] == "\\" and position + 1 < len(segment):
        position += 1
    return segment[position], position + 1
