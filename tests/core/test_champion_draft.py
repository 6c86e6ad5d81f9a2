"""Draft or ready: the repository's word over the outcome's, and what nobody can take back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.core.choosing.champion import wants_draft
from bot.core.model import Draft, Outcome, PullRequestConfig, SolveFacts
from tests.core.facts import decided


def case(draft: Draft, outcome: Outcome, *, asked: bool) -> SolveFacts:
    facts = decided(outcome)
    assert facts.task is not None
    task = replace(facts.task, config=replace(facts.task.config, pull_request=PullRequestConfig(draft=draft)))
    solve = replace(facts.solve, options=replace(facts.solve.options, draft=asked))
    return replace(facts, task=task, solve=solve)


READY, DRAFT = Outcome.READY, Outcome.DRAFT


@pytest.mark.parametrize(
    ("says", "outcome", "asked", "applies", "draft"),
    [
        (Draft.AUTO, READY, False, True, False),
        (Draft.AUTO, READY, False, False, True),  # a conflict with the base
        (Draft.AUTO, READY, True, True, True),
        (Draft.AUTO, DRAFT, False, True, True),
        (Draft.ALWAYS, READY, False, True, True),
        (Draft.ALWAYS, READY, False, False, True),
        (Draft.ALWAYS, DRAFT, True, True, True),
        (Draft.NEVER, READY, False, True, False),
        (Draft.NEVER, READY, False, False, False),
        (Draft.NEVER, DRAFT, False, True, False),
        (Draft.NEVER, DRAFT, True, True, True),
        (Draft.NEVER, READY, True, False, True),
    ],
)
def test_a_draft_or_not(says: Draft, outcome: Outcome, asked: bool, applies: bool, draft: bool) -> None:
    assert wants_draft(case(says, outcome, asked=asked), applies=applies) is draft


def test_what_nobody_has_decided_or_configured_is_a_draft() -> None:
    assert wants_draft(replace(decided(), decision=None), applies=True)
    assert not wants_draft(replace(decided(), task=None), applies=True)
    assert wants_draft(replace(decided(), task=None), applies=False)
