"""What a record becomes, and that nothing makes the reader raise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.model import IssueRef, Person, Repo
from bot.core.trigger.event_reader import read_event
from bot.core.trigger.events import (
    CommentPosted,
    Event,
    Ignored,
    InstallationAction,
    InstallationChanged,
    IssueClosed,
    IssueMoved,
    LabelAdded,
    LabelRemoved,
    Ping,
    PullRequestChanged,
    PullRequestReopened,
    RepositoryAction,
    RepositoryChanged,
    ReviewSubmitted,
    ThreadCommented,
    Unreadable,
    asks_us,
    is_one_of,
)

Change = Callable[[dict[str, Any]], object]

REPO = Repo(installation=5, id=77, name="octo/web")
ANN = Person("ann", 9)
BRANCHES: dict[str, Any] = {"head": {"ref": "solvebot/1-x", "sha": "f" * 40}, "base": {"ref": "main"}}
ISSUE = (IssueRef(REPO, 3), "It breaks", "Traceback", False, ANN)
UPDATED = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
COMMENTED = datetime(2026, 11, 20, 11, 30, tzinfo=UTC)


def record(**more: Any) -> dict[str, Any]:
    """What every event about an issue has in common."""
    return {
        "sender": {"login": "ann", "id": 9, "type": "User"},
        "repository": {"id": 77, "full_name": "octo/web"},
        "installation": {"id": 5},
        "issue": {
            "number": 3,
            "title": "It breaks",
            "body": "Traceback",
            "state": "open",
            "locked": False,
            "updated_at": "2026-11-20T10:00:00Z",
        },
        **more,
    }


def comment(action: str = "created", **more: Any) -> dict[str, Any]:
    said = {
        "id": 41,
        "body": "/solve",
        "user": {"login": "ann", "id": 9, "type": "User"},
        "updated_at": "2026-11-20T12:30:00+01:00",
    }
    return record(action=action, comment=said, **more)


def review(action: str = "submitted", by: str = "User", of: str = "Bot", **more: Any) -> dict[str, Any]:
    said = {
        "id": 51,
        "body": "Everybody.",
        "state": "changes_requested",
        "user": {"login": "ann", "id": 9, "type": by},
        "submitted_at": "2026-11-20T11:30:00Z",
    }
    return record(action=action, review=said, pull_request=pull(of), **more)


def pull(of: str = "Bot", **more: object) -> dict[str, Any]:
    return {"number": 8, "title": "Fix", "user": {"login": "solvebot[bot]", "id": 7, "type": of}, **more}


def line_comment(action: str = "created", **more: Any) -> dict[str, Any]:
    said = {
        "id": 61,
        "body": "/solve revise",
        "user": {"login": "ann", "id": 9, "type": "User"},
        "pull_request_review_id": 51,
        "updated_at": "2026-11-20T11:30:00Z",
    }
    return record(action=action, comment=said, pull_request=pull(), **more)


PULL = (IssueRef(REPO, 8), "Fix", "", True, ANN, COMMENTED)


def installation(action: str, **more: Any) -> dict[str, Any]:
    return {
        "action": action,
        "installation": {"id": 5, "account": {"login": "octo", "id": 1, "type": "Organization"}},
        "sender": {"login": "ann", "id": 9, "type": "User"},
        **more,
    }


@pytest.mark.parametrize(
    ("event", "payload", "meant"),
    [
        ("issues", record(action="labeled", label={"name": "solve-me"}), LabelAdded(*ISSUE, UPDATED, "solve-me")),
        ("issues", record(action="unlabeled", label={"name": "bug"}), LabelRemoved(*ISSUE, UPDATED, "bug")),
        ("issues", record(action="closed"), IssueClosed(*ISSUE, UPDATED)),
        ("issues", record(action="transferred"), IssueMoved(*ISSUE, UPDATED, deleted=False)),
        ("issues", record(action="deleted"), IssueMoved(*ISSUE, UPDATED, deleted=True)),
        ("issues", record(action="pinned"), Ignored("issues.pinned asks nothing of us")),
        ("issue_comment", comment(), CommentPosted(*ISSUE, COMMENTED, comment_id=41, text="/solve", previous=None)),
        (
            "issue_comment",
            comment("edited", changes={"body": {"from": "/solv"}}),
            CommentPosted(*ISSUE, COMMENTED, comment_id=41, text="/solve", previous="/solv"),
        ),
        ("issue_comment", comment("edited"), Ignored("issue_comment without changes.body.from")),
        ("pull_request", record(action="reopened", pull_request=pull()), PullRequestReopened(REPO, 8)),
        (
            "pull_request",
            record(action="converted_to_draft", pull_request=pull(draft=True, **BRANCHES)),
            PullRequestChanged(REPO, 8, True, "solvebot/1-x", "main", "", ANN),
        ),
        (
            "pull_request",
            record(action="ready_for_review", pull_request=pull(draft=False, **BRANCHES)),
            PullRequestChanged(REPO, 8, False, "solvebot/1-x", "main", "", ANN),
        ),
        (
            "pull_request",
            record(action="edited", pull_request=pull(**BRANCHES), changes={"base": {"ref": {"from": "dev"}}}),
            PullRequestChanged(REPO, 8, False, "solvebot/1-x", "main", "dev", ANN),
        ),
        (
            "pull_request",
            record(action="edited", pull_request=pull()),
            Ignored("pull_request.edited asks nothing of us"),
        ),
        ("pull_request_review", review(), ReviewSubmitted(*PULL, 51, changes_requested=True, text="Everybody.")),
        ("pull_request_review", review("edited"), Ignored("pull_request_review.edited asks nothing of us")),
        ("pull_request_review", review(by="Bot"), Ignored("written by a bot")),
        ("pull_request_review", review(of="User"), Ignored("a person's pull request")),
        (
            "pull_request_review_comment",
            line_comment(),
            ThreadCommented(*PULL, comment_id=61, review=51, text="/solve revise", previous=None),
        ),
        (
            "pull_request_review_comment",
            line_comment("edited", changes={"body": {"from": "x"}}),
            ThreadCommented(*PULL, comment_id=61, review=51, text="/solve revise", previous="x"),
        ),
        ("issue_comment", comment("deleted"), Ignored("issue_comment.deleted asks nothing of us")),
        (
            "installation",
            installation(
                "created",
                repositories=[{"id": 77, "full_name": "octo/web"}, {"id": None}, {"id": 2**70, "full_name": "a"}, "?"],
            ),
            InstallationChanged(5, "octo", InstallationAction.CREATED, added=(REPO,), removed=(), by=ANN),
        ),
        (
            "installation",
            installation("suspend"),
            InstallationChanged(5, "octo", InstallationAction.SUSPENDED, added=(), removed=(), by=ANN),
        ),
        (
            "installation_repositories",
            installation("removed", repositories_removed=[{"id": 77, "full_name": "octo/web"}], repositories_added=[]),
            InstallationChanged(5, "octo", InstallationAction.REPOSITORIES_REMOVED, added=(), removed=(REPO,), by=ANN),
        ),
        ("installation", installation("?"), Ignored("installation.? asks nothing of us")),
        ("repository", record(action="renamed"), RepositoryChanged(REPO, RepositoryAction.RENAMED, ANN)),
        ("repository", record(action="edited"), Ignored("repository.edited asks nothing of us")),
        ("ping", {"zen": "Keep it logically awesome."}, Ping()),
        ("push", record(), Ignored("a push that takes nothing back")),
    ],
)
def test_read_event(event: str, payload: Mapping[str, object], meant: Event) -> None:
    assert read_event(event, payload) == meant


@pytest.mark.parametrize("whose", ["sender", "comment"])
def test_comments_by_bots_are_nothing(whose: str) -> None:
    payload = comment()
    account = payload["sender"] if whose == "sender" else payload["comment"]["user"]
    account["type"] = "Bot"
    assert read_event("issue_comment", payload) == Ignored("written by a bot")


def test_labels_by_bots_say_so() -> None:
    payload = record(action="labeled", label={"name": "solve-me"})
    payload["sender"]["type"] = "Bot"
    event = read_event("issues", payload)
    assert isinstance(event, LabelAdded)
    assert event.by.is_bot


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        (lambda p: p["issue"].pop("number"), "issue.number"),
        (lambda p: p["issue"].update(number=True), "issue.number"),
        (lambda p: p["issue"].update(number=2**63), "issue.number"),
        (lambda p: p["sender"].update(id=10**400), "sender.id"),
        (lambda p: p["repository"].update(id=-1), "repository.id"),
        (lambda p: p["issue"].update(title=7), "issue.title"),
        (lambda p: p["issue"].update(updated_at="yesterday"), "a time with its zone in issue.updated_at"),
        (lambda p: p["issue"].update(updated_at="2026-11-20T10:00:00"), "a time with its zone in issue.updated_at"),
        (
            lambda p: p["issue"].update(updated_at="0001-01-01T00:00:00+14:00"),
            "a time with its zone in issue.updated_at",
        ),
        (lambda p: p.pop("label"), "label.name"),
        (lambda p: p.pop("installation"), "installation.id"),
        (lambda p: p.update(sender=None), "sender.login"),
        (lambda p: p.update(repository=[]), "repository.id"),
    ],
)
def test_a_missing_or_odd_field_of_a_request_is_named(change: Change, missing: str) -> None:
    payload = record(action="labeled", label={"name": "solve-me"})
    change(payload)
    event = read_event("issues", payload)
    assert isinstance(event, Unreadable)
    assert event.why == f"issues without {missing}"


def test_a_missing_field_of_what_asks_nothing_is_named() -> None:
    payload = record(action="closed")
    payload["issue"].pop("number")
    assert read_event("issues", payload) == Ignored("issues without issue.number")
    assert read_event("issues", {}) == Ignored("issues without issue.updated_at")


SAM: dict[str, Any] = {"login": "sam", "id": 4, "type": "User"}


@pytest.mark.parametrize(
    ("event", "payload", "asks"),
    [
        ("issues", {"action": "labeled", "label": {"name": "solve-me"}, "sender": SAM}, True),
        ("issues", {"action": "labeled", "label": {"name": "bug"}, "sender": SAM}, False),
        ("issues", {"action": "labeled", "label": {"name": "solve-me"}}, False),
        ("issues", {"action": "labeled", "label": {"name": "solve-me"}, "sender": {**SAM, "type": "Bot"}}, False),
        ("issues", {"unreadable": {"problem": "odd", "text": '{"label": {"name": "solve-me"'}, "sender": SAM}, True),
        ("issues", {"unreadable": {"problem": "odd", "text": '{"label": {"name": "bug"'}, "sender": SAM}, False),
        ("issue_comment", {"action": "created", "comment": {"body": "/solve"}, "sender": SAM}, True),
        ("issue_comment", {"action": "created", "comment": {"body": "> /solve"}, "sender": SAM}, False),
        ("issue_comment", {"unreadable": {"problem": "odd", "text": "/solve"}, "sender": SAM}, True),
        ("issue_comment", {"unreadable": "odd", "comment": {"body": "/solve"}, "sender": SAM}, True),
    ],
)
def test_what_cannot_be_read_asks_us_where_it_names_us(event: str, payload: dict[str, Any], asks: bool) -> None:
    found = read_event(event, payload)
    assert isinstance(found, Unreadable)
    assert asks_us(found, ["solve-me"]) is asks


def test_where_an_unreadable_request_was_made() -> None:
    payload = record(action="labeled", label={"name": "solve-me"})
    found = read_event("issues", {**payload, "unreadable": {"problem": "no JSON", "text": "{"}})
    assert found == Unreadable("no JSON", ISSUE[0], "solve-me", "", "{", by_person=True)
    payload["repository"]["id"] = "77"
    found = read_event("issues", payload)
    assert isinstance(found, Unreadable)
    assert found.issue is None


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        (lambda issue: issue.update(body=None), "body", ""),
        (lambda issue: issue.update(pull_request={"url": "..."}), "is_pull_request", True),
        (lambda issue: issue.update(pull_request=None), "is_pull_request", False),
    ],
)
def test_the_issue_as_it_was_then(change: Change, field: str, value: object) -> None:
    payload = record(action="closed")
    change(payload["issue"])
    assert getattr(read_event("issues", payload), field) == value


NAMES = ["issues", "issue_comment", "installation", "installation_repositories", "repository", "ping", "x"]
KEYS = ["action", "issue", "comment", "sender", "installation", "repository", "label", "login", "id", "number", "title"]
LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["labeled", "created"])
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner), max_leaves=12
)


@settings(deadline=None)
@given(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(KEYS), TREES))
def test_reading_is_total(event: str, payload: dict[str, object]) -> None:
    assert read_event(event, payload) is not None


@pytest.mark.parametrize(
    ("label", "ours", "same"),
    [
        ("solve-me", "solve-me", True),
        ("Solve-Me", "solve-me", True),  # GitHub has no two labels that differ by case
        ("\N{ROCKET} go", "\N{ROCKET} go", True),
        ("\N{ROCKET}", "\ud83d\ude80", True),
        ("\N{HEAVY BLACK HEART}\ufe0f", "\N{HEAVY BLACK HEART}", True),
        ("re\u0301sous", "r\xe9sous", True),
        ("stra\xdfe", "STRASSE", True),
        ("solve-me", "solve me", False),
        ("solve", "solve-me", False),
        ("", "solve-me", False),
        ("\ud800", "solve-me", False),
    ],
)
def test_a_label_is_ours_however_its_characters_are_written(label: str, ours: str, same: bool) -> None:
    assert is_one_of(label, ("other", ours)) is same


@given(st.text(st.characters()), st.text(st.characters()))
def test_any_two_labels_can_be_compared(one: str, other: str) -> None:
    assert is_one_of(one, (one,))
    assert is_one_of(one, (other,)) is is_one_of(other, (one,))
