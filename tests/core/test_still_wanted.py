"""What an event would have ended is ended without it, and nothing else is."""

from __future__ import annotations

import dataclasses

import pytest

from bot.core.model import SolveId, TriggerKind
from bot.core.render import failure_reasons
from bot.core.trigger.still_wanted import unwanted
from tests.core.facts import decided

FACTS = decided()

LABEL, COMMENT, REVIEW = TriggerKind.LABEL, TriggerKind.COMMENT, TriggerKind.REVIEW


@pytest.mark.parametrize(
    ("kind", "revises", "is_open", "labels", "why"),
    [
        (LABEL, False, True, ["solve-me"], ""),
        (LABEL, False, True, ["bug", "Solve-Me"], ""),
        (LABEL, False, True, ["bug"], failure_reasons.LABEL_GONE),
        (LABEL, False, True, [], failure_reasons.LABEL_GONE),
        (LABEL, False, False, ["solve-me"], failure_reasons.ISSUE_CLOSED_UNSEEN),
        (COMMENT, False, True, [], ""),
        (COMMENT, False, False, [], failure_reasons.ISSUE_CLOSED_UNSEEN),
        (REVIEW, True, True, [], ""),
        (COMMENT, True, False, [], failure_reasons.PULL_CLOSED_UNSEEN),
        (LABEL, True, True, [], ""),
    ],
)
def test_why_nobody_wants_it(kind: TriggerKind, *, revises: bool, is_open: bool, labels: list[str], why: str) -> None:
    trigger = dataclasses.replace(FACTS.solve.trigger, kind=kind)
    solve = dataclasses.replace(FACTS.solve, trigger=trigger, revises=SolveId("s-0") if revises else None)
    facts = dataclasses.replace(FACTS, solve=solve, task=None)
    assert unwanted(facts, is_open=is_open, labels=labels) == why
