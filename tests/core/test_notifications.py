"""What is told to the operator's own address, how it is signed, and when it is tried again."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Repo, SolveId, Status, TriggerKind
from bot.core.notifications import body, headers, is_taken, next_try
from bot.core.views import EventKind, SolveEvent, SolveSummary

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVENT = SolveEvent(7, SolveId("s-1"), 9, EventKind.PUBLISHED, NOON)
SOLVE = SolveSummary(
    SolveId("s-1"), Repo(5, 9, "octo/web"), 3, "It breaks ✓", Status.RUNNING, TriggerKind.LABEL, "ann", NOON, None,
    None, 0.25, 3, 3, "A", 8, "https://github.com/octo/web/pull/8",
)  # fmt: skip


def test_what_is_told() -> None:
    assert json.loads(body(EVENT, SOLVE, "https://bot.example")) == {
        "event": "solve.published",
        "delivery": "s-1-7",
        "at": "2026-11-20T12:00:00+00:00",
        "solve": {
            "id": "s-1",
            "repository": "octo/web",
            "issue": 3,
            "title": "It breaks ✓",
            "status": "running",
            "requested_by": "ann",
            "champion": "A",
            "pull_request": "https://github.com/octo/web/pull/8",
            "dollars": 0.25,
            "error": "",
            "page": "https://bot.example/solves/s-1",
        },
    }
    assert json.loads(body(EVENT, SOLVE, ""))["solve"]["page"] == ""


def test_it_is_signed_as_github_signs() -> None:
    sent = headers("a secret of 16 or more", EVENT, b"{}")
    assert (
        sent["X-Hub-Signature-256"]
        == "sha256=" + hmac.new(b"a secret of 16 or more", b"{}", hashlib.sha256).hexdigest()
    )
    assert (sent["X-Solvebot-Event"], sent["X-Solvebot-Delivery"]) == ("solve.published", "s-1-7")


@pytest.mark.parametrize(
    ("tries", "seconds"),
    [(1, 30), (2, 120), (3, 480), (4, 1920), (5, 7680), (6, 30_720), (7, 43_200), (8, None), (9, None)],
)
def test_it_is_tried_again_ever_later(tries: int, seconds: int | None) -> None:
    assert next_try(tries, NOON) == (None if seconds is None else NOON + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("status", "taken"), [(200, True), (202, True), (299, True), (302, False), (404, False), (500, False)]
)
def test_who_takes_it_says_so(status: int, *, taken: bool) -> None:
    assert is_taken(status) is taken


@given(st.text(), st.text(), st.text())
def test_whatever_a_title_holds(title: str, login: str, error: str) -> None:
    solve = dataclasses.replace(SOLVE, title=title, requested_by=login, error=error)
    assert json.loads(body(EVENT, solve, ""))["event"] == "solve.published"
