"""Executions that happen at most once: what was started under a name, and how it ended, on the host's disk.

The records lie beside the sandbox's files, where its commands cannot reach. A record without an end, found by a process
that did not write it, belongs to a command that our crash cut off.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from bot.ports import Finished


class Executions:
    """Of one sandbox. The calls sync to disk, so they belong into a thread."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def begin(self, name: str) -> Finished | None:
        """None: go ahead, it is on record now. Otherwise what the first execution came to."""
        path = self._path(name)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            self._save(path, b"")
            return None
        if not content:
            return Finished(exit_code=137, output="", seconds=0.0, interrupted=True)
        return msgspec.json.decode(content, type=Finished)

    def end(self, name: str, finished: Finished) -> None:
        self._save(self._path(name), msgspec.json.encode(finished))

    def _path(self, name: str) -> Path:
        return self._directory / hashlib.sha256(name.encode()).hexdigest()[:40]

    def _save(self, path: Path, content: bytes) -> None:
        partial = path.with_suffix(".part")
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(path)
        directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
