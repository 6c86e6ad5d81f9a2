"""The bot dies while it has something to do with a lent sandbox, or the sandbox does; the solve is done all the same.

The service is in the test's process and lives on. Whatever the bot did not write down, the service knows.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.adapters import lending
from bot.core.model import SolveFacts, Status
from bot.simulators.e2b.faults import HANG, Fault
from bot.simulators.e2b.sandboxes import Sandbox
from bot.simulators.e2b.simulator import E2B
from bot.simulators.github import SimIssue
from bot.simulators.model import SUBMIT, Script, bash, turns
from tests.stories.crashing import Dies
from tests.stories.deaths import MOMENTS
from tests.stories.lent import a_service
from tests.stories.lives import COUNTED, MortalWorld, a_mortal_world
from tests.stories.world import FIX

pytestmark = [pytest.mark.namespaces, pytest.mark.timeout(300)]

WAITS = "touch begun; while [ ! -e go ]; do sleep 0.05; done; rm begun go"
FIXES = turns(bash(f"{COUNTED}; cat greet.sh"), bash(f"{COUNTED}; {FIX}"), bash(SUBMIT))
WAITS_AND_FIXES = turns(bash(f"{COUNTED}; {WAITS}"), bash(f"{COUNTED}; {FIX}"), bash(SUBMIT))
STEPS = 3
MACHINES = 7  # of an undisturbed solve: a look for tools, set-up, tests, their canary, run, judging, its canary
NAMES = 4  # of their sandboxes: the solve's, its base, the run's, its judge's


class Drill:
    """One solve on lent sandboxes."""

    def __init__(self, world: MortalWorld, service: E2B) -> None:
        self.world = world
        self.service = service

    async def ask(self) -> SimIssue:
        issue = await self.world.issue()
        await self.world.label(issue)
        return issue

    async def arrival(self, fault: Fault) -> None:
        """Until a request meets the fault."""
        await self.world.until(lambda: fault.hits)

    async def begun(self) -> Sandbox:
        """Until the command that waits runs; returns where."""
        running = self.service.machines.values()
        [sandbox] = await self.world.until(lambda: [box for box in running if (box.root / "workspace/begun").exists()])
        return sandbox

    def times(self, operation: str, status: int = 0) -> int:
        return sum(logged.operation == operation and status in (0, logged.status) for logged in self.service.journal)

    def started(self, sandbox: Sandbox) -> int:
        """How many scripts were sent to it."""
        return sum((logged.operation, logged.sandbox) == ("start", sandbox.id) for logged in self.service.journal)

    def made(self) -> set[str]:
        """All machines that there have been, when all of them were killed."""
        return {logged.sandbox for logged in self.service.journal if logged.operation == "kill"}

    async def tend(self) -> None:
        """Two rounds, as any worker makes one every minute."""
        async with lending(self.world.settings, self.world.store) as lent:
            await lent.sandboxes.tend()
            await lent.sandboxes.tend()

    async def solved_once(self, issue: SimIssue) -> SolveFacts:
        """And nothing is left, whoever has died."""
        facts = await self.world.over(issue)
        assert facts.status is Status.COMPLETED, facts.error
        [pull] = self.world.repo.pulls
        [comment] = issue.bot_comments
        assert f"#{pull.number}" in comment.body
        assert [r.content for r in issue.reactions] == ["eyes", "rocket"]
        [run] = facts.runs
        assert (run.status, run.steps) == (Status.COMPLETED, STEPS)
        assert self.world.counts("fixer") == [1, 2]
        await self.tend()
        left = await self.world.left_over()
        assert not any(left.values()), left
        return facts


@asynccontextmanager
async def a_drill(directory: Path, fixer: Script = FIXES) -> AsyncIterator[Drill]:
    async with (
        a_service(directory) as service,
        a_mortal_world(directory, {"fixer": fixer}, service=service, BASELINE_REPEATS="1") as world,
    ):
        yield Drill(world, service)


async def test_undisturbed(tmp_path: Path) -> None:
    """What the others are compared with."""
    async with a_drill(tmp_path) as drill, drill.world.bot():
        await drill.solved_once(await drill.ask())
        assert (len(drill.made()), drill.times("create")) == (MACHINES, MACHINES)
        assert drill.world.models.calls.total() == STEPS


class TestDuringCreate:
    async def test_before_it_is_made(self, tmp_path: Path) -> None:
        """The next life asks for the same once more, and the service makes one for both."""
        async with a_drill(tmp_path) as drill, drill.world.bot() as bot:
            held = drill.service.faults.add("create", HANG)
            issue = await drill.ask()
            await drill.arrival(held)
            await bot.end_life()
            await drill.world.until(lambda: drill.times("create"))
            held.release()
            await drill.solved_once(issue)
            assert (len(drill.made()), drill.times("create")) == (MACHINES, MACHINES + 1)

    async def test_made_while_nobody_is_there(self, tmp_path: Path) -> None:
        async with a_drill(tmp_path) as drill:
            held = drill.service.faults.add("create", HANG)
            async with drill.world.bot() as bot:
                issue = await drill.ask()
                await drill.arrival(held)
                await bot.cut_off()
            held.release()
            await drill.world.until(lambda: drill.service.machines)
            async with drill.world.bot("again"):
                await drill.solved_once(issue)
            assert (len(drill.made()), drill.times("create")) == (MACHINES, MACHINES)

    async def test_made_and_told_and_not_written_down(self, tmp_path: Path) -> None:
        async with a_drill(tmp_path) as drill, drill.world.bot(dies=Dies.BEFORE, at=" lent$") as bot:
            await drill.solved_once(await drill.ask())
            assert len(bot.deaths) == NAMES
            assert drill.times("create") == len(drill.made())


class TestDuringACommand:
    async def test_it_ends_after_the_restart(self, tmp_path: Path) -> None:
        async with a_drill(tmp_path, WAITS_AND_FIXES) as drill, drill.world.bot() as bot:
            issue = await drill.ask()
            sandbox = await drill.begun()
            before = drill.started(sandbox)
            await bot.end_life()
            await drill.world.until(lambda: drill.started(sandbox) > before)
            let_go(sandbox)
            await drill.solved_once(issue)
            self.heard_the_true_result(drill)

    async def test_it_ends_while_nobody_is_there(self, tmp_path: Path) -> None:
        async with a_drill(tmp_path, WAITS_AND_FIXES) as drill:
            async with drill.world.bot() as bot:
                issue = await drill.ask()
                sandbox = await drill.begun()
                await bot.cut_off()
            let_go(sandbox)
            await drill.world.until(lambda: not (sandbox.root / "workspace/begun").exists())
            async with drill.world.bot("again"):
                await drill.solved_once(issue)
            self.heard_the_true_result(drill)

    def heard_the_true_result(self, drill: Drill) -> None:
        assert drill.world.models.calls.total() == STEPS
        told = [str(message["content"]) for message in drill.world.models.asked[-1].messages]
        assert not any("interrupted" in text for text in told)
        assert (len(drill.made()), drill.times("create")) == (MACHINES, MACHINES)


class TestDuringSnapshot:
    async def test_before_it_is_taken(self, tmp_path: Path) -> None:
        async with a_drill(tmp_path) as drill, drill.world.bot() as bot:
            held = drill.service.faults.add("snapshot", HANG)
            issue = await drill.ask()
            await drill.arrival(held)
            await bot.end_life()
            held.release()
            await drill.solved_once(issue)
            assert drill.times("create") == len(drill.made())

    async def test_taken_and_not_written_down(self, tmp_path: Path) -> None:
        async with a_drill(tmp_path) as drill, drill.world.bot(dies=Dies.BEFORE, at=" saved$") as bot:
            await drill.solved_once(await drill.ask())
            assert len(bot.deaths) == 1
            assert drill.times("snapshot", 201) == 2


LEDGER = r" (intended|lent|returned|saved|dropped)$"
SANDBOXES = (
    r" (read plans|try plan|keep environment|baseline|open sandbox|command|candidate|judge|close sandbox|clean up)$"
)


@pytest.mark.parametrize("dies", MOMENTS)
@pytest.mark.parametrize("at", [LEDGER, SANDBOXES], ids=["ledger", "steps"])
async def test_at_everything_that_is_written_down_about_sandboxes(tmp_path: Path, dies: Dies, at: str) -> None:
    async with a_drill(tmp_path) as drill, drill.world.bot(dies=dies, at=at) as bot:
        facts = await drill.solved_once(await drill.ask())
        assert len(bot.deaths) > MACHINES
        assert drill.times("create", 201) == len(drill.made())
        assert drill.world.models.calls.total() == facts.runs[0].steps


def let_go(sandbox: Sandbox) -> None:
    (sandbox.root / "workspace/go").touch()
