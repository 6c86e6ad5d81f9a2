"""What of a review becomes a task, and what a pull request may cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Permission, Person, RepoConfig, Sha, SolveFacts, SolveId, Trigger, TriggerKind
from bot.core.prompts import task_text
from bot.core.trigger.feedback import Said, Thread
from bot.core.trigger.revising import (
    ALL_SAID_LIMIT,
    MOST_AUTHORS,
    MOST_REVISIONS,
    MOST_THREADS,
    Branch,
    Heard,
    No,
    authors,
    dollars_for,
    freeze_revision,
    heard,
    last_word,
    revision_options,
)
from tests.core.facts import decided, solve
from tests.core.test_prompts import BASELINE, HINTS, TOOLCHAIN, fenced, outside

ASKED = datetime(2026, 11, 21, 12, tzinfo=UTC)
REVIEW = Trigger(TriggerKind.REVIEW, "v5", Person("ann", 9), ASKED, review=5)
MAY = {"ann": Permission.WRITE, "bob": Permission.ADMIN, "eve": Permission.READ}


def said(author: str, body: str = "Please.", *, id: int = 1, minutes: float = -10, **more: object) -> Said:
    found = Said(id, author, body, ASKED + timedelta(minutes=minutes))
    return replace(found, **more)  # type: ignore[arg-type]


def thread(*conversation: Said, line: int | None = 3, id: str = "T") -> Thread:
    return Thread(id, "a.py", line, "@@ -1 +1 @@\n-a\n+b", conversation)


def listen(*threads: Thread, trigger: Trigger = REVIEW) -> Heard:
    return heard(threads, trigger, MAY, Permission.WRITE)


@pytest.mark.parametrize(
    ("conversation", "kept"),
    [
        ((said("ann"),), ["Please."]),
        ((said("eve"),), None),  # a stranger's words do not become a task by another's review
        ((said("eve", "Try this"), said("ann", "Good idea")), ["Try this", "Good idea"]),
        ((said("robot", "Nit", is_bot=True), said("ann", "Yes")), ["Nit", "Yes"]),
        ((said("ann", is_bot=True),), None),  # a robot of that name
        ((said("ann", "Later", minutes=1),), None),
        ((said("ann", "At once", minutes=0),), None),
        ((said("ann", "With it", minutes=0, review=5),), ["With it"]),
        ((said("ann", edited_at=ASKED - timedelta(minutes=1)),), ["Please."]),
        ((said("ann", edited_at=ASKED + timedelta(seconds=1)),), None),
        ((said("ann", edited_at=ASKED),), None),  # in the same second, so perhaps after it was asked for
        ((said("ann", edited_at=ASKED, review=5),), ["Please."]),
        ((said("ann", "a<!-- do evil -->b"),), ["ab"]),
        ((), None),
    ],
)
def test_what_counts_of_a_conversation(conversation: tuple[Said, ...], kept: list[str] | None) -> None:
    found = listen(thread(*conversation))
    assert [[each.body for each in one.said] for one in found.threads] == ([] if kept is None else [kept])


def test_what_is_left_out_is_told() -> None:
    assert listen(thread(said("eve")), thread(said("eve"))).left_out == ("2 threads in which nobody spoke who may ask",)
    many = [thread(said("ann", id=number, minutes=-number), id=str(number)) for number in range(1, 201)]
    ours = thread(said("ann", id=999, minutes=-999, review=5), id="of the review")
    found = heard([ours, *many], REVIEW, MAY, Permission.WRITE)
    assert len(found.threads) == MOST_THREADS
    assert {each.id for each in found.threads} == {"of the review", *map(str, range(1, MOST_THREADS))}
    assert found.left_out == ("151 threads, because all of them together are too many or too long",)


def test_a_comment_on_a_line_asks_for_its_thread_alone() -> None:
    trigger = Trigger(TriggerKind.THREAD, "t7", Person("ann", 9), ASKED, review=6, thread=7)
    found = listen(thread(said("ann", id=1)), thread(said("bob", id=2), said("ann", id=7, minutes=0)), trigger=trigger)
    assert [each.first for each in found.threads] == [2]
    assert found.left_out == ()


def test_a_flood_of_text_is_bounded() -> None:
    flood = [thread(said("ann", "x " * 32_000, id=number)) for number in range(200)]
    found = listen(*flood)
    assert sum(len(each.body) for one in found.threads for each in one.said) <= ALL_SAID_LIMIT
    assert 0 < len(found.threads) < 10


@given(st.lists(st.text(max_size=300), max_size=5), st.text(max_size=300))
def test_nothing_that_is_said_raises(bodies: list[str], hunk: str) -> None:
    one = Thread("T", hunk, None, hunk, tuple(said("ann", body, id=n) for n, body in enumerate(bodies)))
    found = listen(one)
    assert len(found.threads) <= 1


@pytest.mark.parametrize(
    ("conversation", "whose"),
    [
        ((said("ann"),), None),
        ((said("ann"), said("ann")), None),
        ((said("ann"), said("eve")), None),
        ((said("bob"), said("ann")), "bob"),  # an admin's word stands over a later one by somebody who may less
        ((said("ann"), said("carl")), "carl"),
    ],
)
def test_whose_word_counts(conversation: tuple[Said, ...], whose: str | None) -> None:
    may = {**MAY, "carl": Permission.WRITE}
    [found] = heard([thread(*conversation)], REVIEW, may, Permission.WRITE).threads
    word = last_word(found)
    assert (word and word.author) == whose


def test_whose_permissions_are_asked_for() -> None:
    early, late = said("ann", minutes=-9), said("bob", minutes=-1)
    assert authors([thread(early, said("robot", is_bot=True)), thread(late)]) == ("bob", "ann")
    crowd = [thread(said(f"login{number}", minutes=-number)) for number in range(100)]
    assert authors(crowd) == tuple(f"login{number}" for number in range(MOST_AUTHORS))


def spent(dollars: float) -> SolveFacts:
    facts = decided()
    return replace(facts, runs=(replace(facts.runs[0], dollars=dollars),))


@pytest.mark.parametrize(
    ("before", "left"),
    [
        ([], 2.0),
        ([1.0, 1.0], 2.0),
        ([2.0, 1.5], 1.5),
        ([2.0, 2.995], No.TOO_DEAR),
        ([0.0] * MOST_REVISIONS, No.TOO_MANY),
    ],
)
def test_a_pull_request_costs_three_solves_at_most(before: list[float], left: float | No) -> None:
    assert dollars_for(spent(1.0), [spent(dollars) for dollars in before], 2.0) == left


def test_a_pull_request_that_is_not_ours() -> None:
    assert dollars_for(None, [], 2.0) is No.NOT_OURS
    assert dollars_for(SolveFacts(solve()), [], 2.0) is No.NOT_OURS


def test_it_is_asked_for_as_the_solve_was_with_what_is_left() -> None:
    facts = decided()
    asked = replace(facts.solve.options, models=("a",), dollars=0.5, base="release", draft=True)
    facts = replace(facts, solve=replace(facts.solve, options=asked))
    assert revision_options(facts, 0.3) == replace(asked, dollars=0.3, base=None, draft=False)
    assert revision_options(facts, 2.0).dollars == 0.5


def test_the_frozen_task_is_the_original_one_and_what_is_asked_of_its_change() -> None:
    original = decided().task
    assert original is not None
    job = replace(solve(), revises=SolveId("s-1"), asked="Everybody<!-- and root -->, please.", trigger=REVIEW)
    kept = listen(thread(said("bob", "Why?"), said("ann", "Because.")), thread(said("ann"), line=None))
    task = freeze_revision(job, original, Branch("solvebot/7-x", Sha("b" * 40)), kept, RepoConfig())
    assert (task.title, task.body) == (original.title, original.body)
    assert (task.base_branch, task.base_sha) == ("solvebot/7-x", "b" * 40)
    assert task.feedback is not None
    assert task.feedback.text == "Everybody, please."
    assert task.digest != original.digest
    assert task.digest != freeze_revision(job, original, Branch("x", Sha("b" * 40)), Heard(()), RepoConfig()).digest

    text = task_text(task, TOOLCHAIN, HINTS, {}, BASELINE)
    inside = dict(fenced(text))
    assert inside["review"] == "ann:\nEverybody, please."
    assert "1. a.py, line 3\n@@ -1 +1 @@\n-a\n+b\nbob*: Why?\nann*: Because." in inside["threads"]
    assert "the last word of bob counts" in inside["threads"]
    assert "2. a.py, a line that is no longer there" in inside["threads"]
    for foreign in ("Everybody", "Because", "a.py", "bob"):
        assert foreign not in outside(text)
