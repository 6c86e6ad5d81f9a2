"""A shell line, taken apart where that is safe: at `&&`, `;` and line ends, into plain commands and subshells.

In doubt it stays in one piece, which is run as it is. bashlex raises at `case`, `[[` and arrays, and at a few hundred
brackets with a `RecursionError`: what is hostile or merely unusual has to stay in one piece here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

_MAX_LINE = 20_000  # characters that are taken apart
_MAX_DEPTH = 6  # of subshells

_TOKEN = re.compile(
    r"""
      (?P<blank> (?:[ \t\r]|\\\n)+ )
    | (?P<split> && | ; | \n )
    | (?P<knit> \|\|? )
    | (?P<redirect> \d*(?:>>|>&|>\||>|<&|<(?![<(])) | &>>? )
    | (?P<open> \( ) | (?P<close> \) )
    | (?P<single> '[^']*' )
    | (?P<double> "(?:[^"\\`$]|\\.|\$(?!\())*" )
    | (?P<escaped> \\. )
    | (?P<active> [$*?\[\]{}~!] )
    | (?P<bare> \#(?<=[^\s;&|()]\#) | [^\s&;|<>()'"\\$*?\[\]{}~!`\#]+ )
    """,
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS = frozenset(
    {
        "if",
        "then",
        "elif",
        "else",
        "fi",
        "for",
        "while",
        "until",
        "do",
        "done",
        "case",
        "esac",
        "select",
        "function",
        "time",
        "[[",
        "{",
        "}",
        "!",
        "coproc",
    }
)
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")


@dataclass(frozen=True, slots=True)
class Word:
    """`value` is what the program is given, when nothing in it is expanded; `start` and `end` are where it stands."""

    value: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Command:
    """One plain command. `words` are without its redirections."""

    text: str
    words: tuple[Word, ...]

    @property
    def values(self) -> tuple[str, ...]:
        return tuple(word.value for word in self.words)

    @property
    def first(self) -> int:
        """Index of the program: behind assignments."""
        return sum(1 for _ in itertools.takewhile(lambda word: _ASSIGNMENT.match(word.value), self.words))

    def edited(self, at: int, add: Sequence[str], drop: Collection[int] = (), append: Sequence[str] = ()) -> str:
        """With words behind the first `at`, without some, with more at the end; all else to the letter.

        New words are quoted already.
        """
        new = {at - 1: list(add)}
        new[len(self.words) - 1] = [*new.get(len(self.words) - 1, []), *append]
        made, end = [], 0
        for index, word in enumerate(self.words):
            gap = self.text[end : word.start]
            made += [gap.rstrip(" "), ""] if index in drop else [gap, self.text[word.start : word.end]]
            made += [f" {text}" for text in new.get(index, [])]
            end = word.end
        return "".join((*made, self.text[end:]))


@dataclass(frozen=True, slots=True)
class Subshell:
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Opaque:
    """Loops, pipes, substitutions, comments: whatever else a shell can do."""

    text: str


Part = Command | Subshell | Opaque


@dataclass(frozen=True, slots=True)
class Step:
    part: Part
    then: str  # "&&": the next one runs when it succeeds; ";": in any case. Of the last one "".


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int


def steps(line: str) -> tuple[Step, ...]:
    """Never empty: a line that cannot be taken apart is one opaque step."""
    tokens = _tokens(line) if len(line) <= _MAX_LINE else None
    found = _steps(line, tokens, 0) if tokens else None
    return found or (Step(Opaque(line), ""),)


def _tokens(line: str) -> list[_Token] | None:
    found, at = [], 0
    while at < len(line):
        match = _TOKEN.match(line, at)
        if match is None:
            return None
        found.append(_Token(match.lastgroup or "", match.group(), at))
        at = match.end()
    return found


def _steps(line: str, tokens: Sequence[_Token], depth: int) -> tuple[Step, ...] | None:
    """None: not to be taken apart."""
    found: list[Step] = []
    for chain in _split(tokens, {";", "\n"}):
        # `a && b || c` is neither `a` and then the rest, nor the other way round
        pieces = [chain] if any(token.text == "||" for token in chain) else _split(chain, {"&&"})
        if not pieces:
            return None
        for piece in pieces:
            part = _part(line, piece, depth)
            if part is None:
                return None
            found.append(Step(part, "&&"))
        found[-1] = Step(found[-1].part, ";")
    return (*found[:-1], Step(found[-1].part, "")) if found else None


def _split(tokens: Sequence[_Token], separators: Collection[str]) -> list[list[_Token]]:
    """At these, outside of parentheses. An end without a command behind it is none."""
    found: list[list[_Token]] = [[]]
    level = 0
    for token in tokens:
        level += {"open": 1, "close": -1}.get(token.kind, 0)
        if level or token.kind != "split" or token.text not in separators:
            found[-1].append(token)
        else:
            found.append([])
    return [piece for piece in found if any(token.kind != "blank" for token in piece)]


def _part(line: str, tokens: Sequence[_Token], depth: int) -> Part | None:
    solid = [at for at, token in enumerate(tokens) if token.kind != "blank"]
    tokens = tokens[solid[0] : solid[-1] + 1]
    text = line[tokens[0].start : tokens[-1].start + len(tokens[-1].text)]
    kinds = {token.kind for token in tokens}
    if tokens[0].text in _KEYWORDS or (tokens[0].kind == "active" and tokens[0].text not in "[$~"):
        return None
    if tokens[0].kind == "open":
        return _subshell(line, tokens, depth)
    if kinds & {"open", "close"}:
        return None
    return Opaque(text) if kinds & {"knit", "split"} else Command(text, _words(tokens))


def _subshell(line: str, tokens: Sequence[_Token], depth: int) -> Part | None:
    level = 0
    for at, token in enumerate(tokens):
        level += {"open": 1, "close": -1}.get(token.kind, 0)
        if level == 0 and at < len(tokens) - 1:
            return None
    is_arithmetic = line.startswith("((", tokens[0].start)
    if level or depth == _MAX_DEPTH or is_arithmetic:
        return None
    inner = _steps(line, tokens[1:-1], depth + 1)
    return Subshell(inner) if inner else None


def _words(tokens: Sequence[_Token]) -> tuple[Word, ...]:
    """Adjacent pieces are one word. What stands behind `>` and the like is none."""
    origin = tokens[0].start
    found: list[Word] = []
    redirected = joined = False
    for token in tokens:
        if token.kind in ("blank", "redirect"):
            redirected = (redirected and token.kind == "blank" and not joined) or token.kind == "redirect"
            joined = False
            continue
        end = token.start - origin + len(token.text)
        if joined and not redirected:
            found[-1] = Word(found[-1].value + _value(token), found[-1].start, end)
        elif not redirected:
            found.append(Word(_value(token), token.start - origin, end))
        joined = True
    return tuple(found)


def _value(token: _Token) -> str:
    match token.kind:
        case "single":
            return token.text[1:-1]
        case "double":
            return re.sub(r"\\([\\\"$`\n])", r"\1", token.text[1:-1])
        case "escaped":
            return token.text[1:]
    return token.text
