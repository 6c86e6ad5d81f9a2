"""The process ends at the worst moment, and what was asked for is done all the same."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path

import pytest

from bot.core.model import SolveFacts, Status
from bot.simulators.github import SimIssue
from bot.simulators.model import SUBMIT, Answer, Hold, Message, Script, bash, turns
from tests.stories.crashing import Dies
from tests.stories.deaths import MOMENTS
from tests.stories.lives import ROOT, Bot, MortalWorld, a_mortal_world
from tests.stories.world import FIX, FIXES, line_up

FOREVER = "sleep 86397"  # nobody else sleeps for as long
SLEEPS: Script = turns(bash(f"touch started; {FOREVER}"), bash(FIX), bash(SUBMIT))
SOON = 240.0  # seconds until something is taken for hanging, on a machine that has much else to do


def think_for_ever(_messages: Sequence[Message]) -> Answer:
    return Hold()


def sleepers() -> list[int]:
    """Processes that run the command which does not end."""
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit() and _sleeps(path)]


def _sleeps(process: Path) -> bool:
    try:
        return (process / "cmdline").read_bytes() == FOREVER.replace(" ", "\0").encode() + b"\0"
    except OSError:  # it has gone
        return False


async def solved_once(world: MortalWorld, issue: SimIssue, facts: SolveFacts) -> None:
    assert facts.status is Status.COMPLETED, facts.error
    [pull] = world.repo.pulls
    [comment] = issue.bot_comments
    assert f"#{pull.number}" in comment.body
    assert [r.content for r in issue.reactions] == ["eyes", "rocket"]
    await nothing_left(world)


async def nothing_left(world: MortalWorld) -> None:
    left_over = await world.left_over()
    assert not any(left_over.values()), left_over
    assert sleepers() == []


async def at_work(hold: Hold) -> None:
    async with asyncio.timeout(SOON):
        await hold.arrived.wait()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_while_a_model_thinks(tmp_path: Path, number: signal.Signals) -> None:
    async with a_mortal_world(tmp_path, {"fixer": FIXES}) as world, world.bot() as bot:
        hold = Hold()
        world.models.interpose("simulated/fixer", hold)
        issue = await world.issue()
        await world.label(issue)
        await at_work(hold)
        await bot.end_life(number)

        facts = await world.over(issue)
        await solved_once(world, issue, facts)
        assert world.models.calls["simulated/fixer"] == 3
        assert facts.dollars == 0.002
        assert bot.errors == []


@pytest.mark.parametrize("number", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
async def test_while_a_command_runs(tmp_path: Path, number: signal.Signals) -> None:
    """It is not run again: the agent is told, and looks for itself."""
    async with a_mortal_world(tmp_path, {"fixer": SLEEPS}) as world, world.bot() as bot:
        issue = await world.issue()
        await world.label(issue)
        await world.until(sleepers)
        await bot.end_life(number)

        facts = await world.over(issue)
        await solved_once(world, issue, facts)
        assert world.models.calls["simulated/fixer"] == 3
        [_, _, answered, told] = world.models.asked[1].messages
        assert answered["tool_calls"]
        assert "interrupted while this ran" in told["content"]
        assert bot.errors == []


async def test_while_nobody_is_there_to_take_the_delivery(tmp_path: Path) -> None:
    async with a_mortal_world(tmp_path, {"fixer": FIXES}, SWEEP_INTERVAL="2") as world:
        issue = await world.issue()
        async with world.bot() as bot:
            await bot.cut_off()
            await world.label(issue)
        assert world.github.webhooks.deliveries[-1].status_code == 0

        async with world.bot("again"):
            facts = await world.over(issue)
        await solved_once(world, issue, facts)


@pytest.mark.parametrize("dies", MOMENTS)
async def test_at_every_step_of_a_refusal(tmp_path: Path, dies: Dies) -> None:
    async with a_mortal_world(tmp_path, {"fixer": FIXES}) as world, world.bot(dies=dies) as bot:
        issue = await world.issue()
        world.repo.grant("tom", "triage")
        comment = await world.comment(issue, "/solve", by="tom")
        await world.until(lambda: any(name.endswith(" ended") for name in bot.deaths))
        await world.at_rest()

        assert sorted(bot.deaths) == sorted(world.boundaries())
        assert {name.partition(" ")[2] for name in bot.deaths} == {"started", "1 weigh", "2 react", "3 reply", "ended"}
        [reply] = issue.bot_comments
        assert "needs the permission" in reply.body
        assert [r.content for r in comment.reactions] == ["confused"]
        await nothing_left(world)


@pytest.mark.parametrize("dies", MOMENTS)
async def test_at_every_step_of_a_cancellation(tmp_path: Path, dies: Dies) -> None:
    """The solve that is to be stopped comes back to life as well, until it is."""
    steps = {"end", "stop", "clean up", "last word", "reply"}
    at = rf"^[0-9a-f-]{{36}} \d+ ({'|'.join(steps)})$"
    async with a_mortal_world(tmp_path, {"fixer": think_for_ever}) as world, world.bot(dies=dies, at=at) as bot:
        issue = await world.issue()
        await world.label(issue)
        await world.until(lambda: world.models.under_way)
        await world.comment(issue, "/solve cancel")

        facts = await world.over(issue)
        assert {name.split(" ", 2)[2] for name in bot.deaths} == steps
        assert facts.status is Status.CANCELLED
        assert facts.ended_by == "ann said `/solve cancel`"
        assert [run.status for run in facts.runs] == [Status.CANCELLED]
        [status, reply] = issue.bot_comments
        assert "Cancelled" in status.body
        assert "The status comment says" in reply.body
        await world.until(lambda: not world.models.under_way)
        assert world.repo.pulls == []
        await nothing_left(world)


async def test_a_step_that_kills_every_time_ends_the_solve(tmp_path: Path) -> None:
    deadly = partial(MortalWorld.bot, dies=Dies.BEFORE, at=r" try plan$", once=False, recovery_attempts=2)
    async with a_mortal_world(tmp_path, {"fixer": FIXES}) as world, deadly(world) as bot:
        issue = await world.issue()
        await world.label(issue)
        await world.until(lambda: len(bot.deaths) == 3)
        await world.at_rest()
        await bot.end_life(signal.SIGTERM)  # the janitor comes at every start

        facts = await world.over(issue)
        assert facts.status is Status.FAILED
        [comment] = issue.bot_comments
        assert "interrupted too often" in comment.body
        assert str(facts.id) in comment.body
        assert [r.content for r in issue.reactions] == ["eyes", "confused"]
        await nothing_left(world)


async def test_a_run_that_kills_every_time_does_not_take_the_others_along(tmp_path: Path) -> None:
    deadly = partial(
        MortalWorld.bot, dies=Dies.BEFORE, at=r"-r1 \d+ candidate$", once=False, queued_recovery_attempts=2
    )
    scripts = {"deadly": FIXES, "fixer": FIXES}
    files = line_up(
        *scripts, extra="limits: {parallel: 1}\n"
    )  # what is in flight at the same time counts its deaths too
    async with a_mortal_world(tmp_path, scripts, files) as world, deadly(world) as bot:
        issue = await world.issue()
        await world.label(issue)
        facts = await world.over(issue)
        assert len(bot.deaths) == 3
        await solved_once(world, issue, facts)
        assert [run.status for run in facts.runs] == [Status.COMPLETED, Status.COMPLETED]
        assert [run.evidence is None for run in facts.runs] == [True, False]
        assert facts.decision is not None
        assert facts.decision.champion == facts.runs[1].id


async def test_an_accepted_solve_is_started_even_when_its_delivery_was_given_up(tmp_path: Path) -> None:
    deadly = partial(MortalWorld.bot, dies=Dies.BEFORE, at=r" 3 solve$", once=False, recovery_attempts=2)
    async with a_mortal_world(tmp_path, {"fixer": FIXES}) as world:
        issue = await world.issue()
        async with deadly(world) as bot:
            await world.label(issue)
            await world.until(lambda: len(bot.deaths) == 3)
            await world.at_rest()
        async with world.bot("again"):
            facts = await world.over(issue)
        await solved_once(world, issue, facts)


async def test_two_bots_on_the_same_files(tmp_path: Path) -> None:
    async with a_mortal_world(tmp_path, {"fixer": FIXES}) as world, world.bot():
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli", "serve",
            cwd=ROOT, env=os.environ | world.environment | {"MODELS": "fixer"}, stdout=PIPE, stderr=STDOUT,
        )  # fmt: skip
        async with asyncio.timeout(SOON):
            output, _ = await second.communicate()
        assert second.returncode == 1
        assert "another Solvebot is using" in output.decode()
        assert "DATA_DIR" in output.decode()
        assert "Traceback" not in output.decode()

        issue = await world.issue()
        await world.label(issue)
        await solved_once(world, issue, await world.over(issue))


@pytest.mark.parametrize("ends", [Bot.cut_off, pytest.param(Bot.stop, marks=pytest.mark.long)])
async def test_another_worker_takes_over(
    tmp_path: Path, postgres_url: str, ends: Callable[[Bot], Coroutine[None, None, object]]
) -> None:
    """On PostgreSQL. Mirrors and sandboxes are on the machine that both share here."""
    async with a_mortal_world(tmp_path, {"fixer": FIXES}, database_url=postgres_url) as world:
        issue = await world.issue()
        hold = Hold()
        world.models.interpose("simulated/fixer", hold)
        async with world.bot("one") as one:
            await world.label(issue)
            await at_work(hold)
            async with world.bot("two") as two:
                await ends(one)
                facts = await world.over(issue)
                await solved_once(world, issue, facts)
                assert world.models.calls["simulated/fixer"] == 3
                assert two.errors == []
