"""What reviewers wrote to the letter, and that nothing else is taken for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import RunId, Task
from bot.core.trigger.feedback import Feedback, Said, Thread
from bot.core.trigger.suggestions import Suggestion, applied, suggested
from tests.core.facts import decided

AT = datetime(2026, 11, 21, tzinfo=UTC)
BLOCK = "Use this:\n```suggestion\nTWO\n```"


def thread(body: str = BLOCK, line: int | None = 2, start: int | None = None, *, may: bool = True) -> Thread:
    return Thread("T", "a.txt", line, "@@", (Said(1, "ann", body, AT, may_ask=may),), start)


def task(*threads: Thread, text: str = "") -> Task:
    found = decided().task
    assert found is not None
    return replace(found, feedback=Feedback(9, "ann", text, threads))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (task(thread()), [Suggestion("a.txt", 2, 2, "TWO\n")]),
        (task(thread(line=4, start=3)), [Suggestion("a.txt", 3, 4, "TWO\n")]),
        (task(thread("```suggestion\n```")), [Suggestion("a.txt", 2, 2, "")]),
        (task(thread("````suggestion\n```\n````")), [Suggestion("a.txt", 2, 2, "```\n")]),
        (task(thread(), thread(line=3)), [Suggestion("a.txt", 2, 2, "TWO\n"), Suggestion("a.txt", 3, 3, "TWO\n")]),
        (task(thread(), thread()), []),  # both say what becomes of line 2
        (task(thread(), thread("And why?", 3)), []),  # something else is asked for as well
        (task(thread(), text="Rename it."), []),
        (task(thread(line=None)), []),
        (task(thread(may=False)), []),
        (task(thread("```python\nsuggestion\n```")), []),
        (task(thread("```suggestion\nnever closed")), []),
        (task(), []),
        (replace(task(), feedback=None), []),
    ],
)
def test_what_reviewers_wrote_themselves(asked: Task, found: list[Suggestion]) -> None:
    assert list(suggested(asked)) == found


def made(text: str, *found: Suggestion) -> str | None:
    candidate = applied(found, {"a.txt": text}, RunId("r"))
    return candidate.patch if candidate is not None else None


def test_the_candidate_is_their_lines_and_nothing_else() -> None:
    found = [Suggestion("a.txt", 2, 2, "TWO\n"), Suggestion("a.txt", 4, 5, "")]
    candidate = applied(found, {"a.txt": "one\ntwo\nthree\nfour\nfive"}, RunId("r"))
    assert candidate is not None
    assert candidate.patch == (
        "diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1,5 +1,3 @@\n one\n-two\n+TWO\n three\n-four\n"
        "-five\n\\ No newline at end of file\n"
    )
    [change] = candidate.changes
    assert (change.path, change.added, change.removed) == ("a.txt", 1, 3)


@pytest.mark.parametrize(
    ("text", "found", "line"),
    [
        ("one\r\ntwo\r\n", Suggestion("a.txt", 2, 2, "TWO\n"), "+TWO\r\n"),
        ("one\u2028still one\ntwo\n", Suggestion("a.txt", 2, 2, "TWO\n"), "-two\n"),
    ],
)
def test_lines_are_what_git_calls_lines(text: str, found: Suggestion, line: str) -> None:
    assert line in (made(text, found) or "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("one\n", Suggestion("a.txt", 2, 2, "x\n")),
        ("one\n", Suggestion("a.txt", 0, 1, "x\n")),
        ("one\n", Suggestion("b.txt", 1, 1, "x\n")),
        ("x" * 300_000, Suggestion("a.txt", 1, 1, "x\n")),
    ],
)
def test_what_does_not_fit_is_left_to_models(text: str, found: Suggestion) -> None:
    assert made(text, found) is None


def test_an_odd_name_is_left_to_models() -> None:
    assert applied([Suggestion('a"\n', 1, 1, "x\n")], {'a"\n': "one\n"}, RunId("r")) is None


def test_what_is_there_already_changes_nothing() -> None:
    assert made("one\n", Suggestion("a.txt", 1, 1, "one\n")) == ""


@given(st.text(max_size=200), st.integers(-2, 9), st.integers(-2, 9), st.text(max_size=50))
def test_nothing_raises(text: str, first: int, last: int, new: str) -> None:
    made(text, Suggestion("a.txt", first, last, new))
