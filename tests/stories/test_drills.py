"""What happens to a bot at work: in real processes a full disk, a database that is away, files that go, and a stop; in
stories what is gone at GitHub without anybody telling us."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bot.core.model import Status
from bot.core.render import failure_reasons
from bot.engine import WorkflowState
from bot.simulators.model import SUBMIT, Hold, Script, bash, turns
from tests.stories.lives import Bot, MortalWorld, a_mortal_world
from tests.stories.test_crash import at_work, solved_once
from tests.stories.test_lifecycle import arrived, thinking
from tests.stories.world import FILES, FIX, FIXES, LOOK, SOON, World, a_world

SLOW: Script = turns(bash(f"touch /home/agent/begun; sleep 5; {FIX}"), bash(SUBMIT))
SMALL = 64 * 1024  # bytes: more than the log has, less than the databases' files


def logged(bot: Bot, event: str) -> bool:
    return any(line["event"] == event for line in bot.log)


def is_in_command(world: MortalWorld) -> bool:
    return any("begun" in files for _, _, files in os.walk(world.settings.data / "sandboxes"))


@contextmanager
def no_room(life: int) -> Iterator[None]:
    """Files of that process may not grow any more, as on a full disk."""
    _, most = resource.prlimit(life, resource.RLIMIT_FSIZE)
    resource.prlimit(life, resource.RLIMIT_FSIZE, (SMALL, most))
    try:
        yield
    finally:
        resource.prlimit(life, resource.RLIMIT_FSIZE, (most, most))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """By somebody who does not let go, such as a backup."""
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as database:
        database.execute("begin exclusive")
        yield
        database.execute("rollback")


@pytest.mark.timeout(180)
async def test_a_full_disk_strands_nothing(tmp_path: Path) -> None:
    """The engine cannot write down what a command did. When there is room again the living process goes on."""
    async with a_mortal_world(tmp_path, {"fixer": SLOW}) as world, world.bot() as bot:
        issue = await world.issue()
        await world.label(issue)
        await world.until(lambda: is_in_command(world))
        life = bot.life
        with no_room(life):
            await world.until(lambda: logged(bot, "engine.unrecorded"))
        facts = await world.over(issue, within=120)
        await solved_once(world, issue, facts)
        assert bot.life == life, "nobody had to start it again"
        assert world.models.calls["simulated/fixer"] == 2


@pytest.mark.timeout(180)
async def test_a_locked_database_costs_no_paid_call(tmp_path: Path) -> None:
    """The reply is kept, and only its entry in the ledger is written again."""
    async with a_mortal_world(tmp_path, {"fixer": FIXES}) as world, world.bot() as bot:
        hold = Hold(then=bash(FIX))
        world.models.interpose("simulated/fixer", hold)
        issue = await world.issue()
        await world.label(issue)
        await at_work(hold)
        with locked(world.settings.data / "solvebot.sqlite"):
            hold.release.set()
            await world.until(lambda: logged(bot, "step.waits"))
        facts = await world.over(issue, within=120)
        await solved_once(world, issue, facts)
        assert world.models.calls["simulated/fixer"] == 2
        assert facts.dollars == pytest.approx(0.002)


@pytest.mark.timeout(180)
async def test_a_stop_lets_paid_calls_end_and_begins_nothing(tmp_path: Path) -> None:
    async with a_mortal_world(tmp_path, {"fixer": FIXES}, STOP_SECONDS="60") as world, world.bot() as bot:
        hold = Hold(then=bash(FIX))
        world.models.interpose("simulated/fixer", hold)
        issue = await world.issue()
        await world.label(issue)
        await at_work(hold)
        bot.process.send_signal(signal.SIGTERM)
        await world.until(lambda: logged(bot, "engine.draining"))
        assert world.models.calls["simulated/fixer"] == 1
        hold.release.set()
        assert await bot.process.wait() == 0
        assert world.models.calls["simulated/fixer"] == 1

        async with world.bot("again"):
            facts = await world.over(issue, within=120)
        await solved_once(world, issue, facts)
        assert world.models.calls["simulated/fixer"] == 2
        assert facts.status is Status.COMPLETED


@pytest.mark.timeout(180)
async def test_mirrors_that_somebody_removed_are_fetched_again(tmp_path: Path) -> None:
    async with a_mortal_world(tmp_path, {"fixer": FIXES}) as world, world.bot():
        hold = Hold(then=bash(FIX))
        world.models.interpose("simulated/fixer", hold)
        issue = await world.issue()
        await world.label(issue)
        await at_work(hold)
        shutil.rmtree(world.settings.data / "mirrors")
        hold.release.set()
        facts = await world.over(issue, within=120)
        await solved_once(world, issue, facts)


async def test_an_issue_that_is_gone_is_called_off_and_tidied_up(world: World) -> None:
    """Nobody has told us. At the end of every story nothing may be left over."""
    issue = await world.issue()
    hold = thinking(world)
    await world.label(issue)
    await arrived(hold)
    world.github.webhooks.lose(event="issues")
    await issue.delete(by="ann")
    hold.release.set()
    facts = await world.over(issue)
    assert (facts.status, facts.ended_by) == (Status.CANCELLED, failure_reasons.ISSUE_GONE)
    assert await world.bot.bot.engine.state(facts.id) is WorkflowState.SUCCEEDED
    world.unread_is_fine = True


async def test_something_else_that_is_gone_is_no_word_about_the_issue(world: World) -> None:
    issue = await world.issue()
    world.github.faults.add("POST", "/repos/*/git/trees", status=404, times=100)
    await world.label(issue)
    facts = await world.over(issue)
    assert facts.status is Status.FAILED
    assert failure_reasons.OURS in (await world.said(issue, "did not work")).body
    world.expected_problems.append("solve.broke")


async def test_who_is_cancelled_during_set_up_leaves_no_sandbox(tmp_path: Path) -> None:
    files = {**FILES, ".github/solvebot.yml": FILES[".github/solvebot.yml"] + 'setup: ["sleep 86396"]\n'}
    async with a_world(tmp_path, files=files) as world:
        issue = await world.issue()
        await world.label(issue)
        sandboxes = world.bot.bot.world.sandboxes
        async with asyncio.timeout(SOON):
            while not await sandboxes.living():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(LOOK)
        await world.comment(issue, "/solve cancel")
        facts = await world.over(issue)
        assert facts.status is Status.CANCELLED
        assert await sandboxes.living() == []
        world.unread_is_fine = True
