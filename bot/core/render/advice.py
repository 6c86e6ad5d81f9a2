"""What others said that have no candidate of their own: models that were asked, and people who chose."""

from __future__ import annotations

from bot.core.choosing.comparing import preference
from bot.core.model import RunId, SolveFacts


def by_people(facts: SolveFacts) -> tuple[str, ...]:
    """ann chose B, in place of A. Nothing where the choice is ours."""
    if facts.decision is None or not facts.decision.chosen_by:
        return ()
    now, before = (_letter(facts, run) for run in (facts.decision.champion, facts.decision.runner_up))
    return (f"{facts.decision.chosen_by} chose {now}, in place of {before}.",)


def compared(facts: SolveFacts) -> tuple[str, ...]:
    """Asked to compare A with B, gpt-5-mini preferred A in both orders. Nothing where nobody was asked."""
    asked = facts.compared
    if asked is None:
        return ()
    found = preference(asked)
    said = f"preferred {_letter(facts, found.preferred)} in both orders" if found else "gave no clear preference"
    return (
        f"Asked to compare {_letter(facts, asked.one)} with {_letter(facts, asked.other)}, {asked.cost.model} {said}.",
    )


def _letter(facts: SolveFacts, id: RunId | None) -> str:
    run = facts.run(id)
    return run.experiment.letter if run else "?"
