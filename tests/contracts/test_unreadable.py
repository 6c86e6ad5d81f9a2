"""What GitHub signed and nobody can read at once: mended, or kept for the operator and answered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.core.model import IssueRef, Repo
from bot.core.trigger.event_reader import read_event
from bot.core.trigger.events import CommentPosted, LabelAdded, Unreadable
from bot.github.signatures import verify
from bot.github.webhook import slim
from tests.contracts.test_webhook import SECRET, commented, labeled, payload, signed

ISSUE = IssueRef(Repo(5, 77, "octo/web"), 3)


def record(event: str, body: bytes) -> dict[str, Any] | None:
    headers = {name.lower().encode(): value.encode() for name, value in signed(body, event).items()}
    kept = slim(verify([SECRET], headers, body))
    return None if kept is None else json.loads(kept)


@pytest.mark.parametrize(
    ("given", "title"),
    [
        (rb"half \ud83d", "half \ufffd"),
        (rb"half \ude00 other", "half \ufffd other"),
        (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"\\ud83d \ud83d", "\\ud83d \ufffd"),
        (b"\xed\xa0\xbd", "\ufffd\ufffd\ufffd"),
        (b"latin-1 \xe9!", "latin-1 \ufffd!"),
        (b"bell \x07", "bell \x07"),
        (b"new\nline", "new\nline"),
        (rb"null \u0000 and \ud83d", "null \x00 and \ufffd"),
    ],
)
def test_text_that_is_no_unicode_is_read_with_replacement(given: bytes, title: str) -> None:
    found = record("issues", labeled().replace(b"It breaks", given))
    assert found is not None
    event = read_event("issues", found)
    assert isinstance(event, LabelAdded)
    assert (event.title, event.label, event.issue) == (title, "solve-me", ISSUE)


@pytest.mark.parametrize("prefix", [b"\xef\xbb\xbf", b" \n"])
def test_what_stands_before_the_json_is_no_reason(prefix: bytes) -> None:
    found = record("issues", prefix + labeled())
    assert found is not None
    assert isinstance(read_event("issues", found), LabelAdded)


def test_a_comment_with_half_a_pair_is_a_comment() -> None:
    found = record("issue_comment", commented("/solve").replace(b"/solve", rb"/solve\n\ud83d"))
    assert found is not None
    event = read_event("issue_comment", found)
    assert isinstance(event, CommentPosted)
    assert event.text == "/solve\n\ufffd"


@pytest.mark.parametrize("number", [b"NaN", b"-Infinity", b"1e999", b"9" * 400])
def test_a_number_that_nobody_reads_is_no_reason(number: bytes) -> None:
    found = record("issues", labeled().replace(b'"state": "open"', b'"score": ' + number))
    assert found is not None
    assert isinstance(read_event("issues", found), LabelAdded)


@pytest.mark.parametrize(
    "body",
    [
        labeled().replace(b'"updated_at": "2026', b'"updated_at": 2026, "then": "'),
        labeled().replace(b'"title": "It breaks"', b'"title": ["It breaks"]'),
        labeled().replace(b'"number": 3', b'"number": 3, "pull_request": "odd"'),
        labeled().replace(b'"login": "ann"', b'"login": 7'),
    ],
)
def test_what_cannot_be_read_is_kept_with_what_is_known(body: bytes) -> None:
    found = record("issues", body)
    assert found is not None
    event = read_event("issues", found)
    assert isinstance(event, Unreadable)
    assert (event.issue, event.label, event.by_person) == (ISSUE, "solve-me", True)
    assert "solve-me" in event.text
    assert event.why


def test_a_comment_that_cannot_be_read_is_kept() -> None:
    found = record("issue_comment", commented("/solve").replace(b'"id": 41', b'"id": "41"'))
    assert found is not None
    event = read_event("issue_comment", found)
    assert isinstance(event, Unreadable)
    assert (event.issue, event.comment) == (ISSUE, "/solve")


@pytest.mark.parametrize("cut", [200, 400])
def test_half_a_delivery_is_kept_for_the_operator(cut: int) -> None:
    found = record("issues", labeled()[:cut])
    assert found is not None
    event = read_event("issues", found)
    assert isinstance(event, Unreadable)
    assert event.issue is None
    assert event.text.startswith('{"action": "labeled"')


def test_what_is_kept_is_bounded() -> None:
    body = json.dumps(payload("labeled", label="odd", blob="x" * 3_000_000)).encode()
    found = record("issues", body)
    assert found is not None
    assert len(json.dumps(found)) < 40_000


@pytest.mark.parametrize(
    ("event", "body"),
    [
        ("issues", b"not JSON"),
        ("issues", b'{"deep": ' + b"[" * 100_000),
        ("issues", b'{"n": ' + b"9" * 5000),
        ("issue_comment", commented("no request").replace(b'"id": 41', b'"id": "41"')),
        ("push", b"/solve"),
    ],
)
def test_what_names_nothing_of_ours_is_not_kept(event: str, body: bytes) -> None:
    assert record(event, body) is None
