"""Where an agent works: a sandbox under one of two names, and what was done in it, so that a lost one is made anew.

After a crash the commands' results come from the engine's record, and with them the name of the sandbox that is in use.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from bot.core.environment.tree_hash import SECONDS, TREE_HASH
from bot.core.model import SandboxId
from bot.core.render import failure_reasons
from bot.lost_sandbox import again_when_lost
from bot.ports import Finished, SandboxDiffers, Sandboxes

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
    tree: str = ""  # a hash of all files after it; "" where nobody looked


async def tree_hash(sandboxes: Sandboxes, sandbox: SandboxId) -> str:
    """Raises `SandboxLost`. "" where it cannot be told."""
    done = await sandboxes.run(sandbox, TREE_HASH, timeout=SECONDS)
    return done.output.strip() if done.exit_code == 0 and len(done.output.strip()) == 64 else ""


@dataclass(slots=True)
class Workplace:
    """`names`: the one to begin with, and the one to go on in when it is lost; then the first again, and so on.

    `furnish` makes a sandbox as it was before the first command, `execute` runs one there, once under its number.
    `hashes_trees`: after each command it is written down what all files are, and what is made anew has to be the same.
    """

    sandboxes: Sandboxes
    names: tuple[SandboxId, SandboxId]
    furnish: Callable[[SandboxId], Awaitable[object]]
    execute: Callable[[SandboxId, Done], Awaitable[Finished]]
    hashes_trees: bool = False
    tree: str = ""
    sandbox: SandboxId = field(init=False)
    done: list[Done] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sandbox = self.names[0]

    async def run(self, wanted: Done) -> Ran:
        async def run(sandbox: SandboxId) -> Ran:
            finished = await self.execute(sandbox, wanted)
            tree = await tree_hash(self.sandboxes, sandbox) if self.hashes_trees else ""
            return Ran(finished, sandbox, tree)

        return await self.surviving("command", run)

    def remember(self, wanted: Done, ran: Ran) -> None:
        """It is on record: what comes next happens there, and after it."""
        self.sandbox, self.tree = ran.sandbox, ran.tree
        self.done.append(wanted)

    async def surviving(self, what: str, use: Callable[[SandboxId], Awaitable[T]]) -> T:
        """Use the agent's sandbox; when it is lost, another one that has been brought to where it was.

        It is built under the other of two names and used when it is whole: one that was left half-built, by an outage
        or by our crash, is in nobody's way and replaced. Raises `SandboxDiffers` when it is not what the first was.
        """

        async def attempt(lost: int) -> T:
            if not lost:
                return await use(self.sandbox)
            [other] = set(self.names) - {self.sandbox}
            await self.furnish(other)
            for earlier in self.done:  # what they print is in the record already
                await self.execute(other, earlier)
            if self.tree and await tree_hash(self.sandboxes, other) != self.tree:
                raise SandboxDiffers(f"{other} is not what {self.sandbox} was", remedy=failure_reasons.SANDBOX_DIFFERS)
            return await use(other)

        return await again_when_lost(what, attempt)

    async def close(self) -> None:
        for sandbox in self.names:
            await self.sandboxes.close(sandbox)
