"""Where the files of the sandboxes live on this host, and to whom they belong.

    <directory>/
      living/<sandbox>/     workspace/ and home/ belong to the sandbox's user (0700); execs/ is ours alone
      snapshots/<name>/     workspace/ and home/, reachable by nobody's commands
      building/<token>/     not ready yet: renamed into place when whole, so that nothing half-made is ever seen
      gone/<token>/         renamed out of the way, being deleted
      nothing/              empty

As root, every sandbox has a user of its own: one that no other room belongs to, picked at random, so that another bot
on this host, with a directory of its own, hardly ever picks the same. Otherwise all files are ours.
What a crash left in `building` or `gone` is deleted by the next start; whoever still works on one holds a lock on it.
"""

from __future__ import annotations

import fcntl
import os
import random
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.core.model import SandboxId, SnapshotId
from bot.ports import SandboxLost
from bot.sandbox.local.spawn import run_tool

FIRST_UID = 1_900_000_000  # above what systemd and subordinate ids use (systemd.io/UIDS-GIDS)
_UIDS = 100_000_000
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,199}")
_SHARED = 0o711  # the sandboxes' users pass through, and see nothing
_OWN = 0o710  # its own user passes through, and nobody else


@dataclass(frozen=True, slots=True)
class Room:
    """The files of one sandbox or snapshot. `uid` is their owner; None: ourselves, because we are not root."""

    path: Path
    uid: int | None

    @property
    def workspace(self) -> Path:
        return self.path / "workspace"

    @property
    def home(self) -> Path:
        return self.path / "home"

    @property
    def execs(self) -> Path:
        return self.path / "execs"


class Rooms:
    def __init__(self, directory: Path, *, first_uid: int) -> None:
        self.directory = directory.absolute()
        is_root = os.geteuid() == 0
        self._users = users_to_choose_from(Path("/proc/self/uid_map").read_text(), first_uid) if is_root else range(0)
        self._random = random.SystemRandom()

    @property
    def drops_uid(self) -> bool:
        return bool(self._users)

    @property
    def passed(self) -> list[Path]:
        """Directories in which there is what commands see."""
        return [self.directory / name for name in ("living", "building", "snapshots", "nothing")]

    @property
    def nothing(self) -> Path:
        """An empty directory, for a command that is not to see what is in another one."""
        return self.directory / "nothing"

    def prepare(self) -> None:
        for path in (*self.passed, self.directory / "gone"):
            path.mkdir(parents=True, exist_ok=True)
            path.chmod(_SHARED)
        self.nothing.chmod(0o755)

    def find(self, id: SandboxId) -> Room:
        room = self._at(self.directory / "living" / checked(id))
        if room is None:
            raise SandboxLost(f"sandbox {id} is not there")
        return room

    def has(self, id: SandboxId) -> bool:
        return self._at(self.directory / "living" / checked(id)) is not None

    def find_snapshot(self, name: SnapshotId) -> Room | None:
        return self._at(self.directory / "snapshots" / checked(name))

    def living(self) -> list[SandboxId]:
        return [SandboxId(name) for name in self._names("living")]

    def snapshots(self) -> list[SnapshotId]:
        return [SnapshotId(name) for name in self._names("snapshots")]

    @asynccontextmanager
    async def building(self) -> AsyncIterator[Room]:
        """A new room with empty directories, to be settled; deleted otherwise."""
        path = self.directory / "building" / secrets.token_hex(8)
        path.mkdir(mode=0o700)
        lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            room = Room(path, self._reserve_uid(path))
            for part in (room.workspace, room.home):
                part.mkdir(mode=0o700)
                if room.uid is not None:
                    os.chown(part, room.uid, room.uid)
            room.execs.mkdir(mode=0o700)
            path.chmod(_SHARED)
            yield room
        finally:
            os.close(lock)
            await self.remove(path)

    async def settle(self, room: Room, id: SandboxId) -> None:
        await self._replace(room, self.directory / "living" / checked(id))

    async def settle_snapshot(self, room: Room, name: SnapshotId) -> None:
        await self._replace(room, self.directory / "snapshots" / checked(name))

    def lend(self, room: Room, uid: int | None) -> None:
        """Let another user fill the directories of a new room, which are empty."""
        if uid is not None:
            os.chown(room.workspace, uid, uid)
            os.chown(room.home, uid, uid)

    async def give(self, room: Room, uid: int | None) -> None:
        """Hand all files to another user. Only for a room that no command can reach."""
        if uid is not None:
            done = await run_tool(["chown", "-R", "-h", f"{uid}:{uid}", str(room.workspace), str(room.home)])
            if done.code != 0:
                raise SandboxLost(f"cannot hand {room.path} to user {uid}: {done.output}")

    async def remove(self, path: Path) -> None:
        """Out of sight at once, then deleted. Nothing there: fine."""
        trash = self.directory / "gone" / secrets.token_hex(8)
        try:
            path.rename(trash)
        except FileNotFoundError:
            return
        await self._delete(trash)

    async def remove_sandbox(self, id: SandboxId) -> None:
        await self.remove(self.directory / "living" / checked(id))

    async def remove_snapshot(self, name: SnapshotId) -> None:
        await self.remove(self.directory / "snapshots" / checked(name))

    async def sweep(self) -> None:
        """Delete what crashes left behind."""
        for path in (self.directory / "building").iterdir():
            if is_unlocked(path):
                await self.remove(path)
        for path in (self.directory / "gone").iterdir():
            await self._delete(path)

    async def _replace(self, room: Room, place: Path) -> None:
        await self.remove(place)
        room.path.chmod(_OWN)
        room.path.rename(place)

    async def _delete(self, path: Path) -> None:
        if not self.drops_uid:  # root needs no permission; we cannot empty directories closed to their owner
            await run_tool(["find", str(path), "-type", "d", "!", "-perm", "-700", "-exec", "chmod", "700", "{}", ";"])
        await run_tool(["rm", "-rf", "--one-file-system", "--", str(path)])

    def _names(self, kind: str) -> list[str]:
        try:
            return sorted(os.listdir(self.directory / kind))
        except FileNotFoundError:  # nothing was ever made here
            return []

    def _at(self, path: Path) -> Room | None:
        try:
            group = path.lstat().st_gid
        except FileNotFoundError:
            return None
        return Room(path, group if self.drops_uid else None)

    def _reserve_uid(self, path: Path) -> int | None:
        """The room's group is its user's number: the files themselves may belong to another while they are copied."""
        if not self.drops_uid:
            return None
        with locked(self.directory):  # held for a few microseconds by whoever is before us
            used = {uid for parent in self.passed for uid in _groups_in(parent)}
            uid = next(uid for uid in iter(lambda: self._random.choice(self._users), None) if uid not in used)
            os.chown(path, 0, uid)
        return uid


def _groups_in(directory: Path) -> Iterator[int]:
    with os.scandir(directory) as entries:
        for entry in entries:
            try:
                yield entry.stat(follow_symlinks=False).st_gid
            except FileNotFoundError:  # deleted meanwhile
                continue


def users_to_choose_from(uid_map: str, first: int) -> range:
    """From `first` on, where they exist; else the upper half of the longest range that this container was given.

    Empty where there is nobody but root.
    """
    rows = [[int(number) for number in row.split()] for row in uid_map.splitlines()]
    given = [range(start, start + count) for start, _, count in rows]
    wanted = range(first, first + _UIDS)
    if any(wanted[0] in users and wanted[-1] in users for users in given):
        return wanted
    longest = max(given, key=len)
    return longest[(len(longest) + 1) // 2 :]


def checked(name: str) -> str:
    """`name` as a file name: ids are made by us, so anything else is a mistake of ours."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not a name for a sandbox or a snapshot: {name!r}")
    return name


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Wait for the lock and hold it. It ends with us, whatever happens."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def is_unlocked(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(fd)
    return True
