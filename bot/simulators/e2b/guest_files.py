"""What the guest does with files and directories."""

from __future__ import annotations

import errno
import os

_TYPE, _DIRECTORY, _REGULAR, _LINK = 0o170000, 0o040000, 0o100000, 0o120000


def demand_regular(found: os.stat_result) -> None:
    kind = found.st_mode & _TYPE
    if kind == _DIRECTORY:
        raise IsADirectoryError(errno.EISDIR, "is a directory")
    if kind != _REGULAR:
        raise OSError(errno.ENODEV, "is not a regular file")


def entry(path: bytes) -> list[bytes]:
    """path, kind ("f", "d" or ""), size, mode, uid, gid, nanoseconds of the last change, target of the link or ""."""
    found = os.lstat(path)
    target = b""
    if found.st_mode & _TYPE == _LINK:
        target = os.readlink(path)
        try:  # noqa: SIM105
            found = os.stat(path)
        except OSError:
            pass  # it leads nowhere
    kind = {_DIRECTORY: b"d", _REGULAR: b"f"}.get(found.st_mode & _TYPE, b"")
    numbers = (found.st_size, found.st_mode, found.st_uid, found.st_gid, found.st_mtime_ns)
    return [path, kind, *(str(number).encode() for number in numbers), target]


def entries(path: bytes, depth: int) -> list[bytes]:
    """The fields of all entries below, one after the other; links are not followed."""
    fields: list[bytes] = []
    with os.scandir(path) as listing:
        for found in sorted(listing, key=lambda entry: entry.name):
            try:
                fields += entry(found.path)
            except FileNotFoundError:
                continue  # removed meanwhile
            if depth > 1 and found.is_dir(follow_symlinks=False):
                fields += entries(found.path, depth - 1)
    return fields


def make_directory(path: bytes) -> None:
    if os.path.isdir(path):
        raise FileExistsError(errno.EEXIST, "exists")
    if os.path.lexists(path):
        raise NotADirectoryError(errno.ENOTDIR, "is not a directory")
    os.makedirs(path)


def remove(path: bytes) -> None:
    """With everything below it. Nothing there: fine."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        with os.scandir(path) as listing:
            below = [entry.path for entry in listing]
        for entry in below:
            remove(entry)
        os.rmdir(path)
