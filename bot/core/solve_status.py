"""Where a solve is, computed from what is stored about it. Never stored itself, so it can never be out of step."""

from __future__ import annotations

from enum import StrEnum

from bot.core.choosing.approval_rules import is_unapproved
from bot.core.model import Outcome, SolveFacts, Status


class Phase(StrEnum):
    ACCEPTED = "accepted"
    PREPARING = "preparing"
    RUNNING = "running"
    COMPARING = "comparing the candidates"
    DECIDING = "deciding"
    WAITING = "waiting for approval"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    NO_CHAMPION = "no champion"
    FAILED = "failed"
    CANCELLED = "cancelled"


def phase(facts: SolveFacts) -> Phase:
    """The terminal status wins; otherwise the furthest point that left a fact behind."""
    match facts.status:
        case Status.CANCELLED:
            return Phase.CANCELLED
        case Status.FAILED:
            return Phase.FAILED
        case Status.COMPLETED:
            return Phase.PUBLISHED if facts.pull_request else Phase.NO_CHAMPION
    if facts.decision is not None and not is_overtaken(facts):
        return Phase.DECIDING if facts.decision.outcome is Outcome.NONE else _on_the_way(facts)
    if facts.baseline is not None:
        if not facts.runs or not all(run.status.is_over for run in facts.runs):
            return Phase.RUNNING
        return Phase.COMPARING if _are_judged(facts) else Phase.DECIDING
    return Phase.PREPARING if facts.task is not None else Phase.ACCEPTED


def _on_the_way(facts: SolveFacts) -> Phase:
    return Phase.PUBLISHING if facts.approval is None or not facts.approval.is_waiting else Phase.WAITING


def is_unpublished(facts: SolveFacts) -> bool:
    """It ended with a champion that should have been published, and was not: all that was paid for is there.

    Not so for a revision, whose branch has moved on since, and where nobody has approved it.
    """
    if facts.solve.revises is not None or is_unapproved(facts):
        return False
    chosen = facts.decision is not None and facts.decision.outcome is not Outcome.NONE and not is_overtaken(facts)
    there = facts.champion is not None and facts.champion.candidate is not None
    pull = facts.pull_request
    return facts.status is Status.FAILED and chosen and there and (pull is None or not pull.number)


def is_overtaken(facts: SolveFacts) -> bool:
    """Runs have been planned since it was decided: a second round."""
    ranked = {each.run for each in facts.decision.ranking} if facts.decision else set()
    return bool(ranked) and any(run.id not in ranked for run in facts.runs)


def _are_judged(facts: SolveFacts) -> bool:
    """Each by itself, and there are some to compare."""
    candidates = [run for run in facts.runs if run.candidate is not None]
    return len(candidates) > 1 and all(run.evidence is not None for run in candidates)
