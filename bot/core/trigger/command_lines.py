"""Lines of a comment that may be a command: which they are, and which of them Markdown leaves as plain words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import accumulate, takewhile

from bot.core.text.markdown import Block, Span, SpanKind, spans

MAX_MARKDOWN = 10_000  # characters
MAX_LINES = 800


@dataclass(frozen=True, slots=True)
class SlashLine:
    """A line that starts with a slash. `number` is 0-based."""

    number: int
    word: str  # in lower case, with the slash
    rest: str


_SLASH_LINE = re.compile(r"(?: {0,3})(/\S{4,6})(?:\s(.*))?", re.DOTALL)


def readable(lines: Sequence[str]) -> Sequence[str]:
    """As many lines from the start as the Markdown parser may be given."""
    lengths = accumulate(len(line) + 1 for line in lines[:MAX_LINES])
    return lines[: sum(1 for length in lengths if length <= MAX_MARKDOWN)]


def first_solve(lines: Sequence[str], *, after: int) -> SlashLine | None:
    found = (slash_line(number, lines[number]) for number in range(after, len(lines)))
    return next((line for line in found if line and line.word == "/solve"), None)


def slash_line(number: int, text: str) -> SlashLine | None:
    """A line that may be meant for us: `/solve`, or one letter away from it."""
    found = _SLASH_LINE.fullmatch(text)
    if found is None or not _near_solve(found[1].lower()):
        return None
    return SlashLine(number, found[1].lower(), found[2] or "")


_OTHER_WORDS = frozenset({"/solver", "/solved", "/solves", "/salve", "/sole"})


def _near_solve(word: str) -> bool:
    """`/solve` itself, or one edit (a letter more, less, other, or two swapped) away and no word of its own."""
    ours = "/solve"
    if word in _OTHER_WORDS:
        return False
    start = _common(word, ours)
    end = _common(word[start:][::-1], ours[start:][::-1])
    middle, wanted = word[start : len(word) - end], ours[start : len(ours) - end]
    return (len(middle) <= 1 and len(wanted) <= 1) or (len(middle) == 2 and middle == wanted[::-1])


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def spoken(block: Block, lines: Sequence[str], labels: Set[str]) -> Iterator[SlashLine]:
    """The slash lines of a paragraph that do not begin inside code, a tag, a link or a comment."""
    text = "\n".join(lines[block.first : block.end])
    found = spans(text, labels)
    text = _without_hidden(text, found)
    waiting = iter([*found, Span(SpanKind.CODE, len(text), len(text))])
    span = next(waiting)
    position = reach = 0
    for number, source in enumerate(text.split("\n"), block.first):
        slash = position + source.find("/")
        while span.start < slash:
            reach = max(reach, span.end)
            span = next(waiting)
        line = slash_line(number, source)
        if line and reach <= slash:
            yield line
        position += len(source) + 1


def _without_hidden(text: str, found: Sequence[Span]) -> str:
    """Blanks instead, so that every character stays in its place."""
    parts = []
    position = 0
    for span in found:
        if span.kind is SpanKind.HIDDEN:
            parts += [text[position : span.start], re.sub(r"[^\n]", " ", text[span.start : span.end])]
            position = span.end
    return "".join(parts) + text[position:]
