"""Plain processes in a directory: NO ISOLATION. For the demo, whose agent is our own script, where namespaces are not
to be had; and for whoever sets a setting that says so.

A command here can read what its user can read, reach the network and stay behind if it tries to. What it shares with
the real sandbox is everything else: the port, the files, the limits, the end of the process tree. /workspace and
/home/agent do not exist on the host, so these two words are translated in commands into where the directories are.
"""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.core.model import SandboxId
from bot.core.operations.isolation import remedy_for
from bot.ports import SandboxUnusable
from bot.sandbox.files import HOME, PROGRAMS, WORKSPACE
from bot.sandbox.local.base import Errand, LocalSandboxes, prelude
from bot.sandbox.local.directories import FIRST_UID, Room, Rooms
from bot.sandbox.local.limits import Limits, prefix
from bot.sandbox.local.private_paths import first_closed
from bot.sandbox.local.spawn import Descriptors, Plan, Process, start

_PROBE_SECONDS = 30.0
_MARK = "SOLVEBOT_COMMAND"
_ROUNDS = 50  # a process may fork while we look; after as many looks it is running away on purpose


@dataclass(frozen=True, slots=True)
class ProcessOptions:
    """As `BubblewrapOptions`, as far as it means something without walls."""

    directory: Path
    path: tuple[str, ...] = ()
    memory: int = 4 * 1024**3
    processes: int = 512
    disk: int = 4 * 1024**3
    first_uid: int = FIRST_UID
    output_limit: int = 65_536
    at_once: int = 16


class ProcessSandboxes(LocalSandboxes):
    """Isolates nothing. When the bot is root, commands at least run as somebody else."""

    def __init__(self, options: ProcessOptions) -> None:
        limits = Limits(memory=options.memory, disk=options.disk, processes=options.processes)
        rooms = Rooms(options.directory, first_uid=options.first_uid)
        super().__init__(rooms, limits, output_limit=options.output_limit, at_once=options.at_once)
        self._options = options

    async def check(self) -> None:
        """That a command can be run; there is no isolation to prove."""
        directory = self._rooms.directory
        if not re.fullmatch(r"[\w./+-]+", str(directory)):
            raise SandboxUnusable(
                f"{directory} cannot stand in a shell command as it is",
                remedy="Choose a directory for the sandboxes whose path has no spaces or quotes.",
            )
        self._rooms.prepare()
        if self._rooms.drops_uid and (closed := first_closed(directory)):
            raise SandboxUnusable(
                f"{closed} cannot be passed by the users of the sandboxes",
                remedy=f"Allow it (chmod o+x {closed}) or choose another directory for the sandboxes.",
            )
        await self._rooms.sweep()
        probed = SandboxId(f"self-test-{secrets.token_hex(4)}")
        await self.create(probed)
        try:
            await self.run(probed, "true", timeout=_PROBE_SECONDS)
        finally:
            await self.close(probed)

    async def _evict(self, room: Room) -> None:
        end_processes(lambda pid: is_marked(pid, f"{_MARK}={room.path}:"))

    @asynccontextmanager
    async def _start(self, errand: Errand) -> AsyncIterator[Process]:
        mark = f"{errand.room.path}:{secrets.token_hex(8)}"
        with Descriptors() as fds:
            began, began_end = fds.pipe()
            # all that run as the same user count, so without a user of its own the watch has to be enough
            processes = None if errand.room.uid is None else self._limits.most_processes
            script = fds.data(translated(errand.script, errand))
            plan = Plan(
                argv=[
                    *prefix(uid=errand.room.uid),
                    *prelude(script, began_end, file_bytes=errand.file_bytes, processes=processes),
                ],
                env={**self._environment(errand), _MARK: mark},
                inherited=fds.inherited,
                stdin=subprocess.DEVNULL if errand.stdin is None else errand.stdin,
                stdout=errand.stdout,
                cwd=str(errand.mounts.get(WORKSPACE, "/")),
                began=began,
                end_rest=lambda: end_processes(lambda pid: is_marked(pid, f"{_MARK}={mark}")),
            )
            try:
                process = start(plan, output_limit=errand.output_limit, hear=errand.hear)
            except OSError as error:
                raise SandboxUnusable(str(error), remedy=remedy_for(str(error))) from error
        yield process

    def _environment(self, errand: Errand) -> dict[str, str]:
        home = str(errand.mounts.get(HOME, "/"))
        return {
            "HOME": home,
            "LANG": "C.UTF-8",
            "PATH": ":".join(
                (*(f"{home}/{folder}" for folder in PROGRAMS), *self._options.path, "/usr/local/bin:/usr/bin:/bin")
            ),
            **errand.env,
        }


def translated(script: bytes, errand: Errand) -> bytes:
    """The script with the paths of the sandbox replaced by the host's, where they begin a word."""
    for inside, path in errand.mounts.items():
        script = re.sub(rb"(?<![\w./-])" + inside.encode() + rb"(?![\w.-])", os.fsencode(path), script)
    return script


def is_marked(pid: int, mark: str) -> bool:
    """Was this process started with the mark in its environment? The dead have none any more."""
    try:
        return b"\0" + mark.encode() in b"\0" + Path(f"/proc/{pid}/environ").read_bytes()
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return False


def end_processes(chosen: Callable[[int], bool]) -> None:
    """Kill every process that is chosen, until none is left that could start another."""
    for _ in range(_ROUNDS):
        found = [int(name) for name in os.listdir("/proc") if name.isdigit() and chosen(int(name))]
        if not found:
            return
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
