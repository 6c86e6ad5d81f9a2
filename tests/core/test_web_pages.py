"""What pages say in a word or two, for every state that there is."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.choosing.odds import Terms
from bot.core.listing import State
from bot.core.model import ExitStatus, Fate, Repo, SolveId, Status, TriggerKind
from bot.core.render.web_pages import STATES, TERMS, Moment, ago, output_of, solve_pill, story
from bot.core.views import EventKind, SolveEvent, SolveSummary

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def summary(status: Status, **more: object) -> SolveSummary:
    usual = {
        "id": SolveId("s-1"), "repo": Repo(1, 2, "octo/web"), "issue": 3, "title": "t", "trigger": TriggerKind.LABEL,
        "requested_by": "ann", "created_at": NOW, "started_at": None, "completed_at": None, "dollars": 0.0,
        "runs": 0, "runs_over": 0,
    }  # fmt: skip
    return SolveSummary(**{**usual, "status": status, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("solve", "words", "is_live"),
    [
        (summary(Status.PENDING), "waiting", True),
        (summary(Status.RUNNING), "running", True),
        (summary(Status.COMPLETED), "no champion", False),
        (summary(Status.COMPLETED, pull_url="https://github.com/x"), "published", False),
        (summary(Status.COMPLETED, pull_url="https://github.com/x", fate=Fate.CHANGED), "merged after changes", False),
        (summary(Status.FAILED), "failed", False),
        (summary(Status.CANCELLED), "cancelled", False),
    ],
)
def test_a_solve_is_in_one_state(solve: SolveSummary, words: str, is_live: bool) -> None:
    pill = solve_pill(solve)
    assert (pill.words, pill.is_live) == (words, is_live)


def test_everything_that_there_is_has_a_word() -> None:
    assert {state for state, _ in STATES} == set(State)
    assert set(TERMS) == {field.name for field in fields(Terms)}
    for fate in Fate:
        assert solve_pill(summary(Status.COMPLETED, fate=fate)).words
    assert len(ExitStatus) == 8  # a new one needs a word in bot/core/render/web_pages.py


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (7300, "2 h ago"),
        (90_000, "1 d ago"),
    ],
)
def test_how_long_ago_it_was(seconds: int, words: str) -> None:
    assert ago(NOW - timedelta(seconds=seconds), NOW) == words


def event(kind: EventKind, run: str = "") -> SolveEvent:
    return SolveEvent(1, SolveId("s-1"), 2, kind, NOW, run)


def test_what_several_runs_do_one_after_the_other_is_one_moment() -> None:
    events = [
        event(EventKind.ACCEPTED),
        event(EventKind.RUN_STARTED, "A"),
        event(EventKind.RUN_STEPPED, "A"),
        event(EventKind.RUN_STARTED, "B"),
        event(EventKind.RUN_ENDED, "A"),
        event(EventKind.RUN_STARTED, "A"),
    ]
    assert story(summary(Status.RUNNING), events) == (
        Moment(NOW, "Accepted"),
        Moment(NOW, "at work", "busy", ("A", "B")),
        Moment(NOW, "done", "", ("A",)),
        Moment(NOW, "at work", "busy", ("A",)),
    )


def test_without_events_the_story_is_what_is_known_besides() -> None:
    solve = summary(Status.FAILED, completed_at=NOW)
    assert [moment.words for moment in story(solve, [])] == ["Accepted", "Ended"]


@pytest.mark.parametrize(
    ("told", "output"),
    [
        ("<returncode>0</returncode>\n<output>\nhello\n</output>", "hello"),
        ("<returncode>1</returncode>\n<output>\n</output>", ""),
        ("<returncode>0</returncode>\n<output>\n</output>\nmore\n</output>", "</output>\nmore"),
        ("something else", "something else"),
        ("", ""),
    ],
)
def test_of_what_the_agent_was_told_the_output_is_shown(told: str, output: str) -> None:
    assert output_of(told) == output
