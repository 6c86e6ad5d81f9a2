"""Mirrors are a cache: the least recently used ones go when all of them have more bytes than they may have."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

IN_USE = 3600.0  # seconds since its last use that a mirror stays in any case: somebody may be reading it
_GONE = ".gone-"


def used(mirror: Path) -> None:
    with suppress(FileNotFoundError):
        os.utime(mirror)


def make_room(directory: Path, most_bytes: int, now: float) -> list[str]:
    """Names of the mirrors that went. `now` is in seconds since the epoch."""
    for left in directory.glob(f"{_GONE}*"):
        shutil.rmtree(left, ignore_errors=True)
    mirrors = sorted(_mirrors(directory))
    bytes, went = sum(size for _, _, size in mirrors), list[str]()
    for used_at, mirror, size in mirrors:
        if bytes <= most_bytes or now - used_at < IN_USE:
            break
        _remove(mirror)
        bytes -= size
        went.append(mirror.name)
    return went


def _mirrors(directory: Path) -> Iterator[tuple[float, Path, int]]:
    """When it was used last, where it is, and its bytes."""
    for mirror in directory.glob("*.git"):
        with suppress(FileNotFoundError):
            yield mirror.stat().st_mtime, mirror, _size(mirror)


def _size(directory: Path) -> int:
    found = 0
    for path, _, names in os.walk(directory):
        for name in names:
            with suppress(FileNotFoundError):
                found += os.lstat(os.path.join(path, name)).st_size
    return found


def _remove(mirror: Path) -> None:
    """Out of sight at once."""
    gone = mirror.with_name(f"{_GONE}{secrets.token_hex(8)}")
    with suppress(FileNotFoundError):
        mirror.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
