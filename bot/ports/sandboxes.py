"""Where untrusted things are run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.core.model import (
    SandboxId,
    SnapshotId,
)


@dataclass(frozen=True, slots=True)
class Finished:
    """A command that ran. Failing is an answer, not an error.

    `output` is stdout and stderr as they came, capped at 64 kB: the head and the tail with a note between.
    """

    exit_code: int
    output: str
    seconds: float
    timed_out: bool = False
    interrupted: bool = False  # we crashed while it ran; its effects may be partial
    killed_by: str = ""  # "memory", "disk", "processes": the limit that ended it


class Sandboxes(Protocol):
    """Machines that hold no secret. Files live in /workspace and /home/agent; both are kept between commands."""

    async def check(self) -> None:
        """Prove the isolation. Raises `SandboxUnusable` with the remedy; then untrusted code must not run."""

    async def create(self, id: SandboxId, *, snapshot: SnapshotId | None = None, ecosystem: str = "") -> None:
        """Empty, or a copy of a snapshot. One that exists under this id is replaced.

        `ecosystem`, as in `Toolchain`: what an empty one should bring along, where there is a choice.
        """

    async def exists(self, id: SandboxId) -> bool: ...

    async def put(self, id: SandboxId, archive: Path) -> None:
        """Unpack a tar into /workspace."""

    async def write(self, id: SandboxId, files: Mapping[str, tuple[bytes, str]], *, delete: Sequence[str] = ()) -> None:
        """path -> (content, git mode), relative to /workspace; parents are made, `delete` is removed first."""

    async def run(
        self,
        id: SandboxId,
        command: str,
        *,
        timeout: float,
        network: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        once: str | None = None,
        hear: Callable[[str], None] | None = None,
    ) -> Finished:
        """`bash -c command` in /workspace. `network`: host names that may be reached; empty means no network at all.

        `once` names this execution: asked again under the same name, the stored result is returned; when the first
        was cut off by our crash, the result says `interrupted` and the command is not run again.
        `hear` is told what the command prints, while it runs: all of it, up to some 64 kB, before the call returns.

        Cancelling the call kills the whole process tree; but what has a name may go on, for whoever asks again.
        """

    async def read(self, id: SandboxId, path: str, *, limit: int) -> bytes | None:
        """A file by absolute path, read inside the sandbox; None when it is not there. More than `limit` is cut."""

    async def take(self, id: SandboxId, into: Path, *, exclude: Sequence[str] = (), limit: int) -> None:
        """A tar of /workspace. Raises `Rejected` above `limit` bytes."""

    async def snapshot(self, id: SandboxId, name: SnapshotId) -> None: ...

    async def name_snapshot(self, name: SnapshotId, another: SnapshotId) -> bool:
        """Let it be known by another name too, which lives as long as it is wanted. False when it is not there."""

    async def drop_snapshot(self, name: SnapshotId) -> None: ...

    async def close(self, id: SandboxId) -> None:
        """Kill and remove. One that is gone already is fine."""

    async def living(self) -> list[SandboxId]: ...

    async def snapshots(self) -> list[SnapshotId]: ...

    async def tend(self) -> None:
        """About once a minute: end what nobody holds any more, see that the rest lives on."""
