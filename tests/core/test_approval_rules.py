"""A champion that waits for approval: who may answer, whose patch it is then, and when it is too late."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.core.choosing.approval import MAX_WHY, Approval, Standing, expired, wanted
from bot.core.choosing.approval_rules import (
    No,
    approvable,
    approved,
    is_unapproved,
    least_permission,
    rejected,
    wants_approval,
    with_approved,
)
from bot.core.choosing.use_candidate import Barred, candidate_for
from bot.core.choosing.use_candidate import No as NotUsed
from bot.core.model import (
    Evidence,
    Gate,
    GateFailure,
    Outcome,
    Permission,
    Person,
    Publish,
    RepoConfig,
    RunFacts,
    SolveFacts,
    Status,
    TriggerKind,
)
from bot.core.solve_status import Phase, is_unpublished, phase
from tests.core.facts import NOW, decided, run

ANN = Person("ann", 42)
WAITS = wanted(NOW)
SECRET = GateFailure(Gate.SECRET, "a.py")


def waiting(approval: Approval | None = WAITS, status: Status = Status.RUNNING, **changes: object) -> SolveFacts:
    found = decided()
    assert found.task is not None
    task = replace(found.task, config=RepoConfig(publish=Publish.AFTER_APPROVAL))
    return replace(found, status=status, pull_request=None, task=task, approval=approval, **changes)  # type: ignore[arg-type]


REJECTED = rejected(WAITS, "no", ANN, "c1", NOW)
APPROVED = approved(WAITS, run(1).id, ANN, "c1", NOW)
BARRED = run(2, evidence=Evidence(run(2).id, gate_failures=(SECRET,)))


@pytest.mark.parametrize(
    ("facts", "number", "found"),
    [
        (None, None, No.NOTHING),
        (decided(), None, No.NOTHING),
        (waiting(None), None, No.NOTHING),
        (waiting(REJECTED), None, No.ANSWERED),
        (waiting(APPROVED), 1, No.ANSWERED),
        (waiting(status=Status.CANCELLED), None, No.ANSWERED),
        (waiting(), None, run(1)),
        (waiting(), 1, run(1)),
        (waiting(), 2, run(2)),
        (waiting(), 3, No.UNKNOWN),
        (waiting(), 0, No.UNKNOWN),
        (waiting(runs=(run(1), run(2, candidate=None))), 2, No.UNKNOWN),
        (waiting(runs=(run(1), BARRED)), 2, Barred(BARRED, SECRET)),
    ],
)
def test_whose_patch_would_be_published(facts: SolveFacts | None, number: int | None, found: object) -> None:
    assert approvable(facts, number) == found


@pytest.mark.parametrize(
    ("who", "least"),
    [
        (Permission.READ, Permission.WRITE),
        (Permission.TRIAGE, Permission.WRITE),
        (Permission.WRITE, Permission.WRITE),
        (Permission.ADMIN, Permission.ADMIN),
    ],
)
def test_nobody_approves_with_less_than_write(who: Permission, least: Permission) -> None:
    assert least_permission(who) is least


@pytest.mark.parametrize(
    ("publish", "kind", "wants"),
    [
        (Publish.AT_ONCE, TriggerKind.LABEL, False),
        (Publish.AFTER_APPROVAL, TriggerKind.LABEL, True),
        (Publish.AFTER_APPROVAL, TriggerKind.COMMENT, True),
        (Publish.AFTER_APPROVAL, TriggerKind.COMMAND_LINE, False),
    ],
)
def test_who_waits(publish: Publish, kind: TriggerKind, wants: bool) -> None:
    found = waiting()
    assert found.task is not None
    assert wants_approval(replace(found.task, config=RepoConfig(publish=publish)), kind) is wants


@pytest.mark.parametrize(
    ("approval", "after", "standing"),
    [
        (WAITS, timedelta(days=13, hours=23), None),
        (WAITS, timedelta(days=14), Standing.EXPIRED),
        (WAITS, timedelta(days=400), Standing.EXPIRED),
        (APPROVED, timedelta(days=400), None),
        (REJECTED, timedelta(days=400), None),
    ],
)
def test_two_weeks(approval: Approval, after: timedelta, standing: Standing | None) -> None:
    late = expired(approval, NOW + after)
    assert (late.standing if late else None) is standing


@pytest.mark.parametrize(
    ("approval", "status", "now"),
    [
        (WAITS, Status.RUNNING, Phase.WAITING),
        (APPROVED, Status.RUNNING, Phase.PUBLISHING),
        (None, Status.RUNNING, Phase.PUBLISHING),
        (REJECTED, Status.CANCELLED, Phase.CANCELLED),
    ],
)
def test_where_it_is_then(approval: Approval | None, status: Status, now: Phase) -> None:
    assert phase(waiting(approval, status)) is now


@pytest.mark.parametrize(("approval", "unapproved"), [(None, True), (WAITS, True), (REJECTED, True), (APPROVED, False)])
def test_a_retry_publishes_nothing_that_nobody_approved(approval: Approval | None, unapproved: bool) -> None:
    assert is_unapproved(waiting(approval)) is unapproved
    assert is_unpublished(waiting(approval, Status.FAILED)) is not unapproved


def test_where_it_is_not_wanted_nobody_has_to_approve() -> None:
    assert not is_unapproved(decided())


def test_the_champion_keeps_what_was_said_for_it_and_another_becomes_a_draft() -> None:
    decision = decided().decision
    assert decision is not None
    assert with_approved(decision, APPROVED) == decision
    other = with_approved(decision, approved(WAITS, run(2).id, ANN, "c1", NOW))
    assert (other.outcome, other.champion, other.chosen_by) == (Outcome.DRAFT, run(2).id, "ann")
    assert other.reasons == ()


@pytest.mark.parametrize(
    ("said", "kept"),
    [("", ""), ("too  large\n", "too large"), ("a\u202eb", "ab"), ("x" * 5000, "x" * MAX_WHY)],
)
def test_what_is_said_against_it_is_one_short_line(said: str, kept: str) -> None:
    assert rejected(WAITS, said, ANN, "c1", NOW).why == kept


def test_use_names_the_way_to_publish() -> None:
    assert candidate_for(waiting(), 2) is NotUsed.WAITING
    assert isinstance(approvable(waiting(), 2), RunFacts)
