"""Workers that share a PostgreSQL database and nothing else: each is a process with a directory of data of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bot.app import local_sandboxes
from bot.simulators.model import SUBMIT, Answer, Hold, Message, Script, bash
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


def held_after_a_command(hold: Hold, command: str = FIX) -> Script:
    """Its second call hangs, the first time that it is made."""

    def script(messages: Sequence[Message]) -> Answer:
        if not any(message["role"] == "assistant" for message in messages):
            return bash(command)
        return bash(SUBMIT) if hold.arrived.is_set() else hold

    return script
