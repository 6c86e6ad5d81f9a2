"""What the agent may read of an issue: the text a person sees on GitHub, and nothing that is hidden in it.

HTML comments, invisible characters, image descriptions, link titles and attributes are where instructions for
machines are hidden from people (Copilot and claude-code-action filter the same); so are links without a text, hidden
elements, white and phantom maths, and what else `unshown.py` knows. Those are counted, and people are told; comments
and attributes are not, because templates are full of them. What is folded is shown. Code blocks are left as they are,
because there a person sees all of it. `freeze` makes the input of a solve out of the cleaned parts, once, at the
trigger; its digest is shown in the status comment, so that anyone can tell which text was worked on.
"""

from __future__ import annotations

import hashlib
import html
import json
import re
import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from bot.core.model import Remark, RepoConfig, Sha, Solve, SolveOptions, Task
from bot.core.render.omitted_text import not_shown
from bot.core.text.images import count_images, mark, unseen
from bot.core.text.markdown import Block, BlockKind, Span, SpanKind, html_spans, read_page, spans
from bot.core.text.maths import hidden_in_maths
from bot.core.text.unshown import (
    Footnotes,
    Unshown,
    marked,
    referred_to,
    shown_cells,
    shown_code,
    shown_elements,
)
from bot.core.trigger.feedback import Feedback

TITLE_LIMIT = 500  # characters; GitHub allows 256, other sources more
BODY_LIMIT = 40_000
REMARK_LIMIT = 10_000
ALL_REMARKS_LIMIT = 40_000
ALL_REMARKS_READ = 200_000  # before cleaning, which takes up to a second for the 65,536 characters of one comment
LONGEST = 100_000  # GitHub allows 65,536; what is behind this is not even read

# What `visible` takes out: codes for terminals, control characters, and all that is drawn as nothing.
UNSEEN = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]{0,64}[ -/]{0,8}[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]{1,8}[0-~]"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
    "|[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_DATA_ADDRESS = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w.=-]+)*,[A-Za-z0-9+/=%_.~-]{64,}")
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{400,}={0,2}|(?:[A-Za-z0-9+/]{60,}={0,2}\n){6,}")
_HIDES_THE_REST = re.compile(r"<!--|<\?|<![A-Za-z\[]")
_ANY_TAG = re.compile(r"<!--.*?-->|</?[A-Za-z][^>]{0,500}>", re.DOTALL)
_BLANK = re.compile(r"[\s*_~`\u2800\\]+")
_LONGEST_BLANK = 2_000  # characters; a link with more shows something


def visible(text: str) -> str:
    """Without characters nobody sees: zero-width, bidirectional, tags, variation selectors, control characters.

    Line ends become `\\n`; what is no valid Unicode becomes U+FFFD, so that the result can always be encoded.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _SURROGATE.sub("\ufffd", UNSEEN.sub("", text))


@dataclass(frozen=True, slots=True)
class Cleaned:
    """`dropped`: what the text held and its page does not show."""

    text: str
    dropped: Counter[Unshown]


def clean_text(text: str, *, limit: int = BODY_LIMIT) -> str:
    """The text as people see it, in NFC, at most about `limit` characters, with a note where some were left out."""
    return cleaned(text, limit=limit).text


def cleaned(text: str, *, limit: int = BODY_LIMIT) -> Cleaned:
    """The same, with a count of what was dropped."""
    text = unicodedata.normalize("NFC", visible(text[:LONGEST]))
    dropped: Counter[Unshown] = Counter()
    page, lines = read_page(text), text.split("\n")
    notes = Footnotes(referred_to(_sources(page.blocks, lines)))
    for block in sorted(page.blocks, key=lambda block: block.first):
        source = "\n".join(lines[block.first : block.end])
        if notes.leaves_out(source) and block.kind is not BlockKind.DEFINITION:
            source = ""
        # One entry for many lines and nothing for the rest keeps the line numbers of later blocks.
        lines[block.first] = _of_block(block, source, page.labels, dropped)
        lines[block.first + 1 : block.end] = [_REMOVED] * (block.end - block.first - 1)
    dropped[Unshown.NOTE] = notes.left_out
    text = shown_elements("\n".join(line for line in lines if line != _REMOVED), dropped)
    text = _DATA_ADDRESS.sub("(data left out)", text)
    text = _ENCODED.sub(lambda found: f"({len(found[0])} characters of encoded data left out)", text)
    return Cleaned(shorten(text.strip("\n"), limit), +dropped)


def _sources(blocks: Iterable[Block], lines: Sequence[str]) -> Iterator[str]:
    """What may refer to a footnote."""
    shown = (BlockKind.PARAGRAPH, BlockKind.HEADING, BlockKind.DEFINITION)
    return ("\n".join(lines[block.first : block.end]) for block in blocks if block.kind in shown)


_REMOVED = "\x00"  # cannot occur in a visible text


def _of_block(block: Block, source: str, labels: Set[str], dropped: Counter[Unshown]) -> str:
    match block.kind:
        case BlockKind.DEFINITION:
            return "\n" * (block.end - block.first - 1)
        case BlockKind.CODE:
            return shown_code(source, block.info, dropped)
        case BlockKind.HTML:
            return _shown_html(source, dropped)
        case _:
            return _shown(shown_cells(source, dropped), labels, dropped)


def _shown(text: str, labels: Set[str], dropped: Counter[Unshown]) -> str:
    """A paragraph or heading: images lose their description, links their title, tags their attributes."""
    found = spans(text, labels)
    return _replaced(text, [*_edits(text, found, dropped), *_maths(text, found, dropped)])


def _shown_html(text: str, dropped: Counter[Unshown]) -> str:
    """An HTML block. What is opened and never closed hides the rest of it, while in a paragraph it is just text."""
    return _HIDES_THE_REST.split(_replaced(text, _edits(text, html_spans(text), dropped)))[0]


_Edit = tuple[int, int, str]


def _edits(text: str, found: Sequence[Span], dropped: Counter[Unshown]) -> Iterator[_Edit]:
    for span in found:
        match span.kind:
            case SpanKind.HIDDEN:
                yield span.start, span.end, ""
            case SpanKind.IMAGE:
                yield span.start, span.end, mark(text[span.start : span.end])
            case SpanKind.TAG:
                tag = text[span.start : span.end]
                yield span.start, span.end, mark(tag) if tag[:4].lower() == "<img" else marked(tag)
            case SpanKind.LINK if _shows_nothing(text[slice(*span.inner)]):
                dropped[Unshown.LINK] += 1
                yield span.start, span.end, ""
            case SpanKind.LINK:
                yield from _unshown_of_link(text, span)


def _shows_nothing(text: str) -> bool:
    if len(text) > _LONGEST_BLANK or "![" in text or "<img" in text.lower():
        return False
    written = visible(html.unescape(_ANY_TAG.sub("", text)))
    return not _BLANK.sub("", written)


_NO_ADDRESS = re.compile(r"\s|^<?\s*(?:data|javascript|vbscript):", re.IGNORECASE)


def _unshown_of_link(text: str, span: Span) -> Iterator[_Edit]:
    """Its title, the label by which it finds its address, and an address that is a sentence and no address."""
    if span.address is None:
        yield span.inner[1] + 1, span.end, ""
    elif _NO_ADDRESS.search(text[slice(*span.address)]):
        yield *span.address, ""
    if span.title:
        yield *span.title, ""


def _maths(text: str, found: Sequence[Span], dropped: Counter[Unshown]) -> Iterator[_Edit]:
    """What formulas hide. In code there is none, unless it stands between two `$`: GitHub takes that for one, too."""
    if "$" not in text:
        return
    code = [span for span in found if span.kind is SpanKind.CODE and text[span.start - 1 : span.start] != "$"]
    starts = [span.start for span in code]
    for start, end in hidden_in_maths(text, comments=text.lstrip().startswith("$$")):
        before = bisect_right(starts, start) - 1
        if before < 0 or code[before].end <= start:
            dropped[Unshown.MATHS] += 1
            yield start, end, ""


def _replaced(text: str, edits: Iterable[_Edit]) -> str:
    parts = []
    position = 0
    for start, end, instead in sorted(edits):
        if start >= position:  # else it lies inside of what is gone
            parts += [text[position:start], instead]
            position = end
    return "".join(parts) + text[position:]


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
    about = cleaned(solve.issue_body)
    body, dropped = about.text, Counter(about.dropped)
    kept, images, left_out = _fitting(remarks, dropped)
    images += count_images(solve.issue_title, title) + count_images(solve.issue_body, body)
    left_out += (*not_shown(dropped), *([unseen(images)] if images else []))
    digest = task_digest(title, body, kept, base_branch, base_sha, config, solve.options)
    return Task(title, body, kept, base_branch, base_sha, config, solve.options, digest, private, left_out)


def _fitting(remarks: Sequence[Remark], dropped: Counter[Unshown]) -> tuple[tuple[Remark, ...], int, tuple[str, ...]]:
    """The newest, as many as fit, how many images are in them, and what is left out.

    Those behind them are not even read: anybody can write thousands of them. What is dropped from those that are kept
    is counted.
    """
    kept: list[Remark] = []
    images = 0
    room, patience = ALL_REMARKS_LIMIT, ALL_REMARKS_READ
    for place in range(len(remarks), 0, -1):
        remark = remarks[place - 1]
        patience -= len(remark.body)
        found = cleaned(remark.body, limit=REMARK_LIMIT) if patience >= 0 else Cleaned("", Counter())
        body = found.text
        room -= len(body)
        if room < 0 or patience < 0:
            oldest = "oldest comment" if place == 1 else f"oldest {place} comments"
            return tuple(kept), images, (f"the {oldest}, because all of them together are too long",)
        dropped += found.dropped
        if body.strip():
            images += count_images(remark.body[:LONGEST], body)
            kept.insert(0, Remark(remark.author, body, remark.at))
    return tuple(kept), images, ()


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
