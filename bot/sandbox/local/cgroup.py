"""The kernel's bound on the memory of a command's processes together, where the bot may make control groups.

The watch of `limits.py` sees what processes have mapped, five times a second. A group counts at every moment, and also
what nobody has mapped: files in memory, what lies in pipes.
"""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog

from bot.sandbox.local.directories import is_unlocked, locked

_NAME = "solvebot-"


@dataclass(frozen=True, slots=True)
class MemoryGroup:
    path: Path

    def entrance(self) -> int:
        """A descriptor: who writes "0" to it goes in, also from where the group cannot be seen."""
        return os.open(self.path / "cgroup.procs", os.O_WRONLY)

    def starved(self) -> bool:
        """Has the kernel ended a process in it for want of memory?"""
        counters = (self.path / "memory.events", self.path / "memory.oom_control")
        text = next(counter for counter in counters if counter.exists()).read_text()
        return int(dict(line.split() for line in text.splitlines())["oom_kill"]) > 0


@dataclass(frozen=True, slots=True)
class MemoryGroups:
    """Made below `directory`, each for `memory` bytes, of which nothing is swapped out."""

    directory: Path
    memory: int

    @contextmanager
    def group(self) -> Iterator[MemoryGroup]:
        """Raises `OSError` where none can be made."""
        path = self.directory / f"{_NAME}{secrets.token_hex(8)}"
        with ExitStack() as stack:
            with locked(self.directory):
                path.mkdir()
                stack.callback(_remove, path)
                stack.enter_context(locked(path))
            self._bound(path)
            yield MemoryGroup(path)

    def _bound(self, path: Path) -> None:
        """In the words of either version of control groups. A kernel without swap has no word for that."""
        second = (path / "memory.max").exists()
        (path / ("memory.max" if second else "memory.limit_in_bytes")).write_text(str(self.memory))
        swap = path / ("memory.swap.max" if second else "memory.memsw.limit_in_bytes")
        if swap.exists():
            swap.write_text("0" if second else str(self.memory))

    def try_out(self) -> None:
        """Raises `OSError` where a process of ours cannot be put into a group."""
        control = self.directory / "cgroup.subtree_control"
        if control.exists() and "memory" not in control.read_text().split():
            control.write_text("+memory")
        with self.group() as group:
            entrance = group.entrance()
            try:
                enter = subprocess.run(["bash", "-c", f"echo 0 >&{entrance}"], pass_fds=[entrance], env={}, check=False)
            finally:
                os.close(entrance)
            if enter.returncode != 0:
                raise PermissionError(f"nobody can go into {group.path}")

    def sweep(self) -> None:
        """Remove what crashes left behind."""
        with locked(self.directory):
            for path in self.directory.glob(f"{_NAME}*"):
                if is_unlocked(path):
                    _remove(path)


def _remove(path: Path) -> None:
    try:
        path.rmdir()
    except FileNotFoundError:  # another bot was faster
        return
    except OSError as error:  # somebody is in it who has not gone yet: a later `sweep` will
        structlog.get_logger().warning("sandbox.group_left_behind", reason=str(error))


def find_memory_groups(memory: int) -> MemoryGroups | None:
    """None, said in the log, where none can be made: then the watch has to be enough."""
    why = "no control group of this process counts memory"
    for place in places(Path("/proc/self/cgroup").read_text(), Path("/proc/self/mountinfo").read_text()):
        groups = MemoryGroups(place, memory)
        try:
            groups.try_out()
        except OSError as error:
            why = str(error)
        else:
            return groups
    structlog.get_logger().info("sandbox.without_memory_group", reason=why)
    return None


def places(memberships: str, mounts: str) -> list[Path]:
    """Directories below which groups may be made, to be tried in this order.

    In the first version of control groups that is where we are. In the second (cgroups(7)) a group with processes in it
    cannot pass the controller on to others below it, so it is the nearest one above us that does, or may be made to.
    `memberships` and `mounts` are the texts of /proc/self/cgroup and /proc/self/mountinfo.
    """
    ours = {controllers: path for _, controllers, path in (line.split(":", 2) for line in memberships.splitlines())}
    version, membership = ("cgroup", ours["memory"]) if "memory" in ours else ("cgroup2", ours.get("", "/"))
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        root, point = (Path(field) for field in left.split()[3:5])
        type_, _, options = right.split(" ", 2)
        counts_memory = type_ == "cgroup2" or "memory" in options.split(",")
        if type_ == version and counts_memory and Path(membership).is_relative_to(root):
            own = point / Path(membership).relative_to(root)
            above = [path for path in own.parents if path.is_relative_to(point)]
            return [own] if version == "cgroup" else [own, *above]
    return []
