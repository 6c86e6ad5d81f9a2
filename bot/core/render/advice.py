"""What models said that have no candidate of their own."""

from __future__ import annotations

from bot.core.comparing import preference
from bot.core.model import RunId, SolveFacts


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


def _letter(facts: SolveFacts, id: RunId) -> str:
    run = facts.run(id)
    return run.experiment.letter if run else "?"
