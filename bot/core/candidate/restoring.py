"""What editors and tools change by the way, and nobody asked for: put back as the base commit has it.

- Line ends: who rewrites a file gives all of its lines his own. A line that is the base's but for its end gets that
  end back. A new line gets the file's, where the file has only one kind: CRLF always, because nobody types LF on
  purpose there; LF where the whole file had been rewritten, because CRLF in a few lines may be meant. The last line
  has an end where the base's last line has one, and has none where it is that line and has none there.
- A byte order mark at the beginning, lost or new.
- Lines in an old encoding that were written again in UTF-8, or with U+FFFD for what could not be read.
- The executable bit of a file that was there.

A task that speaks of such a thing may want it changed: then a file that differs in nothing else keeps the change.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_BOM = b"\xef\xbb\xbf"
_LF, _CRLF, _NONE = b"\n", b"\r\n", b""
_LINE_ENDS = re.compile(
    r"\b(?:cr[ /-]?lf|line[ -]?(?:end(?:ing)?s?|break\w*|terminators?)|eol|dos2unix|unix2dos|carriage returns?"
    r"|byte[ -]order[ -]mark|bom|new ?lines?)\b|\\r\\n|\^M",
    re.IGNORECASE,
)
_MODES = re.compile(
    r"\bchmod\b|\bexecutable\b|\bexec(?:ution|ute)?[ -](?:bit|permission|flag)s?\b|(?<!\w)\+x\b|\b0?(?:755|644)\b"
    r"|\bfile modes?\b|permission denied|\brunnable\b",
    re.IGNORECASE,
)


_ENCODING = re.compile(
    r"\b(?:encod\w*|utf-?8|utf-?16|latin-?1|iso-?8859\S*|cp-?125\d|windows-125\d|charset|mojibake|non-ascii|umlauts?)\b",
    re.IGNORECASE,
)
_OLD_ENCODINGS = ("latin-1", "cp1252")


class Aspect(StrEnum):
    ENCODING = "encoding"
    LINE_ENDS = "line ends"
    MODE = "executable bit"
    LINK = "symbolic link"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the task speaks of, so that a change of it may be meant."""

    line_ends: bool = False
    modes: bool = False
    encoding: bool = False


UNASKED = Asked()


@dataclass(frozen=True, slots=True)
class PutBack:
    """One file, and what of it is as it was."""

    path: str
    aspect: Aspect


def asked_for(texts: Iterable[str]) -> Asked:
    """`texts`: title, body and comments of an issue."""
    text = "\n".join(texts)
    return Asked(*(words.search(text) is not None for words in (_LINE_ENDS, _MODES, _ENCODING)))


def in_its_encoding(old: bytes, new: bytes, asked: Asked = UNASKED) -> bytes:
    """The new content with the bytes of the old one in lines that were only written in another encoding."""
    if b"\0" in old or b"\0" in new or _is_utf8(old):
        return new
    known = {other: line for line in _bare_lines(old) if not _is_utf8(line) for other in _in_utf8(line)}
    restored = b"".join(known.get(line, line) + end for line, end in _lines(new))
    return new if asked.encoding and as_it_was(old, restored) == old else restored


def _bare_lines(content: bytes) -> set[bytes]:
    return {line for line, _ in _lines(content)}


def _in_utf8(line: bytes) -> set[bytes]:
    """What tools make of it that read it in one of the usual ways, and write UTF-8."""
    read = {line.decode(encoding, "replace") for encoding in ("utf-8", *_OLD_ENCODINGS)}
    return {text.encode() for text in read} | {line.decode("utf-8", "ignore").encode()}


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def as_it_was(old: bytes, new: bytes, asked: Asked = UNASKED) -> bytes:
    """The new content with the line ends and the byte order mark of the old one."""
    if b"\0" in old or b"\0" in new:
        return new
    had = old.startswith(_BOM)
    before, after = _lines(old.removeprefix(_BOM)), _lines(new.removeprefix(_BOM))
    restored = (_BOM if had and new else b"") + b"".join(text + end for text, end in _with_old_ends(before, after))
    return new if asked.line_ends and restored == old else restored


def _lines(content: bytes) -> list[tuple[bytes, bytes]]:
    """Each line without its end, and the end."""
    *lines, last = content.split(_LF)
    found = [(line[:-1], _CRLF) if line.endswith(b"\r") else (line, _LF) for line in lines]
    return [*found, (last, _NONE)] if last else found


def _with_old_ends(
    before: list[tuple[bytes, bytes]], after: list[tuple[bytes, bytes]]
) -> Iterable[tuple[bytes, bytes]]:
    ends = _ends_of_lines(before)
    usual = _usual(before)
    known = [(ends[text], end) for text, end in after if ends.get(text) and end]
    rewritten = sum(was != now for was, now in known) * 2 > len(known)
    ended = bool(before) and bool(before[-1][1])
    for number, (text, end) in enumerate(after, 1):
        if number == len(after) and before and before[-1] == (text, _NONE):
            yield text, _NONE
        elif not end:
            yield text, (ends.get(text) or usual or _LF) if ended else end
        elif text in ends:
            yield text, ends[text] or end
        else:
            yield text, usual if usual == _CRLF or (usual and rewritten) else end


def _ends_of_lines(before: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Of each text that the base has; no end where it has two kinds."""
    found: dict[bytes, bytes] = {}
    for text, end in before:
        if end:
            found[text] = end if found.get(text, end) == end else _NONE
    return found


def _usual(before: list[tuple[bytes, bytes]]) -> bytes:
    """The one kind that the file has; none where it has both, or no line at all."""
    kinds = {end for _, end in before if end}
    return kinds.pop() if len(kinds) == 1 else _NONE
