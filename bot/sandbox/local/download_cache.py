"""Downloads at rest, below one directory that no sandbox sees.

    bodies/<sha256 of the content>     answers/<sha256 of the key>     arriving/<a file that is being written>

A body gets its name when it is whole, by a rename, and is hashed again before it is read: what a crash or a bad disk
leaves is noticed, thrown away and fetched anew. All of it together, with what is arriving, stays within the limit;
what was not asked for the longest goes first. Several processes may share the directory. The methods block: they are
for threads.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import structlog

from bot.core.environment.downloads import Headers, KeptAnswer, key_name, to_evict

_MOST_OF_ANSWER = 65_536  # bytes of what is known about a body
_UNKNOWN_LENGTH = 64 * 1024**2  # bytes that are set aside where upstream does not say

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Record:
    key: str
    headers: Headers
    body: str
    size: int
    at: float
    until: float


@dataclass(frozen=True, slots=True)
class Kept:
    headers: Headers
    file: int
    size: int
    at: float


@dataclass(slots=True, eq=False)
class Arriving:
    """A body that is being written. Locked, so that nobody takes it for what a crash left."""

    path: Path
    file: int
    room: int  # bytes that are set aside for it
    size: int = 0
    _digest: hashlib._Hash = field(default_factory=hashlib.sha256)
    _closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)  # a thread may write on when nobody waits for it

    def write(self, data: bytes) -> bool:
        """False: there is no room for it."""
        with self._lock:
            if self._closed or self.size + len(data) > self.room:
                return False
            self._digest.update(data)
            self.size += len(data)
            while data:
                data = data[os.write(self.file, data) :]
            return True

    def close(self) -> None:
        with self._lock:
            self._closed = True
            os.close(self.file)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class KeptFiles:
    def __init__(self, directory: Path, limit: int) -> None:
        self._bodies, self._answers, self._arriving = (directory / name for name in ("bodies", "answers", "arriving"))
        self._limit = limit
        self._set_aside = 0
        self._kept: int | None = None  # bytes; None: not counted yet
        self._lock = threading.Lock()

    # ---------------------------------------------------------------------------------------------------------- reading

    @contextmanager
    def found(self, key: str, now: float) -> Iterator[Kept | None]:
        """What is kept under this name, whole and not too old."""
        kept = self._find(key, now)
        try:
            yield kept
        finally:
            if kept is not None:
                os.close(kept.file)

    def _find(self, key: str, now: float) -> Kept | None:
        path = self._answers / key_name(key)
        record = _read(path)
        if record is None or record.key != key:
            return None
        file = self._open(record) if now < record.until else None
        if file is None:
            path.unlink(missing_ok=True)
            return None
        with suppress(OSError):
            os.utime(path)
        return Kept(record.headers, file, record.size, record.at)

    def _open(self, record: _Record) -> int | None:
        """The body, when it is what was kept."""
        path = self._bodies / record.body
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            with open(file, "rb", closefd=False) as content:
                if hashlib.file_digest(content, "sha256").hexdigest() == record.body:
                    return file
            log.warning("sandbox.downloads.damaged", body=record.body)
            path.unlink(missing_ok=True)
        except OSError as error:
            log.warning("sandbox.downloads.unreadable", body=record.body, reason=str(error))
        os.close(file)
        return None

    # ---------------------------------------------------------------------------------------------------------- writing

    @contextmanager
    def arriving(self, length: int | None) -> Iterator[Arriving | None]:
        """A file for a body; None when there is no room for one of this length, or nowhere to write."""
        arriving = self._begin(length)
        try:
            yield arriving
        finally:
            if arriving is not None:
                arriving.path.unlink(missing_ok=True)
                arriving.close()
                with self._lock:
                    self._set_aside -= arriving.room

    def _begin(self, length: int | None) -> Arriving | None:
        half = self._limit // 2
        room = min(_UNKNOWN_LENGTH, half // 4) if length is None else length
        with self._lock:
            if self._set_aside + room > half:
                return None
            try:
                self._prepare()
                self._make_room(self._limit - self._set_aside - room)
                file, path = self._new_file()
            except OSError as error:
                log.warning("sandbox.downloads.not_kept", reason=str(error))
                return None
            self._set_aside += room
        return Arriving(path, file, room)

    def keep(self, arriving: Arriving, key: str, headers: Headers, at: float, until: float) -> None:
        """The body is whole. Raises OSError when it cannot be kept."""
        record = _Record(key, headers, arriving.sha256, arriving.size, at, until)
        content = msgspec.json.encode(record)
        with self._lock:
            arriving.path.replace(self._bodies / record.body)
            file, path = self._new_file()
            with open(file, "wb") as answer:
                answer.write(content)
                answer.flush()
                path.replace(self._answers / key_name(key))
            self._kept = (self._kept or 0) + arriving.size + len(content)

    def _new_file(self) -> tuple[int, Path]:
        file, name = tempfile.mkstemp(dir=self._arriving)
        fcntl.flock(file, fcntl.LOCK_EX)
        return file, Path(name)

    def _prepare(self) -> None:
        """The directories, without what a crash left half written."""
        if self._kept is not None:
            return
        for directory in (self._bodies, self._answers, self._arriving):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self._arriving.iterdir():
            with suppress(OSError):
                file = os.open(left, os.O_RDONLY)
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    left.unlink()
                finally:
                    os.close(file)
        self._kept = self._measure()

    # --------------------------------------------------------------------------------------------------------- eviction

    def _make_room(self, room: int) -> None:
        """What is kept gets by with so many bytes, and with some less, because looking at all files takes its time."""
        if (self._kept or 0) <= room:
            return
        for name in to_evict(self._known(), room * 9 // 10):
            (self._answers / name).unlink(missing_ok=True)
        named = {kept.body for kept in self._known()}
        for body in self._bodies.iterdir():
            if body.name not in named:
                body.unlink(missing_ok=True)
        self._kept = self._measure()

    def _known(self) -> Iterator[KeptAnswer]:
        for path in self._answers.iterdir():
            record = _read(path)
            if record is None:
                path.unlink(missing_ok=True)
                continue
            with suppress(OSError):
                state = path.stat()
                yield KeptAnswer(path.name, state.st_mtime, record.body, record.size + state.st_size)

    def _measure(self) -> int:
        total = 0
        for directory in (self._bodies, self._answers):
            for entry in os.scandir(directory):
                with suppress(FileNotFoundError):
                    total += entry.stat(follow_symlinks=False).st_size
        return total


def _read(path: Path) -> _Record | None:
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_MOST_OF_ANSWER), type=_Record)
    except (OSError, msgspec.MsgspecError, UnicodeError):
        return None
