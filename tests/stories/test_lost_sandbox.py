"""A sandbox that goes away under a run: nobody notices, and no model is asked twice."""

from __future__ import annotations

from pathlib import Path

from bot.core.model import SandboxId, Status
from bot.simulators.model import SUBMIT, Hold, bash, turns
from tests.stories.test_lifecycle import arrived
from tests.stories.world import FIX, a_world


async def test_a_run_goes_on_in_a_new_sandbox_with_what_it_had_done(tmp_path: Path) -> None:
    hold = Hold(then=bash(FIX + "; cat first >> greet.sh"))
    async with a_world(tmp_path, scripts={"fixer": turns(bash("echo '# once' >> first"), hold, bash(SUBMIT))}) as world:
        issue = await world.issue()
        await world.label(issue)
        await arrived(hold)
        facts = await world.facts(issue)
        assert facts is not None
        await world.bot.bot.world.sandboxes.close(SandboxId(str(facts.runs[0].id)))
        hold.release.set()
        facts = await world.over(issue)
        assert (facts.status, facts.runs[0].status, facts.runs[0].steps) == (Status.COMPLETED, Status.COMPLETED, 3)
        assert facts.runs[0].candidate is not None
        assert facts.runs[0].candidate.patch.count("+# once") == 2  # the file, and what was made of it
        assert len(world.repo.pulls) == 1
        await world.said(issue, "#2")
