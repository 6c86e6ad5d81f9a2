"""What a word of a person comes to, where a champion waits for approval."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import Enum

from bot.core.choosing.approval import MAX_WHY, Approval, Standing
from bot.core.choosing.use_candidate import Barred, exchanged, with_patch
from bot.core.model import (
    Decision,
    Outcome,
    Permission,
    Person,
    Publish,
    RunFacts,
    RunId,
    SolveFacts,
    Task,
    TriggerKind,
)
from bot.core.text.cleaning import visible


class No(Enum):
    """Why nothing is approved or rejected."""

    NOTHING = "nothing waits"
    ANSWERED = "answered already"
    UNKNOWN = "unknown"  # there is no such candidate, or it brought no patch


def wants_approval(task: Task, kind: TriggerKind) -> bool:
    """In a clone on a disk there is nobody else who could say so: a branch of one's own is no publication."""
    return task.config.publish is Publish.AFTER_APPROVAL and kind is not TriggerKind.COMMAND_LINE


def is_waiting(facts: SolveFacts | None) -> bool:
    return facts is not None and not facts.status.is_over and facts.approval is not None and facts.approval.is_waiting


def is_unapproved(facts: SolveFacts) -> bool:
    """Nobody has said that it may be published, where that is wanted."""
    wanted = facts.task is not None and wants_approval(facts.task, facts.solve.trigger.kind)
    return wanted and (facts.approval is None or facts.approval.standing is not Standing.APPROVED)


def least_permission(who: Permission) -> Permission:
    """Of who may approve or reject: write, or what the repository wants of those who ask, where that is more."""
    return who if who.at_least(Permission.WRITE) else Permission.WRITE


def approvable(facts: SolveFacts | None, number: int | None) -> RunFacts | Barred | No:
    """Whose patch would be published. `number`: of its run, from 1; None: the champion's.

    As with `/solve use`, one that breaks tests may be chosen, and one that fails a gate may not.
    """
    if facts is None or facts.approval is None:
        return No.NOTHING
    if not is_waiting(facts):
        return No.ANSWERED
    if number is None:
        return facts.champion or No.UNKNOWN
    return with_patch(facts, number) or No.UNKNOWN


def approved(approval: Approval, run: RunId, by: Person, key: str, at: datetime) -> Approval:
    return replace(approval, standing=Standing.APPROVED, run=run, by=by.login, by_id=by.id, key=key, at=at)


def rejected(approval: Approval, why: str, by: Person, key: str, at: datetime) -> Approval:
    said = " ".join(visible(why).split())[:MAX_WHY]
    return replace(approval, standing=Standing.REJECTED, by=by.login, by_id=by.id, key=key, at=at, why=said)


def with_approved(decision: Decision, approval: Approval) -> Decision:
    """Another candidate than the champion is nobody's evidence but a person's, so it becomes a draft."""
    if approval.run is None or decision.champion == approval.run:
        return decision
    return replace(exchanged(decision, approval.run, approval.by), outcome=Outcome.DRAFT)
