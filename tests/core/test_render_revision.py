"""What a revision says, for people who read it in a thread, in the pull request and in the status comment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.core.model import Outcome, PullRequest, Sha, SolveFacts, SolveId, Status
from bot.core.render.replies import not_revised
from bot.core.render.revision import is_answered, revisions_section, what_was_run
from bot.core.solve_status import phase
from bot.core.trigger.feedback import Feedback, Said, Thread
from bot.core.trigger.revising import No
from tests.core.facts import decided
from tests.core.spoken import pull_body, status_comment, thread_answer
from tests.core.test_render import MARKDOWN

PATCH = """diff --git a/src/a.py b/src/a.py
--- a/src/a.py
+++ b/src/a.py
@@ -10,3 +10,3 @@
 ten
-eleven
+ELEVEN
 twelve
"""
AT = datetime(2026, 11, 21, tzinfo=UTC)


def thread(path: str = "src/a.py", line: int | None = 11, *speakers: str) -> Thread:
    said = tuple(Said(7 + n, login, "Louder.", AT, may_ask=True) for n, login in enumerate(speakers or ("ann",)))
    return Thread("T", path, line, "@@", said)


def revision(outcome: Outcome = Outcome.DRAFT, patch: str = PATCH, **changes: object) -> SolveFacts:
    facts = decided(outcome)
    champion = facts.runs[0]
    assert champion.candidate is not None
    assert facts.task is not None
    pull = (
        PullRequest(9, "https://x", "solvebot/7-x", Sha("c" * 40), False, True) if outcome is not Outcome.NONE else None
    )
    facts = replace(
        facts,
        solve=replace(facts.solve, revises=SolveId("s-1")),
        task=replace(facts.task, feedback=Feedback(9, "ann", "Louder.", (thread(),))),
        runs=(replace(champion, candidate=replace(champion.candidate, patch=patch)), *facts.runs[1:]),
        pull_request=pull if outcome is not Outcome.NONE else None,
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("about", "answer"),
    [
        (thread(), "Changed in cccccccccc. All 5 tests that always passed before still pass."),
        (thread(line=14), "Changed in cccccccccc. All 5 tests that always passed before still pass."),
        (
            thread("src/a.py", 40),
            "cccccccccc changes `src/a.py`, at line 11. All 5 tests that always passed before still pass.",
        ),
        (
            thread("src/a.py", None),
            "cccccccccc changes `src/a.py`, at line 11. All 5 tests that always passed before still pass.",
        ),
        (
            thread("src/b`.py"),
            "cccccccccc changes nothing in ``src/b`.py``. "
            "Say `/solve revise` and what to change in this thread to ask for it alone.",
        ),
        (
            thread("src/a.py", 11, "ann", "bob"),
            "Changed in cccccccccc, by the last word of bob. All 5 tests that always passed before still pass.",
        ),
    ],
)
def test_a_thread_is_answered_by_what_the_commit_changes(about: Thread, answer: str) -> None:
    marker, _, said = thread_answer(about, revision()).partition("\n")
    assert marker == "<!-- solvebot revision=s-2-7-l1 thread=7 -->"
    assert said == answer


@pytest.mark.parametrize(
    ("why_not", "answer"),
    [
        ("", "Nothing was changed. No candidate could be trusted; the status comment says what stood against each."),
        ("The branch @all was deleted.", "Nothing was changed. The branch @\u200ball was deleted."),
    ],
)
def test_where_nothing_was_pushed_a_thread_is_told_why(why_not: str, answer: str) -> None:
    facts = revision(Outcome.NONE)
    assert thread_answer(thread(), facts, why_not).partition("\n")[2] == answer
    assert not is_answered(thread(), facts)


def test_only_what_is_changed_near_its_line_answers_a_thread() -> None:
    facts = revision()
    assert [line for line in (1, 7, 8, 15, 16, None) if is_answered(thread(line=line), facts)] == [8, 15]


def test_what_was_run_in_one_sentence() -> None:
    run = revision().runs[0]
    assert run.evidence is not None
    for changes, sentence in (
        ({"stable_passed": 3}, "3 of 5 tests that always passed before still pass."),
        ({"stable_total": 1, "stable_passed": 1}, "What always passed before still passes."),
        ({"stable_total": 0}, "No tests could be run on it."),
        ({"stable_total": 0, "test_files": ("t.py",)}, "Its own tests before and after: not run → not run."),
    ):
        assert what_was_run(replace(run, evidence=replace(run.evidence, **changes))) == sentence
    assert what_was_run(None) == "Nothing could be run on it."


def test_the_pull_request_has_a_line_for_each_revision() -> None:
    failed = revision(Outcome.NONE, status=Status.FAILED, decision=None)
    cancelled = revision(Outcome.NONE, status=Status.CANCELLED)
    going_on = revision(Outcome.NONE, status=Status.RUNNING)
    body = pull_body(
        decided(),
        branch="x",
        verified=True,
        revisions=[revision(), revision(Outcome.NONE), failed, cancelled, going_on],
    )
    section = body[body.index("### Revisions") : body.index("### What changed")].strip().split("\n")
    kept = "All 5 tests that always passed before still pass."
    assert section == [
        "### Revisions",
        "",
        f"- cccccccccc, asked for by ann, 1 thread: candidate A of 2 attempts ($0.0300). {kept}",
        "- nothing pushed, asked for by ann: no candidate could be trusted ($0.0300)",
        "- nothing pushed, asked for by ann: it did not work ($0.0300)",
        "- nothing pushed, asked for by ann: cancelled ($0.0300)",
    ]
    assert revisions_section([]) == ""
    assert "### Revisions" not in pull_body(decided(), branch="x", verified=True)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (revision(Outcome.NONE, status=Status.PENDING, task=None, baseline=None, decision=None), "Reading the review."),
        (revision(), "✅ Pushed cccccccccc with candidate **A**, chosen from 2 attempts. All 5 tests"),
        (revision(Outcome.NONE), "🤷 Nothing was pushed: no candidate can be trusted."),
        (revision(Outcome.NONE), "try again with `/solve revise`"),
        (revision(Outcome.NONE, status=Status.FAILED, error="The branch was deleted."), "The branch was deleted."),
        (revision(Outcome.NONE, status=Status.CANCELLED, ended_by="ann said so"), "🛑 Cancelled: ann said so."),
    ],
)
def test_the_status_comment_speaks_of_the_branch(facts: SolveFacts, words: str) -> None:
    said = status_comment(facts)
    assert words in said, phase(facts)
    assert "Opened" not in said
    assert "likely right" not in said
    MARKDOWN.render(said)


def test_every_refusal_has_a_sentence() -> None:
    for why in No:
        assert not_revised(9, why).endswith(".")
