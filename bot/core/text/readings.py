"""What a text says to those who read it, and where each character of that came from.

A secret that is written with invisible characters in it, or escaped for Markdown, HTML, JSON or a URL, is the same
secret to whoever reads the rendered page, or decodes it. So it is looked for in what the text says, and cut out of the
text as it was written.
"""

from __future__ import annotations

import html
import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bot.core.text.cleaning import UNSEEN

_MOST_LAYERS = 3  # of escapes in escapes
_ESCAPE = re.compile(
    rf"(?:{UNSEEN.pattern})+"
    r"|\\[!-/:-@\[-`{-~]"
    r"|\\(?:u00|x|U000000)[0-9A-Fa-f]{2}|\\u\{0{0,4}[0-9A-Fa-f]{2}\}|\\[01][0-7]{2}"
    r"|%(?:u00)?[0-9A-Fa-f]{2}|=[0-9A-F]{2}(?![0-9A-Fa-f])"
    r"|&\#0*[0-9]{1,7};?|&\#[xX]0*[0-9A-Fa-f]{1,6};?|&[A-Za-z][A-Za-z0-9]{1,31};"
    r"|[\u0300-\u036f]+|[\uff01-\uff5e\U0001d400-\U0001d7ff]"
)
_BETWEEN = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Reading:
    """`places` are positions in `text` and in what was written, wherever the distance between both changes."""

    text: str
    places: tuple[list[int], list[int]] = field(default_factory=lambda: ([0], [0]))
    written: Reading | None = None  # what this is a reading of; None: of the text itself

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """The range of the written text that says what stands at this range here."""
        read, written = self.places
        before, behind = bisect_right(read, start) - 1, bisect_left(read, end)
        behind -= behind == len(read) or read[behind] > end
        found = written[before] + start - read[before], written[behind] + end - read[behind]
        return found if self.written is None else self.written.origin(*found)


def readings(text: str) -> Iterator[Reading]:
    """The text as it is, without what nobody sees, and with one layer of escapes after the other resolved."""
    reading = Reading(text)
    yield reading
    if UNSEEN.search(text):
        reading = _read(reading, UNSEEN, lambda _: "")
        yield reading
    for _ in range(_MOST_LAYERS):
        if not _ESCAPE.search(reading.text):
            return
        reading = _read(reading, _ESCAPE, _meaning)
        yield reading


def squeezed(reading: Reading) -> Reading:
    """Letters and digits alone: what is wrapped, or in pieces between quotes, cells and signs, says the same."""
    return _read(reading, _BETWEEN, lambda _: "")


def _read(reading: Reading, pattern: re.Pattern[str], meaning: Callable[[str], str]) -> Reading:
    parts: list[str] = []
    read, written = [0], [0]
    length = position = 0
    for token in pattern.finditer(reading.text):
        said = meaning(token[0])
        length += token.start() - position
        read.append(length)
        written.append(token.start())
        parts += (reading.text[position : token.start()], said)
        length += len(said)
        position = token.end()
        read.append(length)
        written.append(position)
    parts.append(reading.text[position:])
    return Reading("".join(parts), (read, written), reading)


def _meaning(token: str) -> str:
    match token[0]:
        case "&":
            return html.unescape(token)
        case "%" | "=":
            return chr(int(token[-2:], 16))
        case "\\" if len(token) == 2:
            return token[1:]
        case "\\" if token[1] in "01":
            return chr(int(token[1:], 8))
        case "\\":
            return chr(int(token.rstrip("}")[-2:], 16))
        case character if character >= "\uff01":
            return unicodedata.normalize("NFKC", token)
        case _:
            return ""
