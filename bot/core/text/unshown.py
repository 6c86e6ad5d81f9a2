"""What a text on GitHub holds that its page does not show: hidden elements, cells without a column, and the like."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum

from bot.core.text.maths import hidden_in_maths, without


class Unshown(StrEnum):
    """Kinds of what is dropped, in the singular."""

    ELEMENT = "hidden element"
    LINK = "link without a text"
    MATHS = "hidden part of a formula"
    CELL = "table cell without a column"
    NOTE = "footnote that nothing refers to"
    FENCE = "remark behind the language of a code block"
    DIAGRAM = "comment in a diagram"
    DATA = "map or model"


# ------------------------------------------------------------------------------------------------------------ elements

_RAW = frozenset({"script", "style", "title", "iframe", "noembed", "noframes"})  # their first end tag ends them
_HIDING = _RAW | frozenset(
    {"template", "noscript", "object", "svg", "canvas", "audio", "video", "head", "datalist", "select", "map", "rp"}
)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"}
)
_NAME = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9-]*)")
_ATTRIBUTE = re.compile(r"""([A-Za-z_:][\w:.-]*)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'=<>`]+))?""")
_UNSEEN_STYLE = re.compile(
    r"display:none|visibility:(?:hidden|collapse)|opacity:0?\.?0*(?:[;!%]|$)|font-size:0|(?:^|;)color:(?:white|#f{3,8}\b"
    r"|transparent|rgba?\(255,255,255)|(?:max-)?(?:width|height):0|(?:left|top|text-indent):-\d{3}|clip:rect\(0"
)
_PALE = re.compile(r"#?f{3,6}|white|snow|ivory|transparent")

# A tag within a text that is being put together; neither character can occur in a visible text.
_OPENS, _HIDES, _ENDS, _BEHIND = "\x01", "\x02", "\x03", "\x04"
_MARK = re.compile(f"([{_OPENS}{_HIDES}{_ENDS}])([A-Za-z0-9-]+){_BEHIND}")


def marked(tag: str) -> str:
    """A tag without its attributes, for `shown_elements` to find."""
    name = _NAME.match(tag)
    if name is None:
        return ""
    if name[1]:
        return f"{_ENDS}{name[2]}{_BEHIND}"
    return f"{_HIDES if _hides(name[2].lower(), tag[name.end() :]) else _OPENS}{name[2]}{_BEHIND}"


def _hides(name: str, rest: str) -> bool:
    if name in _VOID:
        return False
    given = {match[1].lower(): (match[2] or "").strip("\"'").lower() for match in _ATTRIBUTE.finditer(rest)}
    style = re.sub(r"\s+", "", given.get("style", ""))
    return (
        name in _HIDING
        or "hidden" in given
        or (name == "dialog" and "open" not in given)
        or _UNSEEN_STYLE.search(style) is not None
        or _PALE.fullmatch(given.get("color", "")) is not None
        or "0" in (given.get("width"), given.get("height"))
    )


def shown_elements(text: str, dropped: Counter[Unshown]) -> str:
    """The text with its tags as they are written, and without hidden elements.

    One that is never ended hides all that follows, as in a browser.
    """
    parts: list[str] = []
    position = depth = 0
    hidden = ""  # the name of the element that hides
    for mark in _MARK.finditer(text):
        kind, name = mark[1], mark[2].lower()
        if not hidden:
            parts.append(text[position : mark.start()])
            if kind == _HIDES:
                hidden, depth = name, 1
                dropped[Unshown.ELEMENT] += 1
            elif not (kind == _ENDS and name in _HIDING):
                parts.append(f"<{'/' if kind == _ENDS else ''}{mark[2]}>")
        elif name == hidden:
            depth += -1 if kind == _ENDS else name not in _RAW
            hidden = hidden if depth else ""
        position = mark.end()
    return "".join(parts) + ("" if hidden else text[position:])


# -------------------------------------------------------------------------------------------------- tables, footnotes

_PREFIX = re.compile(r"[\s>]*")
_DELIMITER_ROW = re.compile(r"\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_PIPE = re.compile(r"(?<!\\)\|")
_REFERENCE = re.compile(r"\[\^([^\]\[\s]{1,200})\]")
_NOTE = re.compile(rf"(?:[ ]{{0,3}}(?:[>*+-]|\d{{1,9}}[.)])){{0,20}}\s{{0,3}}{_REFERENCE.pattern}:")
_NO_REFERENCE = re.compile(r"(`+)[^`]*\1|<!--.{0,3000}?-->", re.DOTALL)


def shown_cells(text: str, dropped: Counter[Unshown]) -> str:
    """Rows of a table without the cells that are more than its head has: GitHub leaves those out."""
    lines = text.split("\n")
    columns = 0
    for place, line in enumerate(lines):
        row = line[_prefix(line) :]
        if columns:
            lines[place] = _cut(line, columns, dropped)
        elif place and "-" in row and len(row) < 2_000 and _DELIMITER_ROW.fullmatch(row):
            above = lines[place - 1]
            columns = len(_cells(row)) if len(_cells(row)) == len(_cells(above[_prefix(above) :])) else 0
    return "\n".join(lines)


def _prefix(line: str) -> int:
    found = _PREFIX.match(line)
    return found.end() if found else 0


def _cells(row: str) -> list[str]:
    return _PIPE.split(row.strip().removeprefix("|").removesuffix("|"))


def _cut(line: str, columns: int, dropped: Counter[Unshown]) -> str:
    start = _prefix(line)
    pipes = [match.start() for match in _PIPE.finditer(line, start)]
    last = columns if line[start : start + 1] == "|" else columns - 1
    if len(pipes) <= last or not line[pipes[last] + 1 :].strip():
        return line
    dropped[Unshown.CELL] += 1
    return line[: pipes[last] + 1]


def referred_to(blocks: Iterable[str]) -> frozenset[str]:
    """The footnotes that are named by these blocks, which are no code, besides where they are defined."""
    named: Counter[str] = Counter()
    for block in blocks:
        named.update(match[1].casefold() for match in _REFERENCE.finditer(_NO_REFERENCE.sub("", block)))
        if note := _NOTE.match(block):
            named[note[1].casefold()] -= 1
    return frozenset(+named)


class Footnotes:
    """Which blocks of a page, one after the other, belong to a footnote that GitHub leaves out.

    It leaves out what no text refers to, and all but the first of those with one name; with each what stands below it,
    further to the right.
    """

    def __init__(self, named: frozenset[str]) -> None:
        self._named = named
        self._defined: set[str] = set()
        self._within = False  # one that is left out
        self.left_out = 0

    def leaves_out(self, block: str) -> bool:
        if note := _NOTE.match(block):
            name = note[1].casefold()
            self._within = name in self._defined or name not in self._named
            self._defined.add(name)
            self.left_out += self._within
        else:
            self._within = self._within and block.startswith(("    ", "\t"))
        return self._within


# ---------------------------------------------------------------------------------------------------------- code blocks

_FENCE = re.compile(r"(\s*(?:[>*+-]\s+|\d{1,9}[.)]\s+|>)*(?:`{3,}|~{3,})[ \t]*)(\S*)(.*)", re.DOTALL)
_LANGUAGE = re.compile(r"[\w.+#{}:/-]{1,16}")  # the page shows its colours, and never its name
_OF_DIAGRAM = re.compile(
    r"(?m)^[ \t>]*%%[^\n]*\n?|^[ \t>]*acc(?:Title|Descr)[ \t]*(?::[^\n]*|\{[^}]{0,2000}\}?)\n?|\A\s*---\n"
    r"(?:[^\n]*\n)*?---\n|(?<=\n)[ \t>]*click[ \t][^\n]*\n?"
)
_DRAWN = frozenset({"geojson", "topojson", "stl"})


def shown_code(text: str, info: str, dropped: Counter[Unshown]) -> str:
    """A code block is shown as it is, but for what stands behind its language, and those that GitHub draws."""
    language = info.split(maxsplit=1)[0].lower() if info.strip() else ""
    head, newline, body = text.partition("\n")
    fence = _FENCE.fullmatch(head) if info.strip() else None
    if fence is None:
        return text
    if not _LANGUAGE.fullmatch(fence[2]):
        dropped[Unshown.FENCE] += 1
        head = fence[1]
    elif fence[3].strip():
        dropped[Unshown.FENCE] += 1
        head = fence[1] + fence[2]
    if language == "math":
        hidden = hidden_in_maths(body, comments=True)
        dropped[Unshown.MATHS] += len(hidden)
        body = without(body, hidden)
    elif language == "mermaid":
        body, comments = _OF_DIAGRAM.subn("", body)
        dropped[Unshown.DIAGRAM] += comments
    elif language in _DRAWN:
        dropped[Unshown.DATA] += 1
        body = "(drawn data left out)\n" + body[body.rfind("\n") + 1 :]
    return head + newline + body
