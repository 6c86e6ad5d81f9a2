"""The check run of our own, as people read it, within what GitHub takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.model import Outcome, RunFacts, Sha, SolveFacts, Status
from bot.core.render.own_check import MERGED, RETRY, REVISE, buttons_of, own_check, tip_of
from bot.core.render.page_links import PageLinks
from bot.core.text.outgoing import Redactor
from bot.core.trigger.own_check import (
    LONGEST_DESCRIPTION,
    LONGEST_IDENTIFIER,
    LONGEST_LABEL,
    MOST_BUTTONS,
    Button,
    Conclusion,
    OwnCheck,
    Pressed,
    Wanted,
    read_button,
)
from tests.core.facts import NOW, decided, run
from tests.core.test_render_revision import revision

HIDE = Redactor()
USE_B = Button("Use B", "Put candidate B in its place", "use-2")


def shown(facts: SolveFacts, *revisions: SolveFacts) -> OwnCheck:
    told, since = HIDE.facts(facts), [HIDE.facts(each) for each in revisions]
    tip = tip_of(told, since)
    assert tip is not None
    return own_check(told, since, tip, PageLinks("https://bot.example/"))


def evident(outcome: Outcome = Outcome.READY, confidence: float = 0.8, **evidence: object) -> SolveFacts:
    facts = decided(outcome)
    first: RunFacts = facts.runs[0]
    assert facts.decision is not None
    assert first.evidence is not None
    seen = replace(first.evidence, **evidence)  # type: ignore[arg-type]
    decision = replace(facts.decision, confidence=confidence)
    return replace(facts, runs=(replace(first, evidence=seen), *facts.runs[1:]), decision=decision)


@pytest.mark.parametrize(
    ("facts", "title"),
    [
        (
            evident(stable_total=445, stable_passed=445, repro_before=1, repro_after=0),
            "445 tests kept, reproduction red to green, confidence 0.8",
        ),
        (
            evident(own_tests_on_base=False, own_tests_on_candidate=True),
            "5 tests kept, own tests red to green, confidence 0.8",
        ),
        (evident(fixed=("t9",), confidence=0.0), "5 tests kept, failing tests red to green"),
        (evident(stable_total=1, stable_passed=1), "1 test kept, confidence 0.8"),
        (evident(stable_total=445, stable_passed=440), "440 of 445 tests kept, confidence 0.8"),
        (evident(repro_before=1, repro_after=1), "5 tests kept, reproduction still fails, confidence 0.8"),
        (evident(stable_total=0, stable_passed=0, confidence=0.0), "no tests to keep"),
    ],
)
def test_the_evidence_in_one_line(facts: SolveFacts, title: str) -> None:
    assert shown(facts).title == title


def test_it_is_green_only_where_the_decision_is_ready_and_never_red() -> None:
    chosen = evident()
    assert chosen.decision is not None
    by_people = replace(chosen, decision=replace(chosen.decision, chosen_by="ann"))
    found = [shown(facts).conclusion for facts in (evident(), evident(Outcome.DRAFT), by_people)]
    assert found == [Conclusion.SUCCESS, Conclusion.NEUTRAL, Conclusion.NEUTRAL]


def test_the_whole_of_it() -> None:
    check = shown(evident())
    assert check.key == "s-2-7-l1"
    assert check.url == "https://bot.example/solves/s-2-7-l1"
    assert check.summary.startswith("- **Done:** Fixes #7: candidate **A**")
    assert check.summary.endswith(
        "- **Use B**: Put candidate B in its place\n- **Revise**: Answer the review threads that are open"
    )


FAILED = replace(revision(Outcome.NONE), status=Status.FAILED)


@pytest.mark.parametrize(
    ("revisions", "buttons"),
    [
        ((), (USE_B, REVISE)),
        ((FAILED,), (RETRY, USE_B, REVISE)),
        ((revision(),), (REVISE,)),
        ((revision(), FAILED), (RETRY, REVISE)),
        ((replace(FAILED, status=Status.CANCELLED),), (USE_B, REVISE)),
        ((replace(FAILED, status=Status.RUNNING),), (USE_B, REVISE)),
    ],
)
def test_which_buttons_there_are(revisions: tuple[SolveFacts, ...], buttons: tuple[Button, ...]) -> None:
    assert buttons_of(evident(), revisions) == buttons


def test_they_are_there_from_the_first_moment() -> None:
    """It is shown when the pull request is opened, and the solve ends after that."""
    assert buttons_of(replace(evident(), status=Status.RUNNING), ()) == (USE_B, REVISE)


def test_the_runner_up_comes_first() -> None:
    facts = evident()
    assert facts.decision is not None
    three = replace(facts, runs=(*facts.runs, run(3)), decision=replace(facts.decision, runner_up=run(3).id))
    assert buttons_of(three, ())[0].identifier == "use-3"


@given(st.integers(1, 99))
def test_all_of_it_is_within_githubs_limits_and_read_again(index: int) -> None:
    facts = decided()
    facts = replace(facts, runs=(facts.runs[0], run(index)) if index != 1 else facts.runs)
    buttons = buttons_of(facts, (FAILED,))
    assert len(buttons) <= MOST_BUTTONS
    for button in buttons:
        assert 1 <= len(button.label) <= LONGEST_LABEL
        assert 1 <= len(button.description) <= LONGEST_DESCRIPTION
        assert 1 <= len(button.identifier) <= LONGEST_IDENTIFIER
        assert read_button(button.identifier) is not None


@pytest.mark.parametrize(
    ("identifier", "pressed"),
    [
        ("retry", Pressed(Wanted.RETRY)),
        ("revise", Pressed(Wanted.REVISE)),
        ("use-2", Pressed(Wanted.USE, 2)),
        ("use", None),
        ("use-0", None),
        ("use-123", None),
        ("use-2\n", None),
        ("use-٢", None),
        ("Retry", None),
        ("", None),
    ],
)
def test_which_button_was_pressed(identifier: str, pressed: Pressed | None) -> None:
    assert read_button(identifier) == pressed


@given(st.text(max_size=30))
def test_no_identifier_raises(identifier: str) -> None:
    read_button(identifier)


def test_it_is_about_the_last_commit_that_we_pushed() -> None:
    facts = HIDE.facts(decided())
    pushed = HIDE.facts(replace(revision(), completed_at=NOW))
    failed = HIDE.facts(FAILED)
    merged = Sha("d" * 40)

    def after(hours: int) -> SolveFacts:
        return replace(decided(), watch=replace(facts.watch, head=merged, updated_at=NOW + timedelta(hours=hours)))

    cases = [
        tip_of(facts, ()),
        tip_of(facts, (pushed, failed)),
        tip_of(HIDE.facts(after(1)), (pushed,)),
        tip_of(HIDE.facts(after(-1)), (pushed,)),
    ]
    assert [tip and tip.sha[:1] for tip in cases] == ["b", "c", "d", "c"]
    assert shown(after(1), pushed).title == MERGED
    assert shown(after(1), pushed).conclusion is Conclusion.NEUTRAL
    assert "All 5 tests that always passed before still pass." in shown(decided(), pushed).summary
    assert tip_of(HIDE.facts(replace(decided(), pull_request=None)), ()) is None
