"""What two candidates do with the same inputs, for people."""

from __future__ import annotations

from bot.core.evidence.behaviour import Difference, differences
from bot.core.model import RunFacts, SolveFacts
from bot.core.render.text import code


def beside_the_runner_up(facts: SolveFacts) -> str:
    """Where champion and runner-up differ, a line for each input; "" where nothing was seen to differ."""
    champion = facts.champion
    runner_up = facts.run(facts.decision.runner_up) if facts.decision else None
    if champion is None or runner_up is None or facts.probed is None:
        return ""
    found = differences(facts.probed, champion.id, runner_up.id)
    return "\n".join(f"- {_sentence(difference, champion, runner_up)}" for difference in found)


def _sentence(difference: Difference, champion: RunFacts, runner_up: RunFacts) -> str:
    """`backoff(1, 2, factor=1.0)`: **A** raises `ValueError`, **B** returns `[1.0]`; before: raises ..."""
    mine = f"**{champion.experiment.letter}** {_said(difference.one)}"
    theirs = f"**{runner_up.experiment.letter}** {_said(difference.other)}"
    return f"{code(difference.expression)}: {mine}, {theirs}; before any change it {_said(difference.base)}."


def _said(outcome: str) -> str:
    verb, _, what = outcome.partition(" ")
    if verb not in ("returns", "raises"):
        return "does not end" if outcome == "does not end" else "said nothing"
    return f"{verb} {code(what, 80)}".rstrip()
