"""Temporary files of this process lie below DATA_DIR: archives of whole workspaces may be larger than /tmp, and what a
crash leaves of them is deleted by the next start.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path


@contextmanager
def temporary_files(directory: Path) -> Iterator[None]:
    """Meanwhile the standard library makes all of them in a directory of our own in this one."""
    with own_directory(directory) as own:
        before, tempfile.tempdir = tempfile.tempdir, str(own)
        try:
            yield
        finally:
            tempfile.tempdir = before


@contextmanager
def own_directory(directory: Path) -> Iterator[Path]:
    """A new one in this one, which is made; what the dead left in it is deleted.

    It is locked for as long as we live: several processes may share the outer one.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(_Lock(directory)):
        for left in directory.iterdir():
            with suppress(BlockingIOError), closing(_Lock(left, wait=False)):
                shutil.rmtree(left)
        own = Path(tempfile.mkdtemp(dir=directory))
        alive = _Lock(own)
    try:
        yield own
    finally:
        shutil.rmtree(own, ignore_errors=True)  # or the next start does
        alive.close()


class _Lock:
    """On a directory, until it is closed or we die. Raises `BlockingIOError` unless it may wait."""

    def __init__(self, directory: Path, *, wait: bool = True) -> None:
        self._descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise

    def close(self) -> None:
        os.close(self._descriptor)
