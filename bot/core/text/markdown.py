"""What GitHub's Markdown makes of a text: its blocks, and the spans inside a paragraph that are not plain words.

Two decisions need it: which lines of a comment are commands, and what of an issue a person can see. Block structure
comes from markdown-it's block parser (about 8 µs a line). Its inline parser is never run, because it is quadratic on
input like 60,000 `[`; `spans` finds the few things we ask about in one pass.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.common.html_re import close_tag, open_tag
from markdown_it.common.utils import normalizeReference
from markdown_it.token import Token


class BlockKind(Enum):
    PARAGRAPH = auto()
    HEADING = auto()
    CODE = auto()  # fenced or indented
    HTML = auto()
    DEFINITION = auto()  # `[label]: address "title"`, which nobody sees


@dataclass(frozen=True, slots=True)
class Block:
    """Lines `first` to `end` (0-based, half open). Lines of no block are empty or bare markers.

    `info`: what stands behind the fence of a code block.
    """

    kind: BlockKind
    first: int
    end: int
    quoted: bool
    info: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    blocks: tuple[Block, ...]
    labels: frozenset[str]  # of the definitions, normalised


class SpanKind(Enum):
    CODE = auto()
    HIDDEN = auto()  # comments, processing instructions, declarations, CDATA
    TAG = auto()
    IMAGE = auto()
    LINK = auto()  # may contain other spans


@dataclass(frozen=True, slots=True)
class Span:
    """Characters `start` to `end`; the others are half-open ranges, too.

    `inner`: what a link shows. `title`: of a link, with its quotes. `address`: of a link that says one itself.
    """

    kind: SpanKind
    start: int
    end: int
    title: tuple[int, int] | None = None
    inner: tuple[int, int] = (0, 0)
    address: tuple[int, int] | None = None


_LEAVES = {
    "inline": BlockKind.PARAGRAPH,
    "fence": BlockKind.CODE,
    "code_block": BlockKind.CODE,
    "html_block": BlockKind.HTML,
}


def read_page(text: str) -> Page:
    """The leaf blocks of `text`, whose lines end in `\\n`. What is nested deeper than 20 levels is left out."""
    parser = MarkdownIt("commonmark")
    tokens: list[Token] = []
    known: dict[str, Any] = {}
    parser.block.parse(text, parser, known, tokens)
    blocks = []
    quotes = 0
    heading = False
    for token in tokens:
        quotes += token.nesting if token.type.startswith("blockquote") else 0
        heading = token.nesting > 0 if token.type.startswith("heading") else heading
        if token.map and (kind := _LEAVES.get(token.type)):
            shown = BlockKind.HEADING if heading else kind
            blocks.append(Block(shown, token.map[0], token.map[1], quotes > 0, token.info or ""))
    definitions = known.get("references", {})
    repeated = known.get("duplicate_refs", [])
    for definition in [*definitions.values(), *repeated]:
        first, end = definition["map"]
        blocks.append(Block(BlockKind.DEFINITION, first, end, False))
    return Page(tuple(blocks), frozenset(definitions))


_HTML_TOKEN = re.compile(r"<!--|<\?|<!\[CDATA\[|<![A-Za-z]|<[A-Za-z/]")
_TOKEN = re.compile(rf"\\[\\`<!\[\]]|`+|{_HTML_TOKEN.pattern}|!?\[|\]")
_TAG = re.compile(f"{open_tag}|{close_tag}")
# Where Markdown leaves HTML to the browser, that takes for a tag whatever begins like one.
_ANY_TAG = re.compile(f"{open_tag}|</?[A-Za-z][^<>\"']{{0,1000}}>|</[^A-Za-z<>][^<>]{{0,1000}}>")
_ENDINGS = {"<!--": "-->", "<?": "?>", "<![CDATA[": "]]>"}
_TARGET = re.compile(
    r"""\(\s*(?P<address><[^<>\n]*>|[^\s()<][^\s()]*(?:\([^\s()]*\)[^\s()]*)*|)
        (?P<title>\s+(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\((?:\\.|[^()\\])*\)))?\s*\)""",
    re.VERBOSE | re.DOTALL,
)
_LABEL = re.compile(r"\[[^\[\]]{0,999}\]")


def spans(text: str, labels: Set[str] = frozenset()) -> list[Span]:
    """What is not plain words in a paragraph or heading, by start. `labels`: those of the page's definitions."""
    return _Scanner(text, labels, _TAG).scan(_TOKEN)


def html_spans(text: str) -> list[Span]:
    """The same for an HTML block, where only tags and what is hidden mean anything."""
    return _Scanner(text, frozenset(), _ANY_TAG).scan(_HTML_TOKEN)


class _Scanner:
    """One pass from left to right, linear in the length of the text."""

    def __init__(self, text: str, labels: Set[str], tags: re.Pattern[str]) -> None:
        self._text = text
        self._tags = tags
        self._labels = labels
        self._found: list[Span] = []
        self._brackets: list[tuple[int, bool]] = []  # where one opened, and whether it opens an image
        self._never: set[str] = set()  # endings that do not come any more
        self._ticks: dict[int, list[int]] = defaultdict(list)
        for run in re.finditer("`+", text):
            self._ticks[len(run[0])].append(run.start())

    def scan(self, tokens: re.Pattern[str]) -> list[Span]:
        position = 0
        while token := tokens.search(self._text, position):
            position = self._read(token[0], token.start(), token.end())
        return sorted(self._found, key=lambda span: (span.start, -span.end))

    def _read(self, token: str, start: int, end: int) -> int:
        """Note what begins or ends here; returns where to go on."""
        match token[0]:
            case "\\":
                return end
            case "`":
                return self._add(SpanKind.CODE, start, self._closing_ticks(len(token), end)) or end
            case "<" if token in _ENDINGS or token.startswith("<!"):
                return self._add(SpanKind.HIDDEN, start, self._closing(_ENDINGS.get(token, ">"), start + 2)) or end
            case "<":
                tag = self._tags.match(self._text, start)
                return self._add(SpanKind.TAG, start, tag.end() if tag else None) or end
            case "]":
                return self._close_bracket(end)
            case _:
                self._brackets.append((start, token[0] == "!"))
                return end

    def _add(self, kind: SpanKind, start: int, end: int | None) -> int | None:
        if end is not None:
            self._found.append(Span(kind, start, end))
        return end

    def _closing_ticks(self, length: int, after: int) -> int | None:
        runs = self._ticks[length]
        following = bisect_left(runs, after)
        return runs[following] + length if following < len(runs) else None

    def _closing(self, ending: str, after: int) -> int | None:
        if ending in self._never:
            return None
        at = self._text.find(ending, after)
        if at < 0:
            self._never.add(ending)
            return None
        return at + len(ending)

    def _close_bracket(self, end: int) -> int:
        if not self._brackets:
            return end
        start, is_image = self._brackets.pop()
        kind = SpanKind.IMAGE if is_image else SpanKind.LINK
        shown = start + (2 if is_image else 1), end - 1
        if target := _TARGET.match(self._text, end):
            title = target.span("title") if target["title"] else None
            self._found.append(Span(kind, start, target.end(), title, shown, target.span("address")))
            return target.end()
        if self._labels:
            inner = self._text[slice(*shown)]
            label = _LABEL.match(self._text, end)
            name = label[0][1:-1] if label and len(label[0]) > 2 else inner
            if len(name) < 1000 and normalizeReference(name) in self._labels:
                end = label.end() if label else end
                self._found.append(Span(kind, start, end, inner=shown))
        return end
