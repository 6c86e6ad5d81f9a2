"""What a command printed, as a terminal would have shown it in the end.

Colours and titles are gone, a progress bar is its last state, what was typed over is typed over. Lines above are kept,
also where a program clears its screen: whoever reads this has not seen them. What a terminal would have to be of some
size for (positions, scrolling) has no effect.
"""

from __future__ import annotations

import re

_WIDEST = 10_000  # characters of a line that can be written over; what is behind them is only added
_FARTHEST = 200  # columns that one code moves to the right
_CODE = re.compile(
    r"\x1b\[(?P<numbers>[0-9;:?<=>]*)[ -/]*(?P<what>[@-~])"
    r"|\x1b[\]PX^_](?:[^\x07\x1b]|\x1b(?!\\))*(?:\x07|\x1b\\|$)"
    r"|\x1b[ -/]*[0-~]?"
)
_SPECIAL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PLAIN = re.compile(r"[^\x00-\x1f\x7f-\x9f]+|\t")


def as_shown(output: str) -> str:
    """Of plain text the text itself. Linear in its length, and the result is hardly longer."""
    output = output.replace("\r\n", "\n")
    if not _SPECIAL.search(output):
        return output
    screen = _Screen()
    at = 0
    while at < len(output):
        if plain := _PLAIN.match(output, at):
            screen.write(plain[0])
            at = plain.end()
        elif code := _CODE.match(output, at):
            screen.obey(code["what"] or "", code["numbers"] or "")
            at = code.end()
        else:
            screen.control(output[at])
            at += 1
    return screen.text


class _Screen:
    """Lines, each of pieces that were written one after the other, and where the next character goes."""

    def __init__(self) -> None:
        self._lines: list[str] = [""]
        self._row = 0
        self._column = 0

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip(" ") for line in self._lines)

    def write(self, text: str) -> None:
        line = self._lines[self._row]
        if self._column > len(line):
            line = line.ljust(min(self._column, _WIDEST))
        kept = line[: self._column] if self._column <= _WIDEST else line
        self._lines[self._row] = kept + text + line[self._column + len(text) :]
        self._column = len(kept) + len(text)

    def control(self, character: str) -> None:
        match character:
            case "\n":
                self._row += 1
                self._column = 0
                if self._row == len(self._lines):
                    self._lines.append("")
            case "\r":
                self._column = 0
            case "\b":
                self._column = max(0, self._column - 1)

    def obey(self, what: str, numbers: str) -> None:
        number = int(numbers) if numbers.isascii() and numbers.isdigit() and len(numbers) < 6 else 0
        match what:
            case "A":
                self._row = max(0, self._row - max(1, number))
            case "B":
                self._row = min(len(self._lines) - 1, self._row + max(1, number))
            case "C":
                self._column += min(max(1, number), _FARTHEST)
            case "D":
                self._column = max(0, self._column - max(1, number))
            case "G":
                self._column = min(max(1, number), _FARTHEST) - 1
            case "K":
                self._erase(number)

    def _erase(self, number: int) -> None:
        line = self._lines[self._row]
        match number:
            case 0:
                self._lines[self._row] = line[: self._column]
            case 1:
                self._lines[self._row] = " " * min(self._column, len(line)) + line[self._column :]
            case 2:
                self._lines[self._row] = ""
