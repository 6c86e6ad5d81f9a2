"""Workers that share a PostgreSQL database and nothing else: each is a process with a directory of data of its own."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.adapters import local_sandboxes
from bot.core.model import Status
from bot.simulators.github import SimIssue
from bot.simulators.model import SUBMIT, Answer, Hold, Message, Script, bash, turns
from tests.stories.lives import Bot, MortalWorld, a_mortal_world
from tests.stories.world import FIX


@dataclass(frozen=True, slots=True)
class Member:
    """`world`: as it looks from this one's disk."""

    bot: Bot
    world: MortalWorld

    @property
    def runs(self) -> list[str]:
        """That began in sandboxes of its own."""
        return [line["run"] for line in self.bot.log if line["event"] == "run.started"]

    def logged(self, event: str) -> bool:
        return any(line["event"] == event for line in self.bot.log)

    def stop(self) -> None:
        """The process stands still, as a machine does that is being moved."""
        os.kill(self.bot.life, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.bot.life, signal.SIGCONT)


@dataclass(frozen=True, slots=True)
class Fleet:
    world: MortalWorld
    one: Member
    two: Member

    async def at_work(self) -> tuple[Member, Member]:
        """Who has the run, and the other one."""
        await self.world.until(lambda: self.one.runs or self.two.runs)
        return (self.one, self.two) if self.one.runs else (self.two, self.one)


@asynccontextmanager
async def a_fleet(directory: Path, database_url: str, scripts: Mapping[str, Script]) -> AsyncIterator[Fleet]:
    async with (
        a_mortal_world(directory, scripts, database_url=database_url, STATUS_INTERVAL="1") as world,
        _member(world, "one") as one,
        _member(world, "two") as two,
    ):
        yield Fleet(world, one, two)


@asynccontextmanager
async def _member(world: MortalWorld, name: str) -> AsyncIterator[Member]:
    settings = replace(world.settings, data=world.directory / f"data-{name}")
    settings.data.mkdir()
    mine = replace(
        world,
        settings=settings,
        sandboxes=local_sandboxes(settings),
        environment=world.environment | {"DATA_DIR": str(settings.data)},
    )
    async with mine.bot(name) as bot:
        yield Member(bot, mine)


async def loses_a_worker(directory: Path, database_url: str, seed: int) -> str:
    """In the middle of four solves one of two workers is killed, or stands still for too long; returns which.

    Each solve has one last word and at most one pull request, what was paid is in the ledger but for calls in flight,
    and nothing is left on any disk once its worker lives again.
    """
    chance = random.Random(seed)
    slow = turns(bash(f"sleep 1; {FIX}"), bash("sleep 1"), bash(SUBMIT))
    async with a_fleet(directory, database_url, {"fixer": slow}) as fleet:
        issues = [await fleet.world.issue() for _ in range(4)]
        for issue in issues:
            await fleet.world.label(issue)
        await fleet.at_work()
        await asyncio.sleep(chance.uniform(0, 10))
        victim, heir = chance.sample([fleet.one, fleet.two], 2)
        in_flight = fleet.world.models.under_way
        how = chance.choice([killed, stopped])
        await how(victim, heir)
        for issue in issues:
            facts = await heir.world.over(issue)
            assert facts.status is Status.COMPLETED, facts.error
            assert len(issue.bot_comments) == 1
        assert len(fleet.world.repo.pulls) == len(issues)
        await paid_for(fleet, issues, in_flight)
        await victim.bot.cut_off()
        async with victim.world.bot(f"{victim.bot.plan.directory.rpartition('/')[2]}-again"):
            for member in (victim, heir):
                while any((await member.world.left_over()).values()):  # noqa: ASYNC110 - only the disk can tell
                    await asyncio.sleep(1)
        return how.__name__


async def killed(victim: Member, _heir: Member) -> None:
    await victim.bot.cut_off()


async def stopped(victim: Member, heir: Member) -> None:
    victim.stop()
    await heir.world.until(lambda: heir.logged("engine.workers.dead"))
    victim.go_on()
    assert await victim.bot.process.wait() != 0


async def paid_for(fleet: Fleet, issues: Sequence[SimIssue], in_flight: int) -> None:
    """By the simulator's own count."""
    known = [await fleet.world.store.latest(fleet.world.repo.id, issue.number) for issue in issues]
    calls = round(sum(facts.dollars for facts in known if facts is not None) / 0.001)
    billed = fleet.world.models.calls["simulated/fixer"]
    assert billed - in_flight - len(issues) <= calls <= billed


def held_after_a_command(hold: Hold, command: str = FIX) -> Script:
    """Its second call hangs, the first time that it is made."""

    def script(messages: Sequence[Message]) -> Answer:
        if not any(message["role"] == "assistant" for message in messages):
            return bash(command)
        return bash(SUBMIT) if hold.arrived.is_set() else hold

    return script
