"""Lent sandboxes that go away, never come to life, or keep their network: what it means for a whole solve."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.core.model import SolveFacts, Status
from bot.simulators.e2b.faults import ZOMBIE, Failure, Kind
from bot.simulators.e2b.sandboxes import Sandbox
from bot.simulators.e2b.simulator import E2B
from bot.simulators.github import SimIssue
from bot.simulators.model import SUBMIT, Hold, Script, bash, turns
from bot.simulators.serving import serving
from bot.store.store import SqlStore
from tests.stories.lent import StoryClock, a_service, left_at, lent_by
from tests.stories.lives import COUNTED, counted
from tests.stories.world import FIX, LOOK, World, a_world, line_up

pytestmark = [pytest.mark.namespaces, pytest.mark.timeout(300)]

T = TypeVar("T")
SOON = 240.0  # seconds until something is taken for hanging, on a machine that has much else to do
WAITS = "touch begun; while [ ! -e go ]; do sleep 0.05; done; rm begun go"
FIXES = turns(bash(f"{COUNTED}; cat greet.sh"), bash(f"{COUNTED}; {FIX}"), bash(SUBMIT))
FETCH = "exec 3<>/dev/tcp/registry.test/443 && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && cat <&3"
STEPS = 3


class Story:
    """One solve."""

    def __init__(self, world: World, service: E2B, clock: StoryClock) -> None:
        self.world = world
        self.service = service
        self.clock = clock
        self.vanished: set[str] = set()

    async def ask(self) -> SimIssue:
        issue = await self.world.issue()
        await self.world.label(issue)
        return issue

    async def until(self, condition: Callable[[], T]) -> T:
        """What only the service sees."""
        async with asyncio.timeout(SOON):
            while not (value := condition()):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)
        return value

    async def at_work(self, use: str = "") -> Sandbox:
        """The sandbox whose name ends like this, once a command was sent to it that waits."""

        def found() -> list[Sandbox]:
            running = self.service.machines.values()
            return [box for box in running if box.metadata["sandbox"].endswith(use) and begun(box)]

        [sandbox] = await self.until(found)
        return sandbox

    def vanish(self, sandbox: Sandbox) -> None:
        self.service.vanish(sandbox.id)

    async def vanish_each_once(self) -> None:
        """Of each use the first that waits in a command. All others are let go."""
        while True:
            for sandbox in [box for box in self.service.machines.values() if begun(box)]:
                use = sandbox.metadata["sandbox"].rpartition("-")[2]
                use = use if use in ("base", "r1", "judge") else "set-up"
                if use in self.vanished:
                    let_go(sandbox)
                else:
                    self.vanished.add(use)
                    self.vanish(sandbox)
            await asyncio.sleep(0.005)

    async def solved(self, issue: SimIssue) -> SolveFacts:
        """As if nothing had happened, for all that a person sees."""
        facts = await self.world.over(issue)
        assert facts.status is Status.COMPLETED, facts.error
        [pull] = self.world.repo.pulls
        await self.world.said(issue, f"#{pull.number}")
        [run] = facts.runs
        assert (run.status, run.steps, run.error) == (Status.COMPLETED, STEPS, "")
        assert run.evidence is not None
        assert run.evidence.problem == ""
        assert self.world.models.calls.total() == STEPS
        await self.nothing_is_left()
        return facts

    async def nothing_is_left(self) -> None:
        store = self.world.bot.bot.world.store
        assert isinstance(store, SqlStore)
        async with asyncio.timeout(SOON):
            while any((await left_at(self.service, store.ledger)).values()):
                self.clock.advance(61)
                await asyncio.sleep(LOOK)

    @property
    def last_conversation(self) -> list[str]:
        return [str(message["content"]) for message in self.world.models.asked[-1].messages]


def begun(sandbox: Sandbox) -> bool:
    return (sandbox.root / "workspace/begun").exists()


def let_go(sandbox: Sandbox) -> None:
    (sandbox.root / "workspace/go").touch()


@asynccontextmanager
async def a_story(
    directory: Path, fixer: Script = FIXES, *, extra: str = "", test: str = "sh tests/test.sh"
) -> AsyncIterator[Story]:
    clock, registry = StoryClock(), Starlette(routes=[Route("/", lambda _: PlainTextResponse("a package"))])
    async with serving(registry) as url:
        internet = {"registry.test": ("127.0.0.1", int(url.rpartition(":")[2]))}
        async with (
            a_service(directory, clock.service, internet) as service,
            a_world(
                directory,
                scripts={"fixer": fixer},
                files=line_up("fixer", test=test, extra=extra),
                clock=clock,
                baseline_repeats=1,
                setup_hosts=("registry.test",),
                **lent_by(service),
            ) as world,
        ):
            yield Story(world, service, clock)


class TestItVanishes:
    async def test_under_a_command(self, tmp_path: Path) -> None:
        """The next one is brought to where it was, and runs the command again."""
        script = turns(bash(f"{COUNTED}; cat greet.sh"), bash(f"{COUNTED}; {FIX}; {WAITS}"), bash(SUBMIT))
        async with a_story(tmp_path, script) as story:
            issue = await story.ask()
            story.vanish(await story.at_work("-r1"))
            let_go(await story.at_work("-r1-again"))
            await story.solved(issue)
            assert counted(story.world.models.asked[-1].messages) == [1, 2]

    async def test_between_two_commands(self, tmp_path: Path) -> None:
        hold = Hold(then=bash(f"{COUNTED}; {FIX}; rm begun"))
        script = turns(bash(f"{COUNTED}; touch begun"), hold, bash(SUBMIT))
        async with a_story(tmp_path, script) as story:
            issue = await story.ask()
            await story.until(hold.arrived.is_set)
            story.vanish(await story.at_work("-r1"))
            hold.release.set()
            await story.solved(issue)
            assert counted(story.world.models.asked[-1].messages) == [1, 2]

    async def test_each_of_them_once_in_the_middle_of_its_command(self, tmp_path: Path) -> None:
        """That of set-up, of the baseline, of the agent and of judging."""
        script = turns(bash(f"{COUNTED}; cat greet.sh"), bash(f"{COUNTED}; {FIX}; {WAITS}"), bash(SUBMIT))
        slow = {"extra": f'setup: ["{WAITS}"]\n', "test": f"{WAITS}; sh tests/test.sh"}
        async with a_story(tmp_path, script, **slow) as story:
            issue = await story.ask()
            vanished = asyncio.create_task(story.vanish_each_once())
            await story.solved(issue)
            vanished.cancel()
            assert story.vanished == {"set-up", "base", "r1", "judge"}
            assert counted(story.world.models.asked[-1].messages) == [1, 2]


async def test_some_never_come_to_life(tmp_path: Path) -> None:
    async with a_story(tmp_path) as story:
        fault = story.service.faults.add("create", ZOMBIE, times=2)
        await story.solved(await story.ask())
        assert fault.hits == 2


class TestNetwork:
    async def test_it_is_closed_before_the_first_command_of_an_agent(self, tmp_path: Path) -> None:
        script = turns(bash(f"cat fetched; {FETCH}"), bash(FIX), bash(SUBMIT))
        async with a_story(tmp_path, script, extra=f'setup: ["bash -c \\"{FETCH}\\" > fetched"]\n') as story:
            await story.solved(await story.ask())
            heard = story.last_conversation[3]
            assert heard.count("a package") == 1  # what set-up had fetched
            assert "registry.test" in heard  # cannot be reached
            assert all(not logged.status >= 400 for logged in story.service.journal if logged.operation == "network")

    async def test_a_service_that_only_says_so_gets_no_agent(self, tmp_path: Path) -> None:
        async with a_story(tmp_path, extra=f'setup: ["{WAITS}"]\n') as story:
            story.world.expected_problems = ["solve.broke"]
            issue = await story.ask()
            sandbox = await story.at_work()
            story.service.faults.add("network", Failure(Kind.ANSWER, 204))
            let_go(sandbox)
            facts = await story.world.over(issue)
            assert facts.status is Status.FAILED
            assert story.world.models.calls.total() == 0
            await story.world.said(issue, "This did not work.")
            await story.nothing_is_left()


async def test_a_solve_that_is_cancelled_under_a_command_gives_its_sandbox_back(tmp_path: Path) -> None:
    script = turns(bash(f"{COUNTED}; {WAITS}"), bash(FIX), bash(SUBMIT))
    async with a_story(tmp_path, script) as story:
        issue = await story.ask()
        await story.at_work("-r1")
        await story.world.comment(issue, "/solve cancel")
        facts = await story.world.over(issue)
        assert facts.status is Status.CANCELLED
        await story.world.said(issue, "Cancelled")
        await story.world.said(issue, "The status comment says")
        await story.nothing_is_left()
