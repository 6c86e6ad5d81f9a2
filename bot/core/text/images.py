"""Images in an issue: no agent sees them, so each leaves a mark, and people are told how many there were.

Their descriptions and addresses are read by nobody on GitHub, and so are a place for words to machines. Only an
address that GitHub itself has made for an upload is passed on: it holds no words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MARK = "(image)"
UNREAD = "(image) stands where the issue has an image. Nobody could look at it: do not guess what it shows."

_UPLOAD = re.compile(
    r"https://(?:github\.com/(?:user-attachments/assets|[\w.-]{1,100}/[\w.-]{1,100}/assets/\d{1,12})/[0-9a-f-]{32,36}"
    r"|(?:private-)?user-images\.githubusercontent\.com/\d{1,12}/[0-9a-f-]{16,60}\.\w{3,4})(?=[\s\"')>?]|$)"
)
_MARKS = re.compile(r"\(image(?:: https://[^\s()]{1,300})?\)")


def mark(source: str) -> str:
    """What stands for an image; `source` is its Markdown or its tag."""
    found = _UPLOAD.search(source)
    return f"(image: {found[0]})" if found else MARK


def count_images(written: str, cleaned: str) -> int:
    """Of a text, from the marks that cleaning has left in it."""
    return max(0, len(_MARKS.findall(cleaned)) - len(_MARKS.findall(written)))


def are_marked(texts: Iterable[str]) -> bool:
    return any(_MARKS.search(text) for text in texts)


def unseen(number: int) -> str:
    return "an image, which agents cannot see" if number == 1 else f"{number} images, which agents cannot see"
