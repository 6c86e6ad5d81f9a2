"""What the agent may read of an issue: the text a person sees on GitHub, and nothing that is hidden in it.

HTML comments, invisible characters, image descriptions, link titles and attributes are where instructions for
machines are hidden from people (Copilot and claude-code-action filter the same). Code blocks are left as they are,
because there a person sees all of it. `freeze` makes the input of a solve out of the cleaned parts, once, at the
trigger; its digest is shown in the status comment, so that anyone can tell which text was worked on.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence, Set
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from bot.core.feedback import Feedback
from bot.core.markdown import BlockKind, Span, SpanKind, html_spans, read_page, spans
from bot.core.model import Remark, RepoConfig, Sha, Solve, SolveOptions, Task

TITLE_LIMIT = 500  # characters; GitHub allows 256, other sources more
BODY_LIMIT = 40_000
REMARK_LIMIT = 10_000
ALL_REMARKS_LIMIT = 40_000
ALL_REMARKS_READ = 200_000  # before cleaning, which takes up to a second for the 65,536 characters of one comment
LONGEST = 100_000  # GitHub allows 65,536; what is behind this is not even read

# What `visible` takes out: codes for terminals, control characters, and all that is drawn as nothing.
UNSEEN = re.compile(
    r"\x1b\[[0-9;:?]*[A-Za-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
    "|[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_DATA_ADDRESS = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w.=-]+)*,[A-Za-z0-9+/=%_.~-]{64,}")
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{400,}={0,2}|(?:[A-Za-z0-9+/]{60,}={0,2}\n){6,}")
_HIDES_THE_REST = re.compile(r"<!--|<\?|<![A-Za-z\[]")
_TAG_NAME = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*")


def visible(text: str) -> str:
    """Without characters nobody sees: zero-width, bidirectional, tags, variation selectors, control characters.

    Line ends become `\\n`; what is no valid Unicode becomes U+FFFD, so that the result can always be encoded.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATE.sub("\ufffd", UNSEEN.sub("", text))


def clean_text(text: str, *, limit: int = BODY_LIMIT) -> str:
    """The text as people see it, in NFC, at most about `limit` characters, with a note where some were left out."""
    text = unicodedata.normalize("NFC", visible(text[:LONGEST]))
    page = read_page(text)
    lines = text.split("\n")
    for block in page.blocks:
        if block.kind is BlockKind.DEFINITION:
            lines[block.first : block.end] = [""] * (block.end - block.first)
        elif block.kind is not BlockKind.CODE:
            source = "\n".join(lines[block.first : block.end])
            shown = _shown_html(source) if block.kind is BlockKind.HTML else _shown(source, page.labels)
            # One entry for many lines and nothing for the rest keeps the line numbers of later blocks.
            lines[block.first] = shown
            lines[block.first + 1 : block.end] = [_REMOVED] * (block.end - block.first - 1)
    text = "\n".join(line for line in lines if line != _REMOVED)
    text = _DATA_ADDRESS.sub("(data left out)", text)
    text = _ENCODED.sub(lambda found: f"({len(found[0])} characters of encoded data left out)", text)
    return shorten(text.strip("\n"), limit)


_REMOVED = "\x00"  # cannot occur in a visible text


def _shown(text: str, labels: Set[str]) -> str:
    """A paragraph or heading: images lose their description, links their title, tags their attributes."""
    return _replaced(text, spans(text, labels))


def _shown_html(text: str) -> str:
    """An HTML block. What is opened and never closed hides the rest of it, while in a paragraph it is just text."""
    return _HIDES_THE_REST.split(_replaced(text, html_spans(text)))[0]


def _replaced(text: str, found: Sequence[Span]) -> str:
    edits: list[tuple[int, int, str]] = []
    for span in found:
        match span.kind:
            case SpanKind.HIDDEN:
                edits.append((span.start, span.end, ""))
            case SpanKind.IMAGE:
                edits.append((span.start, span.end, "(image)"))
            case SpanKind.TAG:
                edits.append((span.start, span.end, _bare_tag(text[span.start : span.end])))
            case SpanKind.LINK if span.title:
                edits.append((*span.title, ""))
    parts = []
    position = 0
    for start, end, instead in sorted(edits):
        if start >= position:  # else it lies inside an image, which is gone
            parts += [text[position:start], instead]
            position = end
    return "".join(parts) + text[position:]


def _bare_tag(tag: str) -> str:
    name = _TAG_NAME.match(tag)
    assert name is not None, "spans() finds tags by their name"
    return "(image)" if name[0].lower() == "<img" else name[0] + ">"


def shorten(text: str, limit: int) -> str:
    """Three quarters of `limit` from the start and one from the end, with a note between."""
    if len(text) <= limit:
        return text
    head = limit * 3 // 4
    tail = limit - head
    return f"{text[:head]}\n[... {len(text) - limit} characters left out ...]\n{text[-tail:] if tail else ''}"


def freeze(
    solve: Solve, remarks: Sequence[Remark], *, base_branch: str, base_sha: Sha, config: RepoConfig, private: bool
) -> Task:
    """The input of a solve, cleaned and with its digest. Where the comments are too much, the newest are kept."""
    title = " ".join(clean_text(solve.issue_title, limit=TITLE_LIMIT).split())
    body = clean_text(solve.issue_body)
    kept, left_out = _fitting(remarks)
    digest = task_digest(title, body, kept, base_branch, base_sha, config, solve.options)
    return Task(title, body, kept, base_branch, base_sha, config, solve.options, digest, private, left_out)


def _fitting(remarks: Sequence[Remark]) -> tuple[tuple[Remark, ...], tuple[str, ...]]:
    """The newest, as many as fit. Those behind them are not even read: anybody can write thousands of them."""
    kept: list[Remark] = []
    room, patience = ALL_REMARKS_LIMIT, ALL_REMARKS_READ
    for place in range(len(remarks), 0, -1):
        remark = remarks[place - 1]
        patience -= len(remark.body)
        body = clean_text(remark.body, limit=REMARK_LIMIT) if patience >= 0 else ""
        room -= len(body)
        if room < 0 or patience < 0:
            oldest = "oldest comment" if place == 1 else f"oldest {place} comments"
            return tuple(kept), (f"the {oldest}, because all of them together are too long",)
        if body.strip():
            kept.insert(0, Remark(remark.author, body, remark.at))
    return tuple(kept), ()


def task_digest(
    title: str,
    body: str,
    remarks: Sequence[Remark],
    base_branch: str,
    base_sha: Sha,
    config: RepoConfig,
    options: SolveOptions,
    feedback: Feedback | None = None,
) -> str:
    """SHA-256, in hex, over a canonical form: JSON, keys sorted, ASCII, no spaces, times in UTC."""
    form = {
        "title": title,
        "body": body,
        "remarks": [asdict(remark) for remark in remarks],
        "base_branch": base_branch,
        "base_sha": base_sha,
        "config": asdict(config),
        "options": asdict(options),
    }
    if feedback is not None:
        form["feedback"] = asdict(feedback)
    text = json.dumps(form, sort_keys=True, ensure_ascii=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form")
