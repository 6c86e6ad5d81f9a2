"""Colours for the lines of a diff, by Pygments: spans of text with the name of a style, never markup.

Only languages that people write fixes in, chosen by the file's ending. Reading one that is hostile costs at most what
`LONGEST` characters cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import Comment, Keyword, Name, Number, String, _TokenType

from bot.core.candidate.diff_lines import DiffLine, FileDiff, LineKind, diff_of

LONGEST = 60_000  # characters of one file's diff
LANGUAGES: Mapping[str, str] = {
    "py": "python", "pyi": "python", "js": "javascript", "mjs": "javascript", "cjs": "javascript", "jsx": "jsx",
    "ts": "typescript", "tsx": "tsx", "go": "go", "rs": "rust", "rb": "ruby", "java": "java", "kt": "kotlin",
    "c": "c", "h": "c", "cc": "cpp", "cpp": "cpp", "hpp": "cpp", "cs": "csharp", "php": "php", "swift": "swift",
    "sh": "bash", "bash": "bash", "sql": "sql", "html": "html", "css": "css", "json": "json", "toml": "toml",
    "yml": "yaml", "yaml": "yaml", "md": "markdown", "xml": "xml", "ex": "elixir", "exs": "elixir", "scala": "scala",
}  # fmt: skip
_STYLES: Sequence[tuple[_TokenType, str]] = (
    (Comment, "c"),
    (String, "s"),
    (Number, "n"),
    (Keyword, "k"),
    (Name.Function, "f"),
    (Name.Class, "f"),
    (Name.Decorator, "f"),
)


@dataclass(frozen=True, slots=True)
class Span:
    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class ShownLine:
    kind: LineKind
    sign: str
    old: int
    new: int
    spans: tuple[Span, ...]

    @property
    def text(self) -> str:
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True, slots=True)
class ShownFile:
    path: str
    note: str
    lines: tuple[ShownLine, ...]
    left_out: int


def shown(patch: str) -> tuple[ShownFile, ...]:
    return tuple(ShownFile(file.path, file.note, tuple(_lines(file)), file.left_out) for file in diff_of(patch))


def _lines(file: FileDiff) -> Iterator[ShownLine]:
    """Each side is read as a text of its own, so that what is removed does not open a quotation in what stays."""
    old = iter(_coloured(file.path, [line for line in file.lines if line.kind is LineKind.REMOVED]))
    new = iter(_coloured(file.path, [line for line in file.lines if line.kind in (LineKind.ADDED, LineKind.SAME)]))
    for line in file.lines:
        side = old if line.kind is LineKind.REMOVED else new
        spans = (Span(line.text),) if line.kind is LineKind.HUNK else next(side)
        yield ShownLine(line.kind, line.sign, line.old, line.new, spans)


def _coloured(path: str, lines: Sequence[DiffLine]) -> list[tuple[Span, ...]]:
    plain = [(Span(line.text),) for line in lines]
    lexer = _lexer(path)
    text = "\n".join(line.text for line in lines)
    if lexer is None or len(text) > LONGEST or "\r" in text:
        return list(plain)
    found: list[tuple[Span, ...]] = []
    row: list[Span] = []
    for kind, value in lexer.get_tokens(text):
        first, *rest = value.split("\n")
        if first:
            _add(row, Span(first, _style(kind)))
        for part in rest:
            found.append(tuple(row))
            row = [Span(part, _style(kind))] if part else []
    if row:
        found.append(tuple(row))
    is_the_same = [line.text for line in lines] == ["".join(s.text for s in spans) for spans in found[: len(lines)]]
    return found[: len(lines)] if is_the_same else list(plain)


def _add(row: list[Span], span: Span) -> None:
    """To the one before, where they look alike: a page is half as long that way."""
    if row and (row[-1].style == span.style or not span.text.strip()):
        row[-1] = Span(row[-1].text + span.text, row[-1].style)
    else:
        row.append(span)


def _lexer(path: str) -> Lexer | None:
    language = LANGUAGES.get(path.rpartition(".")[2].lower())
    return get_lexer_by_name(language, stripnl=False, ensurenl=True) if language else None


def _style(kind: _TokenType) -> str:
    return next((style for token, style in _STYLES if kind in token), "")
