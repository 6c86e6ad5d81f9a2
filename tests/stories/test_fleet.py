"""A fleet in which a worker dies, or stands still and comes back: each solve has one last word and one pull request."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.model import Status
from bot.simulators.model import Hold
from tests.stories.fleet import a_fleet, held_after_a_command
from tests.stories.test_crash import at_work, solved_once
from tests.stories.world import FIX

DIFFERS = f"{FIX}; date +%s%N > when"  # another machine's is another one


@pytest.mark.timeout(300)
async def test_a_dead_workers_run_goes_on_in_a_sandbox_made_anew(tmp_path: Path, postgres_url: str) -> None:
    """Nothing on its disk is to be had any more. No model is asked twice but for the call in flight."""
    hold = Hold()
    async with a_fleet(tmp_path, postgres_url, {"fixer": held_after_a_command(hold)}) as fleet:
        issue = await fleet.world.issue()
        await fleet.world.label(issue)
        await at_work(hold)
        dead, heir = await fleet.at_work()
        await dead.bot.cut_off()
        facts = await heir.world.over(issue)
        await solved_once(heir.world, issue, facts)
        assert heir.logged("snapshot.anew")
        assert heir.runs == []
        assert fleet.world.models.calls["simulated/fixer"] == 3
        assert facts.dollars == pytest.approx(0.002)
        assert heir.bot.errors == []


@pytest.mark.timeout(300)
async def test_a_run_whose_files_would_differ_begins_anew_and_says_so(tmp_path: Path, postgres_url: str) -> None:
    hold = Hold()
    async with a_fleet(tmp_path, postgres_url, {"fixer": held_after_a_command(hold, DIFFERS)}) as fleet:
        issue = await fleet.world.issue()
        await fleet.world.label(issue)
        await at_work(hold)
        dead, heir = await fleet.at_work()
        await dead.bot.cut_off()
        facts = await heir.world.over(issue)
        assert facts.status is Status.COMPLETED, facts.error
        assert heir.logged("run.differs")
        assert any("could not be repeated exactly" in note for note in facts.notes)
        assert fleet.world.models.calls["simulated/fixer"] == 5
        assert facts.dollars == pytest.approx(0.004), "what the lost work had cost counts"


@pytest.mark.timeout(300)
async def test_who_stood_still_too_long_ends_itself_and_doubles_nothing(tmp_path: Path, postgres_url: str) -> None:
    hold = Hold()
    async with a_fleet(tmp_path, postgres_url, {"fixer": held_after_a_command(hold)}) as fleet:
        issue = await fleet.world.issue()
        await fleet.world.label(issue)
        await at_work(hold)
        sleeper, heir = await fleet.at_work()
        sleeper.stop()
        facts = await heir.world.over(issue)
        sleeper.go_on()
        assert await sleeper.bot.process.wait() != 0
        assert sleeper.logged("engine.buried")
        await solved_once(heir.world, issue, facts)
        assert fleet.world.models.calls["simulated/fixer"] == 3
        assert len(issue.bot_comments) == 1
