"""The process ends at the worst moment, and what was asked for is done all the same."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from bot.core.model import SolveFacts, Status
from bot.simulators.github import SimIssue
from bot.simulators.model import SUBMIT, Answer, Hold, Message, Script, bash, turns
from tests.stories.crashing import Dies
from tests.stories.lives import ROOT, MortalWorld, a_mortal_world
from tests.stories.world import FIX, FIXES, MAINTAINER

FOREVER = "sleep 86397"  # nobody else sleeps for as long
SLEEPS: Script = turns(bash(f"touch started; {FOREVER}"), bash(FIX), bash(SUBMIT))
SOON = 60.0


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


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
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
