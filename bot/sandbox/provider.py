"""What a service that lends machines has to offer, and the errors it may answer with.

One call is one attempt: `resilience.py` repeats, counts and slows down, `remote.py` makes of it what the story asks
for. Errors are those of ports/: `Unavailable` (may work the next time), `Unclear` (may have been done), `Crowded`
(too many requests or machines), `SandboxLost` (the machine is no more), `Rejected` (template, argument), `Denied`
(the key).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.core.resilience.sandbox_leases import ImageId, LeaseKey, MachineId

OURS = {
    "SOLVEBOT_OURS": "1"
}  # in the environment of what `execute` starts: spared when a command's processes are ended


@dataclass(frozen=True, slots=True)
class Wanted:
    """A machine to be. Without an image it starts from `template`; the network is off until it is allowed."""

    key: LeaseKey  # also what makes asking twice asking once
    seconds: int  # how long it lives when nobody extends it
    template: str = ""  # "" is the service's own default
    image: ImageId | None = None
    labels: Mapping[str, str] = field(default_factory=dict)  # what it is for: shown in the service's console


@dataclass(frozen=True, slots=True)
class Machine:
    """One that the service says there is, running or paused."""

    id: MachineId
    key: LeaseKey | None  # None: ours by its label, but made by hand
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What a script printed on stdout, and how it ended."""

    exit_code: int
    output: bytes


class Provider(Protocol):
    """Only machines of our own instance are seen or touched."""

    @property
    def name(self) -> str:
        """ "e2b", or "e2b:domain" where there are several. Leases are kept under it: never rename one."""

    async def create(self, wanted: Wanted) -> MachineId: ...

    async def machines(self) -> list[Machine]: ...

    async def extend(self, machine: MachineId, seconds: int) -> None:
        """It lives that long from now on."""

    async def allow(self, machine: MachineId, hosts: Sequence[str]) -> None:
        """All it may reach from now on; empty is nothing at all."""

    async def execute(
        self, machine: MachineId, script: str, *, timeout: float, as_root: bool = False, limit: int = 131_072
    ) -> Said:
        """Run `bash -c script` and wait. More than `limit` bytes of output are cut.

        After `timeout` seconds, and when the connection is lost, it raises `Unclear`: the script may still run.
        Scripts are such that running them again is harmless.
        """

    async def follow(self, machine: MachineId, script: str, hear: Callable[[str], None]) -> None:
        """Run a script as above until it ends or the caller has enough, and tell what it prints, as it comes."""

    async def upload(self, machine: MachineId, path: str, content: bytes | Path) -> None:
        """As the ordinary user, whose parents are made. A `Path` is a file of ours and is streamed."""

    async def download(self, machine: MachineId, path: str, into: Path, *, limit: int) -> None:
        """A regular file, streamed. Raises `Rejected` above `limit` bytes and when it is not there."""

    async def save(self, machine: MachineId, name: str) -> ImageId:
        """A snapshot that machines can be started from. The machine goes on."""

    async def images(self) -> list[ImageId]: ...

    async def delete_image(self, image: ImageId) -> None:
        """One that is gone already is fine."""

    async def kill(self, machine: MachineId) -> None:
        """One that is gone already is fine."""
