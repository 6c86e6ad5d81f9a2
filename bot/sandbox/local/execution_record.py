"""Executions that happen at most once: what was started under a name, and how it ended, on the host's disk.

The records lie beside the sandbox's files, where its commands cannot reach. A record without an end, found by a process
that did not write it, belongs to a command that our crash cut off. Only the beginning waits for the disk: when the
machine itself goes down, an end that did not get there reads as one that was never reached.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from bot.ports import Finished

_CUT_OFF = Finished(exit_code=137, output="", seconds=0.0, interrupted=True)


class Executions:
    """Of one sandbox. The calls wait for the disk, so they belong into a thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def begin(self, name: str) -> Finished | None:
        """None: go ahead, it is on record now. Otherwise what the first execution came to."""
        path = self._path(name)
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            return _read(path)
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
        return None

    def end(self, name: str, finished: Finished) -> None:
        path = self._path(name)
        partial = path.with_suffix(".part")
        partial.write_bytes(msgspec.json.encode(finished))
        partial.rename(path)

    def _path(self, name: str) -> Path:
        return self._directory / hashlib.sha256(name.encode()).hexdigest()[:40]


def _read(record: Path) -> Finished:
    try:
        return msgspec.json.decode(record.read_bytes(), type=Finished)
    except msgspec.DecodeError:  # empty, or not what we wrote: the machine went down
        return _CUT_OFF
