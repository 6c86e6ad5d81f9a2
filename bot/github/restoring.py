"""A difference without what was changed by the way: see core/candidate/restoring.py for what that is."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from bot.core.candidate.restoring import Asked, Aspect, PutBack, as_it_was, in_its_encoding
from bot.github.git import Git, read_blobs
from bot.github.worktree import (
    EXECUTABLE,
    FILE,
    MAX_CONTENT,
    MAX_FILE,
    SYMLINK,
    Change,
    Content,
    Difference,
    blob_of,
    mode_of,
    shown,
)
from bot.ports import TreeFile

_FILES = (FILE, EXECUTABLE)


async def old_contents(git: Git, changes: Sequence[Change]) -> dict[str, bytes]:
    """path -> what the base commit has there, of the files and links that were changed and are not too large."""
    wanted, room = [], MAX_CONTENT
    for change in changes:
        if change.old is None or change.new is None or mode_of(change.old) not in (*_FILES, SYMLINK):
            continue
        room -= change.old.size
        if change.old.size <= MAX_FILE and room >= 0:
            wanted.append((change.path, change.old.blob))
    contents = await read_blobs(git, [blob for _, blob in wanted])
    return {path: content for (path, _), content in zip(wanted, contents, strict=True)}


def put_back(
    difference: Difference, tracked: Mapping[str, TreeFile], old: Mapping[str, bytes], tree: Path, asked: Asked
) -> tuple[Difference, tuple[PutBack, ...]]:
    """`old`: from `old_contents`. What then differs in nothing is no change. Reads files: call it in a thread."""
    kept: list[Change] = []
    done: list[PutBack] = []
    now = {change.path: change.new for change in difference.changes}
    with tree.open("rb") as file:
        for change in difference.changes:
            changed, aspects = _put_back(change, tracked, now, old, file, asked)
            done += [PutBack(shown(change.path), aspect) for aspect in aspects]
            if changed is not None:
                kept.append(changed)
    return replace(difference, changes=tuple(kept)), tuple(done)


def _put_back(
    change: Change,
    tracked: Mapping[str, TreeFile],
    now: Mapping[str, Content | None],
    old: Mapping[str, bytes],
    file: BinaryIO,
    asked: Asked,
) -> tuple[Change | None, tuple[Aspect, ...]]:
    was, new = change.old, change.new
    if was is None or new is None or new.mode not in _FILES or change.path not in old:
        return change, ()
    if was.mode == SYMLINK:
        target = _target(change.path, old[change.path])
        behind = (now.get(target), tracked.get(target))
        untouched = any(each is not None and each.blob == new.blob for each in behind)
        return (None, (Aspect.LINK,)) if untouched else (change, ())
    return _file_put_back(change, was, new, old[change.path], file, asked)


def _file_put_back(
    change: Change, was: TreeFile, new: Content, before: bytes, file: BinaryIO, asked: Asked
) -> tuple[Change | None, tuple[Aspect, ...]]:
    aspects: list[Aspect] = []
    after = new.bytes_in(file)
    read = in_its_encoding(before, after, asked)
    restored = as_it_was(before, read, asked)
    aspects += [Aspect.ENCODING] if read != after else []
    aspects += [Aspect.LINE_ENDS] if restored != read else []
    if restored != after:
        new = replace(new, blob=blob_of(restored), size=len(restored), held=restored)
    if new.mode != mode_of(was) and not asked.modes:
        aspects.append(Aspect.MODE)
        new = replace(new, mode=mode_of(was))
    same = new.blob == was.blob and new.mode == mode_of(was)
    return None if same else replace(change, new=new), tuple(aspects)


def _target(path: str, link: bytes) -> str:
    """The path that a link within the repository names; what it names elsewhere is no path of ours."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), os.fsdecode(link)))
