"""What a command may use, and the watch over it.

The kernel bounds the size of a file, the number of threads and, where it has control groups for us (`cgroup.py`), the
memory. What a whole tree uses is known to nobody else, so one task looks at all running trees five times a second and
ends those above a limit: the memory (pages that several processes share counted once, where that decides), the threads,
and the disk that workspace and home take up. Between two looks a command can overshoot by what it manages in that time;
the kernel is told to prefer these processes should memory run out.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bot.sandbox.local.directories import Room
from bot.sandbox.local.spawn import Process, run_tool

_EVERY = 0.2  # seconds
_PAGE = os.sysconf("SC_PAGE_SIZE")
_NICENESS = 10
_OPEN_FILES = 8192
_FILE = 4096  # bytes that a file costs whatever is in it


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one sandbox: bytes, bytes, threads."""

    memory: int
    disk: int
    processes: int

    @property
    def most_processes(self) -> int:
        """Where the kernel stops it. A little above the limit of the watch, which says what happened."""
        return self.processes + self.processes // 8


def prefix(*, uid: int | None) -> list[str]:
    """Arguments in front of a command: become that user, and leave the processor to the bot when both want it."""
    drop = [] if uid is None else ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--"]
    return ["nice", "-n", str(_NICENESS), *drop]


def bounds(*, file_bytes: int, processes: int | None) -> str:
    """The same in the words of bash: what the kernel bounds for each process, and who goes first for want of memory.

    A bound that is lower on this host already stays as it is. The number of processes is bounded from within the
    namespace of users, where only those inside are counted.
    """
    limits = {"-c": 0, "-n": _OPEN_FILES, "-f": -(-file_bytes // 1024), "-u": processes}
    lines = [f"ulimit {option} {limit}" for option, limit in limits.items() if limit is not None]
    return f"{{ {'; '.join(lines)}; echo 1000 >/proc/self/oom_score_adj; }} 2>/dev/null"


@dataclass(slots=True)
class Watch:
    """Over all commands of one adapter. Its task lives while there is something to watch."""

    limits: Limits
    _watched: dict[Process, Room] = field(default_factory=dict)
    _free: dict[Path, int] = field(default_factory=dict)  # of the file system, when the room was last measured
    _full: set[Path] = field(default_factory=set)  # rooms above their limit
    _task: asyncio.Task[None] | None = None

    @contextmanager
    def over(self, process: Process, room: Room) -> Iterator[None]:
        self._free.setdefault(room.path, free_bytes(room))
        self._watched[process] = room
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_around())
        try:
            yield
        finally:
            del self._watched[process]

    def is_full(self, room: Room) -> bool:
        return room.path in self._full

    async def fills_up(self, room: Room) -> bool:
        """Is the room above its limit? Measured only when the file system changed enough since the last time.

        By whomever, and in either direction: what somebody else removes meanwhile hides what was written here.
        """
        free = free_bytes(room)
        last = self._free.setdefault(room.path, free)
        if abs(last - free) < self.limits.disk // 16 and room.path not in self._full:
            return False
        self._free[room.path] = free
        if await disk_use(room) > self.limits.disk:
            self._full.add(room.path)
        else:
            self._full.discard(room.path)
        return room.path in self._full

    def forget(self, room: Room) -> None:
        self._free.pop(room.path, None)
        self._full.discard(room.path)

    async def _look_around(self) -> None:
        lowered: set[int] = set()  # sessions
        while self._watched:
            await asyncio.sleep(_EVERY)
            table = await asyncio.to_thread(process_table)  # milliseconds, where there are thousands
            trees = {process: descendants(table, process.pid) for process in self._watched}
            for process, tree in trees.items():
                self._look_at(tree, process)
            lowered = lower_sessions([entry for tree in trees.values() for entry in tree], lowered)
            for process, room in list(self._watched.items()):
                if not self.is_full(room) and await self.fills_up(room):
                    process.kill("disk")

    def _look_at(self, tree: list[Entry], process: Process) -> None:
        if sum(entry.threads for entry in tree) > self.limits.processes:
            process.kill("processes")
        elif process.starved() or self._uses_too_much(tree):
            process.kill("memory")

    def _uses_too_much(self, tree: list[Entry]) -> bool:
        resident = sum(entry.resident for entry in tree)
        return resident > self.limits.memory and shared_once(tree) > self.limits.memory


@dataclass(frozen=True, slots=True)
class Entry:
    pid: int
    parent: int
    session: int
    threads: int
    resident: int  # bytes


def process_table() -> dict[int, list[Entry]]:
    """Parent -> children, of all processes that can be seen here."""
    children: dict[int, list[Entry]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (entry := _read_entry(int(name))):
            children.setdefault(entry.parent, []).append(entry)
    return children


def _read_entry(pid: int) -> Entry | None:
    try:
        stat = _read_now(f"/proc/{pid}/stat")
    except (FileNotFoundError, PermissionError, ProcessLookupError):
        return None
    fields = stat[stat.rindex(b")") + 2 :].split()  # the name, in parentheses, may hold anything
    return Entry(pid, int(fields[1]), int(fields[3]), int(fields[17]), int(fields[21]) * _PAGE)


def _read_now(path: str) -> bytes:
    """Without Python's buffers, which would take most of the time: every process of the machine is asked."""
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 4096)
    finally:
        os.close(fd)


def descendants(table: dict[int, list[Entry]], pid: int) -> list[Entry]:
    """Orphans inside a process namespace fall to its first process, so nobody leaves this tree."""
    tree: list[Entry] = []
    pending = [pid]
    while pending:
        children = table.get(pending.pop(), [])
        tree += children
        pending += [child.pid for child in children]
    return tree


def lower_sessions(entries: list[Entry], lowered: set[int]) -> set[int]:
    """Have all sessions of these processes yield to others, and return which do; `lowered` is what did before.

    Linux shares the processor among sessions first, and being nice counts only within one (sched(7), "The autogroup
    feature"). It accepts a few changes per second, unless we are root, so what is refused is tried again next time.
    """
    done = lowered & {entry.session for entry in entries}
    ours = os.getsid(0)  # what was started a moment ago may still be in it
    for entry in entries:
        if entry.session not in done and entry.session != ours:
            try:
                Path(f"/proc/{entry.pid}/autogroup").write_text(str(_NICENESS))
            except OSError:  # refused, gone, or a kernel that does not group
                continue
            done.add(entry.session)
    return done


def shared_once(tree: list[Entry]) -> int:
    """Bytes of memory, pages that several processes share counted once; resident ones where the kernel will not say."""
    total = 0
    for entry in tree:
        try:
            rollup = Path(f"/proc/{entry.pid}/smaps_rollup").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        except PermissionError:
            total += entry.resident
            continue
        total += sum(int(line.split()[1]) * 1024 for line in rollup.splitlines() if line.startswith("Pss:"))
    return total


def free_bytes(room: Room) -> int:
    """Where files are counted apart, running out of their number is as bad: each counts `_FILE` bytes besides."""
    state = os.statvfs(room.path.parent)  # which stays when the room is closed meanwhile
    return state.f_bfree * state.f_frsize + state.f_ffree * _FILE


async def disk_use(room: Room) -> int:
    """Bytes that workspace and home take up. `du` walks without following anything and reads no file."""
    return await _du("--block-size=1", room) + await _du("--inodes", room) * _FILE


async def _du(what: str, room: Room) -> int:
    done = await run_tool(["du", "-scx", what, "--", str(room.workspace), str(room.home)], timeout=60)
    totals = [line.split()[0] for line in done.output.splitlines() if line.endswith("\ttotal")]
    return int(totals[-1]) if totals else 0
