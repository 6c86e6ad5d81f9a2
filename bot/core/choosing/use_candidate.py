"""Another candidate in the place of the champion, because a person says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from bot.core.model import Decision, GateFailure, RunFacts, RunId, SolveFacts


class No(Enum):
    """Why a candidate cannot become the content of a pull request."""

    NO_PULL_REQUEST = "no pull request"
    UNDER_WAY = "under way"
    WAITING = "waiting for approval"
    UNKNOWN = "unknown"  # there is no such candidate, or it brought no patch
    ALREADY = "already"


@dataclass(frozen=True, slots=True)
class Barred:
    """It fails a gate, and no word of a person opens one: it may hold a secret, or a workflow."""

    run: RunFacts
    failure: GateFailure


def candidate_for(facts: SolveFacts | None, number: int) -> RunFacts | Barred | No:
    """Whose patch it would be. `number`: of its run, from 1.

    One that breaks tests may be used: people may know better than the tests, and the evidence stays beside it.
    """
    if facts is None or (facts.status.is_over and not (facts.pull_request and facts.pull_request.number)):
        return No.NO_PULL_REQUEST
    if not facts.status.is_over:
        return No.WAITING if facts.approval is not None and facts.approval.is_waiting else No.UNDER_WAY
    found = with_patch(facts, number)
    if found is not None and facts.champion is not None and facts.champion.experiment.index == number:
        return No.ALREADY
    return found or No.UNKNOWN


def with_patch(facts: SolveFacts, number: int) -> RunFacts | Barred | None:
    """None: there is no such candidate, or it brought no patch."""
    run = next((run for run in facts.runs if run.experiment.index == number), None)
    if run is None or run.candidate is None or run.evidence is None or not run.candidate.patch:
        return None
    return Barred(run, run.evidence.gate_failures[0]) if run.evidence.gate_failures else run


def usable(facts: SolveFacts) -> tuple[RunFacts, ...]:
    """All that could be used instead of what is published, also while the solve has its last steps to do."""
    if facts.pull_request is None or not facts.pull_request.number:
        return ()
    runs = (with_patch(facts, run.experiment.index) for run in facts.runs)
    return tuple(run for run in runs if isinstance(run, RunFacts) and run != facts.champion)


def exchanged(decision: Decision, run: RunId, by: str) -> Decision:
    """The same ranking with another champion; what was said for the one before is no longer said."""
    place = next((ranked for ranked in decision.ranking if ranked.run == run), None)
    return replace(
        decision,
        champion=run,
        runner_up=decision.champion,
        reasons=(),
        others=(),
        uncertain=(),
        confidence=place.confidence if place else 0.0,
        chosen_by=by,
    )
