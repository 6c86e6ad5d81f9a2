"""A sandbox that goes away under a run: nobody notices, and no model is asked twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bot.core.model import SandboxId, Status
from bot.ports import SandboxLost
from bot.simulators.e2b.faults import answer
from bot.simulators.model import SUBMIT, Hold, bash, turns
from tests.contracts.local_sandboxes import public_directory
from tests.stories.lent import a_service, lent_by
from tests.stories.test_lifecycle import arrived
from tests.stories.world import FIX, SOON, World, a_world


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


@pytest.mark.namespaces
async def test_what_was_half_rebuilt_when_the_service_failed_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    hold = Hold(then=bash(FIX))
    script = turns(bash("echo one > a1"), bash("echo two > a2; sleep 0.5"), bash("echo three > a3"), hold, bash(SUBMIT))
    with public_directory() as place:
        async with (
            a_service(place) as service,
            a_world(tmp_path, scripts={"fixer": script}, **lent_by(service)) as world,
        ):
            issue = await world.issue()
            await world.label(issue)
            await arrived(hold)
            [machine] = service.machines
            service.vanish(machine)
            hold.release.set()
            facts = await world.facts(issue)
            assert facts is not None
            again = SandboxId(f"{facts.runs[0].id}-again")
            async with asyncio.timeout(SOON):
                while await read(world, again, "/workspace/a2") is None:  # the second command is being run again
                    pass
            service.faults.add("start", answer(503), times=3)  # all attempts of the third
            facts = await world.over(issue)
            candidate = facts.runs[0].candidate
            assert candidate is not None
            assert [change.path for change in candidate.changes] == ["a1", "a2", "a3", "greet.sh"]
            await world.said(issue, "#2")


async def read(world: World, sandbox: SandboxId, path: str) -> bytes | None:
    try:
        return await world.bot.bot.world.sandboxes.read(sandbox, path, limit=9)
    except SandboxLost:  # not made yet
        return None
