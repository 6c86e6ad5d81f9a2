"""The options of `/solve`: words and `key=value` pairs into `SolveOptions`.

What people get wrong is answered with the mistake and what is allowed, so every reader here either returns a value or
raises `BadOption` with two sentences for people. Ranges are what makes sense anywhere; the server's own limits come
later and clamp (bot/core/choosing/experiments.py).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from bot.core.model import MAX_ATTEMPTS, SolveOptions, Strategy

MAX_REPRO = 1_000  # characters
MAX_DOLLARS = 1_000.0
MAX_MINUTES = 24 * 60.0


class Bound(Enum):
    """What a server may allow less of than makes sense anywhere."""

    ATTEMPTS = "attempts"
    DOLLARS = "dollars"
    MINUTES = "minutes"


class BadOption(Exception):
    """`what` was wrong and the `remedy`, a sentence each. `bound`: whose range the remedy tells."""

    def __init__(self, what: str, remedy: str, bound: Bound | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy
        self.bound = bound


@dataclass(frozen=True, slots=True)
class Word:
    """`key=value`, or a bare word whose key is empty."""

    key: str
    value: str


_KEY = re.compile(r"([^\s=\"'`“”„‘’]+)=")
_BARE = re.compile(r"\S+")
_SMART = str.maketrans("“”„‟‘’‚‛", "\"\"\"\"''''")
_OPENING = "\"'`“”„‟‘’"


def read_words(text: str) -> list[Word]:
    """Split as a shell would, with one level of quotes: `key="a \\"b\\" c"`. Phones' curly quotes count as straight.

    Raises `BadOption` for a quote that is never closed.
    """
    words = []
    position = 0
    while bare := _BARE.search(text, position):
        key = _KEY.match(text, bare.start())
        if key is None:
            words.append(Word("", bare[0]))
            position = bare.end()
        elif text[key.end() : key.end() + 1] and text[key.end()] in _OPENING:
            value, position = _quoted(text, key)
            words.append(Word(key[1].lower(), value))
        else:
            words.append(Word(key[1].lower(), bare[0][len(key[0]) :]))
            position = bare.end()
    return words


def _quoted(text: str, key: re.Match[str]) -> tuple[str, int]:
    opening = text[key.end()]
    rest = text[key.end() + 1 :]
    if opening not in "\"'`":  # curly, so the phone has bent every quote of the line
        opening = opening.translate(_SMART)
        rest = rest.translate(_SMART)
    closed = re.match(rf"((?:\\.|[^\\{opening}])*){opening}", rest)
    if closed is None:
        raise BadOption(
            f"The quote after {shown(key[1])}= is never closed.",
            f'Close it on the same line: {shown(key[1])}="..."; a quote inside is written \\".',
        )
    return re.sub(rf"\\([\\{opening}])", r"\1", closed[1]), key.end() + 1 + closed.end()


def shown(text: str) -> str:
    """What somebody typed, as an inline code span: short, and unable to mention or link anything."""
    plain = re.sub(r"[`\s]+", " ", text).strip()
    return f"`{plain[:40]}…`" if len(plain) > 40 else f"`{plain}`"


def one_of(values: Sequence[str]) -> str:
    """`a`, `b` or `c`."""
    spans = [f"`{value}`" for value in values]
    return spans[0] if len(spans) == 1 else f"{', '.join(spans[:-1])} or {spans[-1]}"


def nearest(word: str, values: Sequence[str]) -> str:
    """ "Did you mean `model`? " or nothing."""
    close = difflib.get_close_matches(word.lower().strip("-"), values, n=1, cutoff=0.7)
    return f"Did you mean `{close[0]}`? " if close else ""


def read_options(words: Sequence[Word]) -> SolveOptions:
    """Raises `BadOption` for the first word that cannot be used."""
    given: dict[str, Any] = {}
    for word in words:
        key = word.key or word.value.lower()
        if key == "draft":
            name, value = "draft", _flag(word)
        elif word.key in _READERS:
            name, read = _READERS[word.key]
            value = read(word.value)
        else:
            raise _unknown(word)
        if name in given:
            raise BadOption(f"{shown(key)} is given twice.", "Say it once; a list is written `a,b`.")
        given[name] = value
    return SolveOptions(**given)


def _unknown(word: Word) -> BadOption:
    keys = [*_READERS, "draft"]
    allowed = f"The options are {', '.join(f'`{key}=`' for key in _READERS)} and `draft`."
    if word.key:
        return BadOption(f"{shown(word.key)} is not an option.", nearest(word.key, keys) + allowed)
    if word.value.lower() in _READERS:
        return BadOption(
            f"{shown(word.value)} has no value.", f"Write it without spaces: `{word.value.lower()}=...`. {allowed}"
        )
    return BadOption(
        f"{shown(word.value)} is neither an option nor a command.",
        f"{nearest(word.value, [*keys, *SUBCOMMANDS])}{allowed} Lists are written without spaces: `model=a,b`. "
        f"The commands are {', '.join(f'`/solve {name}`' for name in SUBCOMMANDS)}.",
    )


SUBCOMMANDS = (
    *(
        "status",
        "#12 #14",
        "milestone",
        "cancel",
        "retry",
        "explain",
        "why src/a.py:12",
        "use B",
        "approve",
        "reject too large",
    ),
    *("revise use a constant", "update", "help"),
)


def _flag(word: Word) -> bool:
    if word.key:
        raise BadOption("`draft` takes no value.", "Write just `draft`.")
    return True


def _items(text: str, key: str) -> list[str]:
    """A comma list without repetitions."""
    items = list(dict.fromkeys(item.strip() for item in text.split(",")))
    if not all(items):
        raise BadOption(
            f"{shown(f'{key}={text}')} has an empty item.", f"Write the values without spaces: `{key}=a,b`."
        )
    if len(items) > MAX_ATTEMPTS:
        raise BadOption(f"`{key}=` names {len(items)} values.", f"Name at most {MAX_ATTEMPTS}.")
    return items


def _models(text: str) -> tuple[str, ...]:
    return tuple(_items(text, "model"))


def _attempts(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text) or not 1 <= int(text) <= MAX_ATTEMPTS:
        raise BadOption(
            f"{shown(text)} is not a number of attempts.",
            f"Use `attempts=` with 1 to {MAX_ATTEMPTS}.",
            Bound.ATTEMPTS,
        )
    return int(text)


_DECIMAL = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6})?|\.[0-9]{1,6}")


def _temperatures(text: str) -> tuple[float, ...]:
    values = []
    for item in _items(text, "temperature"):
        if not _DECIMAL.fullmatch(item) or float(item) > 2:
            raise BadOption(f"{shown(item)} is not a temperature.", "Use numbers from 0 to 2, as in `temperature=0.7`.")
        values.append(float(item))
    return tuple(dict.fromkeys(values))


def _strategies(text: str) -> tuple[Strategy, ...]:
    names = [strategy.value for strategy in Strategy]
    values = []
    for item in _items(text.lower(), "strategy"):
        if item not in names:
            raise BadOption(f"{shown(item)} is not a strategy.", f"{nearest(item, names)}Use {one_of(names)}.")
        values.append(Strategy(item))
    return tuple(values)


def _dollars(text: str) -> float:
    digits = text.removeprefix("$")
    if not _DECIMAL.fullmatch(digits) or not 0 < float(digits) <= MAX_DOLLARS:
        raise BadOption(
            f"{shown(text)} is not a budget.",
            f"Use US dollars, more than 0 and at most {MAX_DOLLARS:.0f}, as in `budget=2.50`.",
            Bound.DOLLARS,
        )
    return float(digits)


_TIME = re.compile(r"(?=.)(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?(?:([0-9]{1,6})s)?")


def _minutes(text: str) -> float:
    parts = _TIME.fullmatch(text.lower())
    hours, minutes, seconds = (float(part or 0) for part in parts.groups()) if parts else (0.0, 0.0, 0.0)
    total = hours * 60 + minutes + seconds / 60
    if not 1 <= total <= MAX_MINUTES:
        raise BadOption(
            f"{shown(text)} is not a time.",
            "Use from `1m` to `24h`, with the unit: `time=30m`, `time=1h30m`, `time=90s`.",
            Bound.MINUTES,
        )
    return total


def is_branch_name(text: str) -> bool:
    """Git's own rules (git-check-ref-format), and at most 200 characters."""
    parts = text.split("/")
    return (
        0 < len(text) <= 200
        and not re.search(r"[\x00-\x20\x7f~^:?*\[\\\s]|\.\.|@\{", text)
        and not text.startswith("-")
        and not text.endswith(".")
        and text not in ("@", "HEAD")
        and all(part and not part.startswith(".") and not part.endswith(".lock") for part in parts)
    )


def _branch(text: str) -> str:
    if not is_branch_name(text):
        raise BadOption(f"{shown(text)} is not a branch name.", "Name a branch of this repository: `base=release-1`.")
    return text


def _repro(text: str) -> str:
    if not text.strip():
        raise BadOption("`repro=` is empty.", 'Give the command that fails, in quotes: `repro="make crash"`.')
    if len(text) > MAX_REPRO:
        raise BadOption(
            f"The `repro=` command is {len(text)} characters long.",
            f"Use at most {MAX_REPRO}, or put it into a script of the repository.",
        )
    return text.strip()


_READERS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "model": ("models", _models),
    "attempts": ("attempts", _attempts),
    "temperature": ("temperatures", _temperatures),
    "strategy": ("strategies", _strategies),
    "budget": ("dollars", _dollars),
    "time": ("minutes", _minutes),
    "base": ("base", _branch),
    "repro": ("repro", _repro),
}
