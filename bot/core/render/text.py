"""Markdown that cannot be turned against its readers.

Models, issues and repositories write text that ends up in our comments. Escaped here, it mentions nobody, closes no
issue, links nowhere and draws nothing. GitHub's rules for mentions, references and closing keywords:
https://docs.github.com/en/get-started/writing-on-github
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from bot.core.text.cleaning import visible

MAX_BODY = 60_000  # GitHub refuses comments above 65,536 characters
_BREAK = "\u200b"  # a zero-width space: invisible, and no mention, reference or link survives it

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~^$-])")
_TRIGGERS = re.compile(r"(@|:(?=//)|\bwww(?=\.)|\bGH(?=\\?-\d))", re.IGNORECASE)


def harmless(text: str, limit: int = 2000) -> str:
    """Outside text as running Markdown text: one paragraph per line, nothing of it active."""
    return "  \n".join(_escaped(line) for line in shortened(visible(text), limit).splitlines())


def _escaped(line: str) -> str:
    line = line.replace("&", "&amp;")
    line = _MARKDOWN.sub(r"\\\1", line).replace(r"\<", "&lt;").replace(r"\>", "&gt;").replace(r"\#", f"\\#{_BREAK}")
    return _TRIGGERS.sub(rf"\1{_BREAK}", line)


# Behind which GitHub looks for a person, an issue, a link or a word to its robots: `[skip ci]`, `***NO_CI***`.
_ACTIVE_IN_COMMITS = re.compile(r"([@#\[]|:(?=//)|\bGH(?=-\d)|\*(?=NO_CI))", re.IGNORECASE)


def unmarked(text: str, limit: int) -> str:
    """Outside text for where no Markdown is read but much else is: a title, or the subject of a commit; on one line."""
    line = " ".join(visible(text).split())
    return _ACTIVE_IN_COMMITS.sub(rf"\1{_BREAK}", line)[:limit]


def code(text: str, limit: int = 200) -> str:
    """Outside text as an inline code span, on one line; GitHub looks for nothing inside of code.

    A name with characters that nobody sees must not look like another one, so they are shown as U+FFFD.
    """
    text = " ".join(shortened(text, limit).split()).replace("|", "\u00a6")
    text = "".join(character if character.isprintable() else "\ufffd" for character in text)
    if not text:
        return ""
    fence = "`" * (_longest_run(text, "`") + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def block(text: str, language: str = "", limit: int = 8000) -> str:
    """Outside text as a fenced block."""
    text = shortened(visible(text), limit)
    fence = "`" * max(3, _longest_run(text, "`") + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def details(summary: str, body: str) -> str:
    """A folded section; GitHub wants the empty line after the summary."""
    return f"<details>\n<summary>{summary}</summary>\n\n{body}\n\n</details>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are Markdown already; a pipe or a line break in one would break the table."""
    first, *rest = ["| " + " | ".join(" ".join(cell.split()) for cell in row) + " |" for row in (head, *rows)]
    return "\n".join([first, "|" + "---|" * len(head), *rest])


def listed(words: Sequence[str], limit: int = 5) -> str:
    """`a`, `b` and 3 more"""
    shown = ", ".join(code(word) for word in words[:limit])
    return f"{shown} and {len(words) - limit} more" if len(words) > limit else shown


def shortened(text: str, limit: int) -> str:
    """Cut in the middle, saying so; the result is never longer than `limit` (which is at least 40)."""
    if len(text) <= limit:
        return text
    note = f" [... {len(text) - limit:,} characters left out ...] "
    keep = max(0, limit - len(note))
    tail = keep // 3
    return text[: keep - tail] + note + (text[-tail:] if tail else "")


def fitted(body: str, marker: str) -> str:
    """A whole comment within GitHub's limit, with its marker kept at the top."""
    room = MAX_BODY - len(marker) - 200
    if len(body) > room:
        kept = body[:room].rsplit("\n", 1)[0]
        body = f"{kept}{_left_open(kept)}\n\n_This text was too long for GitHub and was cut here._"
    return f"{marker}\n{body}"


def _left_open(cut: str) -> str:
    """What closes the block and the folded section in which a text of ours ends, or all below would be part of them."""
    fence = ""
    folded = 0
    for line in cut.splitlines():
        if fence:
            fence = "" if line == fence else fence
        elif found := _FENCE.match(line):
            fence = found[0]
        else:
            folded += line.startswith("<details>") - (line == "</details>")
    return (f"\n{fence}" if fence else "") + "\n\n</details>" * max(0, folded)


_FENCE = re.compile(r"`{3,}")


def dollars(amount: float) -> str:
    return f"${amount:.2f}" if amount >= 10 else f"${amount:.4f}"


def duration(seconds: float) -> str:
    """48 s, 3 min, 1 h 12 min"""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


def count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _longest_run(text: str, character: str) -> int:
    return max((len(match) for match in re.findall(re.escape(character) + "+", text)), default=0)
