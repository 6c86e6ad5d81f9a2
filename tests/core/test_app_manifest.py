"""What GitHub is asked for when the App is registered, and what an App lacks of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.trigger.app_manifest import (
    NOWHERE,
    Rights,
    Wish,
    filled_in,
    missing,
    register_path,
    rights,
    webhook_of,
    wrong_wish,
)

MANIFEST = (Path(__file__).parent.parent.parent / "bot" / "app.yml").read_text()
BACK = "http://127.0.0.1:8002/registered"


def test_the_manifest_says_what_people_decided_and_nothing_that_is_an_example() -> None:
    sent = json.loads(filled_in(MANIFEST, Wish("greeter", "octo", "https://bot.octo.dev"), BACK))
    assert sent["name"] == "greeter"
    assert sent["hook_attributes"] == {"url": "https://bot.octo.dev/webhook", "active": True}
    assert sent["redirect_url"] == BACK
    assert sent["public"] is False
    assert sent["default_permissions"]["contents"] == "write"
    assert "example.com/webhook" not in json.dumps(sent)


@pytest.mark.parametrize(
    ("address", "webhook"),
    [
        ("", NOWHERE),
        ("https://bot.octo.dev", "https://bot.octo.dev/webhook"),
        ("https://bot.octo.dev/", "https://bot.octo.dev/webhook"),
        ("https://bot.octo.dev/webhook", "https://bot.octo.dev/webhook"),
        ("https://octo.dev/bot/", "https://octo.dev/bot/webhook"),
    ],
)
def test_where_deliveries_go(address: str, webhook: str) -> None:
    assert webhook_of(address) == webhook


GOOD = Wish("solvebot-octo", "octo-corp", "https://bot.octo.dev:8443/at")


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (GOOD, None),
        (Wish("s"), None),
        (Wish(""), "1 to 34 characters"),
        (Wish("s" * 35), "1 to 34 characters"),
        (Wish("so\nlve"), "1 to 34 characters"),
        (Wish("s", "../../login"), "organisation"),
        (Wish("s", "octo--corp"), "organisation"),
        (Wish("s", "octo/corp"), "organisation"),
        (Wish("s", "o" * 40), "organisation"),
        (Wish("s", address="http://bot.octo.dev"), "begins with https://"),
        (Wish("s", address="https://localhost:8000"), "begins with https://"),
        (Wish("s", address="https://127.0.0.1"), "begins with https://"),
        (Wish("s", address="https://me:hush@bot.octo.dev"), "begins with https://"),
        (Wish("s", address="https://bot.octo.dev/?a=b"), "begins with https://"),
        (Wish("s", address="https://[::1"), "begins with https://"),
        (Wish("s", address="https://bot.octo.dev:99999"), "begins with https://"),
        (Wish("s", address="bot.octo.dev"), "begins with https://"),
    ],
)
def test_what_github_would_refuse_is_said_before(wish: Wish, words: str | None) -> None:
    found = wrong_wish(wish)
    assert (found is None) if words is None else (found is not None and words in found)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_any_wish_is_judged(name: str, owner: str, address: str) -> None:
    wish = Wish(name, owner, address)
    if wrong_wish(wish) is None:
        json.loads(filled_in(MANIFEST, wish, BACK))
        assert register_path(owner).count("/") in (3, 5)


ASKED = rights(MANIFEST)


@pytest.mark.parametrize(
    ("granted", "lacks"),
    [
        (ASKED, ()),
        (Rights({**ASKED.permissions, "issues": "admin", "checks": "write"}, (*ASKED.events, "fork")), ()),
        (Rights({**ASKED.permissions, "contents": "read"}, ASKED.events), ("contents: write",)),
        (Rights({"metadata": "read"}, ()), ("contents: write", "issues: write", "pull_requests: write",
            "checks: write", "statuses: read", "actions: read",
            "event issues", "event issue_comment", "event pull_request", "event pull_request_review",
            "event pull_request_review_comment", "event check_run", "event check_suite", "event status",
            "event push", "event repository")),
        (Rights({**ASKED.permissions, "issues": "none"}, ASKED.events), ("issues: write",)),
    ],
)  # fmt: skip
def test_what_an_app_lacks(granted: Rights, lacks: tuple[str, ...]) -> None:
    assert missing(ASKED, granted) == lacks
