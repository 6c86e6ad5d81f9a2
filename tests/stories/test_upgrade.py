"""Solves that are in flight when the bot is upgraded: their records were written by an earlier release."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.model import Outcome, Status
from bot.core.render import failure_reasons
from tests.stories.left_behind import FILES, RECORDS, SCRIPTS, found_again
from tests.stories.lives import a_mortal_world


@pytest.mark.timeout(180)
async def test_a_solve_begun_by_0_1_0_is_finished(tmp_path: Path) -> None:
    """Steps have come in between since then, so it begins anew, and says so. What was over is not done again."""
    left = RECORDS / "0.1.0"
    async with a_mortal_world(tmp_path, SCRIPTS, FILES, left_by=left) as world:
        issue = await found_again(world, left)
        async with world.bot() as bot:
            facts = await world.over(issue, within=120)
            assert facts.status is Status.COMPLETED, facts.error
            assert facts.decision is not None
            assert facts.decision.outcome is Outcome.DRAFT
            assert facts.notes == (failure_reasons.BEGUN_ANEW,)
            assert [line["event"] for line in bot.errors] == ["engine.unreadable"]

        breaker, fixer = facts.runs
        assert world.models.calls.keys() == {"simulated/fixer"}
        assert 3 <= world.models.calls["simulated/fixer"] <= 4, "it may have gone on before it was told to begin anew"
        assert (breaker.steps, fixer.steps) == (2, 3)
        assert breaker.dollars == pytest.approx(0.002)
        assert fixer.dollars >= 0.004 - 1e-9, "one call of before, three of now"
        [pull] = world.repo.pulls
        [comment] = issue.bot_comments
        assert f"#{pull.number}" in comment.body
        assert failure_reasons.BEGUN_ANEW[:30] in comment.body
        left_over = await world.left_over()
        left_over.pop("half-made or half-deleted")  # of the run that was cut off: the bot sweeps once a minute
        assert not any(left_over.values()), left_over
