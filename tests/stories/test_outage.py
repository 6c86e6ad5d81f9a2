"""The service that lends sandboxes is away for ten minutes, and no solve minds: a few here, twenty in the drill.

The bot's clock and the service's are one, and are put forward together: ten minutes pass in seconds. Nothing else is
different from what a service that is away does to a bot that serves.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.core.model import SolveFacts, Status
from bot.core.resilience.circuit_breaker import WELL, Health
from bot.core.solve_status import Phase, phase
from bot.simulators.e2b.simulator import E2B
from bot.simulators.github import SimIssue
from bot.simulators.model import SUBMIT, Hold, bash, turns
from bot.store.store import SqlStore
from tests.stories.lent import StoryClock, a_service, left_at, lent_by
from tests.stories.lives import COUNTED, counted
from tests.stories.world import FIX, LOOK, MAINTAINER, World, a_world, line_up

pytestmark = [pytest.mark.namespaces, pytest.mark.timeout(300)]

MINUTES = 10
LONG = 240.0  # seconds; a busy machine takes its time over so many sandboxes
STEPS = 3  # of each run
BOTH = ("e2b", "bubblewrap")
CONCERNED = frozenset({Phase.ACCEPTED, Phase.PREPARING, Phase.RUNNING, Phase.COMPARING, Phase.DECIDING})


@dataclass(slots=True)
class Stage:
    world: World
    service: E2B
    clock: StoryClock
    store: SqlStore
    hold: Hold  # where runs of the model "thinker" wait for their second answer
    asked: list[SimIssue]

    async def ask(self, number: int, *models: str) -> list[SimIssue]:
        """So many issues, and for each an attempt by each of the models."""
        issues = []
        for _ in range(number):
            title = f"No greeting, number {len(self.asked):02}"
            issue = await self.world.repo.open_issue(title, "It should greet the world.", by="sam")
            await issue.comment(f"/solve model={','.join(models)} attempts={len(models)}", by=MAINTAINER)
            self.asked.append(issue)
            issues.append(issue)
        return issues

    async def facts(self, issues: Sequence[SimIssue]) -> list[SolveFacts]:
        found = [await self.world.facts(issue) for issue in issues]
        return [facts for facts in found if facts is not None]

    async def phases(self, issues: Sequence[SimIssue]) -> Counter[Phase]:
        return Counter(phase(facts) for facts in await self.facts(issues))

    async def until(self, condition: Callable[[], Awaitable[bool]], *, within: float = LONG) -> None:
        """What only databases tell."""
        async with asyncio.timeout(within):
            while not await condition():  # noqa: ASYNC110 - as above
                await asyncio.sleep(LOOK)

    async def until_over(self, issues: Sequence[SimIssue]) -> None:
        async def over() -> bool:
            facts = await self.facts(issues)
            return len(facts) == len(issues) and all(each.status.is_over for each in facts)

        await self.until(over)
        await self.until(lambda: self._has_rocket(issues))

    async def _has_rocket(self, issues: Sequence[SimIssue]) -> bool:
        """The last thing that a solve does."""
        return all("rocket" in [r.content for c in issue.state.comments for r in c.reactions] for issue in issues)

    async def until_thinking(self, runs: int) -> None:
        async def think() -> bool:
            return self.world.models.under_way == runs

        await self.until(think)

    async def until_some_run(self, issues: Sequence[SimIssue]) -> None:
        async def some_run() -> bool:
            return (await self.phases(issues))[Phase.RUNNING] > 0

        await self.until(some_run)

    async def health(self) -> Health:
        return await self.store.ledger.health("e2b")

    # ------------------------------------------------------------------------------------------------- the outage

    async def goes_away(self, *, refuse: bool) -> None:
        """Returns when the bot has noticed and leaves it alone."""

        await self.service.down(refuse=refuse)
        await self.until_noticed()

    async def until_noticed(self) -> None:
        async def noticed() -> bool:
            return (await self.health()).is_open

        await self.until(noticed)

    async def a_minute_passes(self) -> None:
        """Returns when somebody has tried in vain."""

        async def tried() -> bool:
            health = await self.health()
            return health.probe_at is not None and health.probe_at > self.clock.now() and not health.probing

        self.clock.advance(60)
        await self.until(tried)

    async def comes_back(self) -> None:
        """Returns when all who wait have been told, or are about to look for themselves."""

        async def well() -> bool:
            return await self.health() == WELL

        await self.service.up()
        self.clock.advance(65)
        await self.until(well)
        self.clock.advance(65)

    async def said_on(self, issues: Sequence[SimIssue]) -> None:
        """Returns when each comment says what is going on."""
        since = (await self.health()).since
        assert since is not None
        words = f"has not answered since {since:%H:%M} UTC on {since:%Y-%m-%d}. Nothing is lost"
        for issue in issues:
            await self.world.said(issue, words)


@asynccontextmanager
async def a_stage(directory: Path, sandbox: Sequence[str] = ("e2b",), *, away: bool = False) -> AsyncIterator[Stage]:
    """`away`: before the bot begins."""
    clock, hold = StoryClock(), Hold(then=bash(f"{COUNTED}; {FIX}"))
    scripts = {
        "fixer": turns(bash(f"{COUNTED}; cat greet.sh"), bash(f"{COUNTED}; {FIX}"), bash(SUBMIT)),
        "thinker": turns(bash(f"{COUNTED}; cat greet.sh"), hold, bash(SUBMIT)),
        "breaker": turns(bash(f"{COUNTED}; ls"), bash(f"{COUNTED}; rm greet.sh"), bash(SUBMIT)),
    }
    async with (
        a_service(directory, clock.service, away=away) as service,
        a_world(
            directory,
            scripts=scripts,
            files=line_up(*scripts),
            clock=clock,
            worker_runs=60,
            baseline_repeats=1,
            status_interval=20.0,
            **{**lent_by(service), "sandbox": tuple(sandbox)},
        ) as world,
    ):
        store = world.bot.bot.world.store
        assert isinstance(store, SqlStore)
        yield Stage(world, service, clock, store, hold, [])


async def all_went_well(stage: Stage) -> None:
    solves = await stage.facts(stage.asked)
    assert [solve.status for solve in solves] == [Status.COMPLETED] * len(stage.asked)
    assert [run.status for solve in solves for run in solve.runs if run.status is not Status.COMPLETED] == []
    for issue, solve in zip(stage.asked, solves, strict=True):
        assert solve.pull_request is not None
        [comment] = issue.bot_comments
        assert f"#{solve.pull_request.number}" in comment.body
        assert "has not answered" not in comment.body
        comment.read = True
    assert len(stage.world.repo.pulls) == len(stage.asked)
    nothing_was_done_twice(stage, solves)
    await nothing_is_left(stage)


def nothing_was_done_twice(stage: Stage, solves: Sequence[SolveFacts]) -> None:
    """Each run has asked its model once for each step on record, and each command has run once."""
    wanted = {
        (run.experiment.model.model_id, issue.state.title): run.steps
        for issue, solve in zip(stage.asked, solves, strict=True)
        for run in solve.runs
    }
    conversations = {}
    calls: Counter[tuple[str, str]] = Counter()
    for asked in stage.world.models.asked:
        [run_of] = [run for run in wanted if run[0] == asked.model and run[1] in str(asked.messages[1]["content"])]
        calls[run_of] += 1
        conversations[run_of] = asked.messages
    assert calls == wanted
    assert set(wanted.values()) == {STEPS}
    assert [counted(messages) for messages in conversations.values()] == [[1, 2]] * len(wanted)


async def nothing_is_left(stage: Stage) -> None:
    """Within two rounds of the chores, which come every minute."""

    async def gone() -> bool:
        stage.clock.advance(61)
        return not any((await left_at(stage.service, stage.store.ledger)).values())

    await stage.until(gone, within=10)


FEW = 1  # solve in each state; the drill has five


async def test_ten_minutes_of_503_in_the_middle_of_solves(tmp_path: Path) -> None:
    await ten_minutes_of_503(tmp_path, FEW)


async def ten_minutes_of_503(directory: Path, each: int) -> None:
    async with a_stage(directory) as stage:
        early = await stage.ask(each, "fixer")
        await stage.until_over(early)
        thinking = await stage.ask(each, "thinker", "breaker", "fixer") + await stage.ask(each // 2 + 1, "thinker")

        await stage.until_thinking(len(thinking))
        just_begun = await stage.ask(each, "fixer", "breaker")

        async def begun() -> bool:
            return (await stage.phases(just_begun))[Phase.PREPARING] == len(just_begun)

        await stage.until(begun)
        await stage.goes_away(refuse=False)
        stage.hold.release.set()
        phases = await stage.phases(stage.asked)
        assert phases[Phase.PUBLISHED] == len(early)
        for minute in range(MINUTES):
            await stage.a_minute_passes()
            if minute == MINUTES // 2:
                await stage.ask(2, "fixer")
                await stage.said_on(stage.asked[-2:])
        assert await stage.phases(stage.asked[:-2]) == phases
        await stage.said_on(stage.asked[len(early) :])
        assert all("has not answered" not in issue.bot_comments[0].body for issue in early)

        await stage.comes_back()
        await stage.until_over(stage.asked)
        await all_went_well(stage)


async def test_connections_are_refused_wherever_solves_happen_to_be(tmp_path: Path) -> None:
    await refused_connections(tmp_path, FEW)


async def refused_connections(directory: Path, each: int) -> None:
    async with a_stage(directory) as stage:
        stage.hold.release.set()
        for models in (["fixer"], ["thinker", "fixer"], ["fixer"], ["breaker", "thinker"]):
            asked = await stage.ask(each, *models)
            await stage.until_some_run(asked)
        await stage.goes_away(refuse=True)
        for _ in range(MINUTES):
            await stage.a_minute_passes()
        waiting = [issue for issue in stage.asked if (await stage.phases([issue])).keys() <= CONCERNED]
        assert waiting
        await stage.said_on(waiting)

        await stage.comes_back()
        await stage.until_over(stage.asked)
        await all_went_well(stage)


class TestThisMachineStepsIn:
    """SANDBOX=e2b,bubblewrap."""

    async def test_away_from_the_start(self, tmp_path: Path) -> None:
        async with a_stage(tmp_path, BOTH, away=True) as stage:
            await stage.ask(1, "fixer", "breaker")
            await stage.until_over(stage.asked)
            [comment] = stage.asked[0].bot_comments
            assert "has not answered" not in "".join([comment.body, *(edit.before for edit in comment.edits)])
            assert [logged.status for logged in stage.service.journal if logged.status < 500] == []
            await stage.service.up()
            await all_went_well(stage)

    async def test_what_began_there_waits_and_says_so_and_what_begins_now_does_not(self, tmp_path: Path) -> None:
        async with a_stage(tmp_path, BOTH) as stage:
            [there] = await stage.ask(1, "thinker")
            await stage.until_thinking(1)
            await stage.service.down()
            stage.hold.release.set()
            await stage.until_noticed()
            [here] = await stage.ask(1, "fixer")
            await stage.until_over([here])
            stage.clock.advance(30)
            await stage.said_on([there])
            assert "has not answered" not in here.bot_comments[0].body

            await stage.comes_back()
            await stage.until_over([there])
            await all_went_well(stage)
