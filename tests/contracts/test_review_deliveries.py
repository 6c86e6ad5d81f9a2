"""Reviews at the webhook: what is kept of one that is taken back."""

from __future__ import annotations

import json

import pytest

from bot.core.model import Person, Repo
from bot.core.trigger.event_reader import read_event
from bot.core.trigger.events import Ignored, ReviewDismissed
from bot.github.signatures import told_by_github
from bot.github.webhook import slim

REPO = Repo(5, 77, "octo/web")


def dismissed(*, by: str = "Bot", fork: bool = False, **review: object) -> bytes | None:
    pull = {"number": 9, "title": "Fix", "user": {"login": "solvebot[bot]", "id": 1, "type": by}}
    body = {
        "action": "dismissed",
        "sender": {"login": "ann", "id": 9, "type": "User"},
        "repository": {"id": 77, "full_name": "octo/web"},
        "installation": {"id": 5},
        "review": {"id": 31, "state": "dismissed", "body": "x" * 70_000, "user": {"login": "bob"}, **review},
        "pull_request": {**pull, "head": {"sha": "a" * 40, "ref": "b", "repo": {"id": 78 if fork else 77}}},
    }
    return slim(told_by_github("g1", "pull_request_review", json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("record", "meant"),
    [
        (dismissed(), ReviewDismissed(REPO, 9, 31, Person("ann", 9))),
        (dismissed(by="User"), None),
        (dismissed(fork=True), None),
        (dismissed(id=None), Ignored("pull_request_review without review.id")),
    ],
)
def test_a_review_that_is_taken_back(record: bytes | None, meant: object) -> None:
    assert (None if record is None else read_event("pull_request_review", json.loads(record))) == meant
    assert record is None or len(record) < 1_000
