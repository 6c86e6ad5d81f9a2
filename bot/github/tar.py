"""Reads a tar that came out of a sandbox and may be anything.

The standard library's reader is not made for enemies: before 3.11.14 a negative size keeps it going for ever
(CVE-2025-8194), before 3.11.10 one header takes it hours (CVE-2024-6232), and in every version a header may make it
allocate what it likes. This one looks at each byte of a header once, reads nothing but headers, and yields only names
and offsets; nothing is ever unpacked.

Formats: ustar, GNU long names, pax (path, linkpath, size). What GNU tar, bsdtar and Python write is one of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import BinaryIO

_BLOCK = 512
_MAX_EXTENDED = 1 << 16  # bytes; a path has 4096 at most
_MAX_COMPONENT = 255  # bytes of a name on every Linux file system


class Kind(Enum):
    FILE = "file"
    SYMLINK = "symlink"
    HARD_LINK = "hard link"
    OTHER = "directory, device or pipe"


@dataclass(frozen=True, slots=True)
class Member:
    """`path` is relative and clean, its bytes as they came (surrogateescape). A hard link's `link` is such a path."""

    path: str
    kind: Kind
    executable: bool
    size: int  # bytes at `offset` in the tar; only a file has any
    offset: int
    link: str = ""


class NotATar(ValueError):
    """Cut off, or not made by any tar."""


@dataclass(frozen=True, slots=True)
class _Extended:
    """What came in front of a header, for names that do not fit into it."""

    path: bytes | None = None
    link: bytes | None = None
    size: int | None = None


def members(file: BinaryIO) -> Iterator[Member]:
    """In the order of the archive, the same path perhaps more than once. Absolute paths and `..` are left out.

    `file` is seekable and is left anywhere. Raises `NotATar`.
    """
    end = file.seek(0, os.SEEK_END)
    position = 0
    extended = _Extended()
    while (header := _read(file, position, _BLOCK, end)) and header.count(0) != _BLOCK:
        _verify(header)
        position += _BLOCK
        size = extended.size if extended.size is not None else _number(header[124:136])
        kind = header[156:157]
        if position + size > end and _has_data(kind):
            raise NotATar("cut off")
        if kind in b"xLK":
            extended = _extend(extended, kind, _read(file, position, min(size, _MAX_EXTENDED + 1), end))
        elif kind != b"g":
            member = _member(header, kind, extended, size, position)
            if member is not None:
                yield member
            extended = _Extended()
        if _has_data(kind):
            position += -(-size // _BLOCK) * _BLOCK


def _has_data(kind: bytes) -> bool:
    return kind not in b"123456"


def _read(file: BinaryIO, position: int, count: int, end: int) -> bytes:
    if position >= end:
        return b""
    file.seek(position)
    data = file.read(count)
    if len(data) != count:
        raise NotATar("cut off")
    return data


def _verify(header: bytes) -> None:
    """The checksum is the sum of all bytes, its own field taken as blanks."""
    if sum(header) - sum(header[148:156]) + 8 * ord(" ") != _number(header[148:156]):
        raise NotATar("a header's checksum is wrong")


def _number(field: bytes) -> int:
    """Octal digits, or big-endian binary behind a 0x80 (GNU). Never negative."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.partition(b"\0")[0].strip()
    if not digits:
        return 0
    if digits.strip(b"01234567"):
        raise NotATar("a number is not octal")
    return int(digits, 8)


def _extend(so_far: _Extended, kind: bytes, data: bytes) -> _Extended:
    if len(data) > _MAX_EXTENDED:
        raise NotATar("an extended header is larger than any path")
    if kind == b"L":
        return _Extended(data.partition(b"\0")[0], so_far.link, so_far.size)
    if kind == b"K":
        return _Extended(so_far.path, data.partition(b"\0")[0], so_far.size)
    records = _records(data)
    if any(key.startswith(b"GNU.sparse.") for key in records):
        raise NotATar("sparse files are not supported")
    size = records.get(b"size")
    if size is not None and not (size.isdigit() and len(size) < 20):
        raise NotATar("a size is not a number")
    return _Extended(
        records.get(b"path", so_far.path),
        records.get(b"linkpath", so_far.link),
        int(size) if size is not None else so_far.size,
    )


def _records(data: bytes) -> dict[bytes, bytes]:
    """pax: records of "<length> <key>=<value>\\n", the length counting all of it."""
    records: dict[bytes, bytes] = {}
    position = 0
    while position < len(data) and data[position]:
        digits = data[position : position + 8].partition(b" ")[0]
        if not digits.isdigit() or int(digits) <= len(digits):
            raise NotATar("a pax record has no length")
        record = data[position + len(digits) + 1 : position + int(digits)]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n"):
            raise NotATar("a pax record is cut off")
        records[key] = value[:-1]
        position += int(digits)
    return records


def _member(header: bytes, kind: bytes, extended: _Extended, size: int, offset: int) -> Member | None:
    name = extended.path if extended.path is not None else _name(header)
    path = _clean(name)
    if path is None:
        return None
    link = extended.link if extended.link is not None else header[157:257].partition(b"\0")[0]
    executable = bool(_number(header[100:108]) & 0o100)
    if kind in (b"0", b"\0", b"7") and not name.endswith(b"/"):
        return Member(path, Kind.FILE, executable, size, offset)
    if kind == b"2":
        return Member(path, Kind.SYMLINK, False, 0, offset, os.fsdecode(link))
    if kind == b"1" and (target := _clean(link)) is not None:
        return Member(path, Kind.HARD_LINK, executable, 0, offset, target)
    if kind == b"S":
        raise NotATar("sparse files are not supported")
    return Member(path, Kind.OTHER, False, 0, offset)


def _name(header: bytes) -> bytes:
    name = header[:100].partition(b"\0")[0]
    if header[257:263] == b"ustar\0" and (prefix := header[345:500].partition(b"\0")[0]):
        return prefix + b"/" + name
    return name


def _clean(name: bytes) -> str | None:
    """Without `.` and doubled slashes; None for what is not below the top or no Linux file system could hold."""
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    if not parts or name.startswith(b"/") or b".." in parts or b"\0" in name:
        return None
    if len(name) >= 4096 or any(len(part) > _MAX_COMPONENT for part in parts):
        return None
    return os.fsdecode(b"/".join(parts))
