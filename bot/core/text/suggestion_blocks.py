"""What a comment on a line suggests, in GitHub's blocks of code that are called so."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.core.text.markdown import Block, BlockKind, read_page

MOST_SAID = 20_000  # characters of a comment: longer ones are not taken apart
MOST_BEFORE = 200  # characters that introduce a block: more is a wish of its own

_FENCE = re.compile(r"( {0,3})(`{3,}|~{3,})")


def block_of(text: str) -> str | None:
    """The lines that a comment suggests, each with its end. None: none, several, or something else is said as well.

    As GitHub reads it: fences of backticks or tildes, as long as it takes to hold other fences; one inside of a quote,
    a list or another block of code is none.
    """
    if "suggestion" not in text or len(text) > MOST_SAID:
        return None
    lines = text.replace("\r\n", "\n").split("\n")
    blocks = [block for block in read_page("\n".join(lines)).blocks if _is_suggestion(block)]
    if len(blocks) != 1 or blocks[0].quoted:
        return None
    [block] = blocks
    before, after = "\n".join(lines[: block.first]).strip(), "\n".join(lines[block.end :]).strip()
    if after or "\n" in before or len(before) > MOST_BEFORE:
        return None
    return _inside(lines[block.first : block.end])


def _is_suggestion(block: Block) -> bool:
    return block.kind is BlockKind.CODE and block.info.split()[:1] == ["suggestion"]


def _inside(lines: Sequence[str]) -> str | None:
    """None where it is never closed, or part of a list."""
    opening = _FENCE.match(lines[0])
    if opening is None or len(lines) < 2:
        return None
    fence = opening[2]
    if not re.fullmatch(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}}[ \t]*", lines[-1]):
        return None
    indented = re.compile(f" {{0,{len(opening[1])}}}")
    return "".join(f"{indented.sub('', line, count=1)}\n" for line in lines[1:-1])
