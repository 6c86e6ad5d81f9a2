"""What of a formula nobody sees: phantoms, white on white, labels, comments. GitHub draws formulas with MathJax.

Where a formula begins and ends depends on much else in a paragraph, so in a paragraph with a `$` everything is looked
at; what is dropped there by mistake, a person would have had to write as if it were to be hidden.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

Range = tuple[int, int]

_TOKEN = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}$]", re.DOTALL)
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_OPTION = re.compile(r"\s*\[[^\]\n]{0,40}\]")
_BLANKS = re.compile(r"\s*")
# Commands, and which of their arguments nobody sees. What defines a name or draws one of four is hidden whole.
_ARGUMENTS = {"phantom": 0, "hphantom": 0, "vphantom": 0, "label": 0, "style": 1, "class": 1, "cssId": 1, "href": 0}
_ARGUMENTS |= {"mathtip": 1, "texttip": 1, "bbox": 0, "mmlToken": 1, "unicode": 0}
_MOVES = frozenset({"raise", "lower", "raisebox", "kern", "mkern", "hspace", "hskip", "mskip", "mspace", "moveleft"})
_WITH_OPTION = frozenset({"bbox", "mmlToken", "unicode"})
_FAR = re.compile(r"\s*\{?\s*-?\s*\d{2,}")
_DEFINE = frozenset(
    {"newcommand", "renewcommand", "def", "let", "newenvironment", "definecolor", "mathchoice"}
    | {"gdef", "edef", "xdef", "providecommand", "DeclareMathOperator", "toggle"}
)
_PALE = re.compile(
    r"\s*(?:#?[ef][0-9a-f][ef][0-9a-f][ef][0-9a-f]|#?[ef]{3}|\w*white\w*|transparent|snow|ivory|seashell|azure|mintcream"
    r"|ghostwhite|aliceblue|lightyellow|(?:1(?:\.0*)?|0?\.9\d*)(?:\s*,\s*(?:1(?:\.0*)?|0?\.9\d*)){0,2}"
    r"|2[345]\d(?:\s*,\s*2[345]\d){2}|#[0-9a-f]{6}00|#[0-9a-f]{3}0)\s*",
    re.IGNORECASE,
)
_DARK = re.compile(r"\s*(?:#?0{3}|#?(?:[01][0-9a-f]){3}|black|0(?:\.0*)?(?:\s*,\s*0(?:\.0*)?){0,2})\s*", re.IGNORECASE)


def hidden_in_maths(text: str, *, comments: bool) -> list[Range]:
    """Ranges in order, none within another. `comments`: the text is nothing but a formula, so `%` begins one."""
    found = list(_Formula(text).hidden())
    if comments:
        found += [match.span() for match in _COMMENT.finditer(text)]
    kept: list[Range] = []
    for start, end in sorted(found):
        if start < end and (not kept or start >= kept[-1][1]):
            kept.append((start, end))
    return kept


@dataclass(slots=True)
class _Formula:
    """One pass over the text: where groups end, where formulas do, and which commands there are."""

    text: str
    closes: dict[int, int] = field(default_factory=dict)
    dollars: list[int] = field(default_factory=list)
    commands: list[tuple[str, int, int | None]] = field(default_factory=list)  # name, its end, the group it is in

    def __post_init__(self) -> None:
        groups: list[int] = []
        for token in _TOKEN.finditer(self.text):
            match token[0]:
                case "{":
                    groups.append(token.start())
                case "}" if groups:
                    self.closes[groups.pop()] = token.end()
                case "$":
                    self.dollars.append(token.start())
                case said if said[0] == "\\":
                    self.commands.append((said[1:].rstrip("*"), token.end(), groups[-1] if groups else None))

    def hidden(self) -> Iterator[Range]:
        defines = any(name == "definecolor" for name, _, _ in self.commands)
        for name, end, group in self.commands:
            if name in _DEFINE:
                yield end, self._end_of(group, end)
            elif name in _ARGUMENTS:
                start, behind = self._argument(end, _ARGUMENTS[name])
                yield (end if name in _WITH_OPTION else start), behind
            elif name in _MOVES and _FAR.match(self.text, end):
                yield end, self._end_of(group, end)
            elif name in ("color", "textcolor"):
                colour = self._argument(end, 0)
                if defines or _PALE.fullmatch(self._inside(colour)):
                    yield self._argument(end, 1) if name == "textcolor" else (colour[1], self._end_of(group, end))
            elif name in ("colorbox", "fcolorbox"):
                before = int(name == "fcolorbox")
                if defines or _DARK.fullmatch(self._inside(self._argument(end, before))):
                    yield self._argument(end, before + 1)

    def _argument(self, position: int, number: int) -> Range:
        """Of a command that ends at `position`, with its braces; one that never ends takes all that follows."""
        start = position
        for _ in range(number + 1):
            option = _OPTION.match(self.text, position)
            start = _BLANKS.match(self.text, option.end() if option else position).end()  # type: ignore[union-attr]
            opens = self.text[start : start + 1] == "{"
            position = self.closes.get(start, len(self.text)) if opens else min(start + 1, len(self.text))
        return start, position

    def _inside(self, argument: Range) -> str:
        start, end = argument
        return self.text[start : min(end, start + 42)].strip("{}")

    def _end_of(self, group: int | None, position: int) -> int:
        """Where the group ends, or the formula."""
        end = len(self.text) if group is None else self.closes.get(group, len(self.text) + 1) - 1
        following = bisect_right(self.dollars, position)
        return min(end, self.dollars[following]) if following < len(self.dollars) else end


def without(text: str, ranges: Sequence[Range]) -> str:
    parts = []
    position = 0
    for start, end in ranges:
        parts.append(text[position:start])
        position = end
    return "".join(parts) + text[position:]
