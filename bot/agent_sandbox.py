"""Where an agent works: a sandbox under one of two names, and what was done in it, so that a lost one is made anew.

After a crash the commands' results come from the engine's record, and with them the name of the sandbox that is in use.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from bot.core.model import SandboxId
from bot.lost_sandbox import again_when_lost
from bot.ports import Finished, Sandboxes

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Done:
    """A command of the agent; `number` tells it from the others of its conversation."""

    number: str
    command: str


@dataclass(frozen=True, slots=True)
class Ran:
    """What came of a command, and where: in another sandbox than the one before it, when that was lost."""

    finished: Finished
    sandbox: SandboxId


@dataclass(slots=True)
class Workplace:
    """`names`: the one to begin with, and the one to go on in when it is lost; then the first again, and so on.

    `furnish` makes a sandbox as it was before the first command, `execute` runs one there, once under its number.
    """

    sandboxes: Sandboxes
    names: tuple[SandboxId, SandboxId]
    furnish: Callable[[SandboxId], Awaitable[object]]
    execute: Callable[[SandboxId, Done], Awaitable[Finished]]
    sandbox: SandboxId = field(init=False)
    done: list[Done] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sandbox = self.names[0]

    async def run(self, wanted: Done) -> Ran:
        async def run(sandbox: SandboxId) -> Ran:
            return Ran(await self.execute(sandbox, wanted), sandbox)

        return await self.surviving("command", run)

    def remember(self, wanted: Done, ran: Ran) -> None:
        """It is on record: what comes next happens there, and after it."""
        self.sandbox = ran.sandbox
        self.done.append(wanted)

    async def surviving(self, what: str, use: Callable[[SandboxId], Awaitable[T]]) -> T:
        """Use the agent's sandbox; when it is lost, another one that has been brought to where it was.

        It is built under the other of two names and used when it is whole: one that was left half-built, by an outage
        or by our crash, is in nobody's way and replaced.
        """

        async def attempt(lost: int) -> T:
            if not lost:
                return await use(self.sandbox)
            [other] = set(self.names) - {self.sandbox}
            await self.furnish(other)
            for earlier in self.done:  # what they print is in the record already
                await self.execute(other, earlier)
            return await use(other)

        return await again_when_lost(what, attempt)

    async def close(self) -> None:
        for sandbox in self.names:
            await self.sandboxes.close(sandbox)
