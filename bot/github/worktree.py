"""What a run changed: a tar of its workspace against the base commit, without a checkout.

The tar is never unpacked. Names and blob ids are computed while reading it; only contents that differ are read again,
written as git objects into a workbench of this one calculation, and put into a tree by plumbing. Git then computes the
patch from two trees, so that no file of the workspace (.git, .gitattributes, hooks, filters) has a say in it.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from bot.core.candidate.run_scripts import MAX_SCRIPT, MAX_SCRIPTS, is_script
from bot.core.environment.checkout import MAX_DEPTH
from bot.core.globs import parents
from bot.core.model import ChangeKind, FileChange, Script, Sha
from bot.github.git import NO_BLOB, Git, change_index
from bot.github.patch import DIFF
from bot.github.tar import Kind, Member, members
from bot.ports import TreeFile

MAX_FILE = 5_000_000  # bytes of one changed file
MAX_CONTENT = 50_000_000  # bytes of all changed files together
MAX_MEMBERS = 200_000
MAX_CHANGES = 2_000  # files
_SHOWN = 100  # changes named when there are too many

FILE, EXECUTABLE, SYMLINK, SUBMODULE, ABSENT = "100644", "100755", "120000", "160000", "000000"


@dataclass(frozen=True, slots=True)
class Content:
    """A file as the workspace has it: its blob id, and where its bytes are in the tar, unless they are `held`."""

    mode: str
    blob: Sha
    size: int
    offset: int
    held: bytes | None = None  # of a symlink, and of what is not as the workspace has it

    def bytes_in(self, file: BinaryIO) -> bytes:
        if self.held is not None:
            return self.held
        file.seek(self.offset)
        return file.read(self.size)


@dataclass(slots=True)
class Workspace:
    """`clones`: directories, below the top, that came from elsewhere. `overflow`: why reading stopped."""

    files: dict[str, Content] = field(default_factory=dict)
    clones: set[str] = field(default_factory=set)
    overflow: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One path on both sides; None where a side has no such file."""

    path: str
    old: TreeFile | None
    new: Content | None


@dataclass(frozen=True, slots=True)
class Difference:
    changes: tuple[Change, ...]  # sorted by path
    dropped: tuple[str, ...]
    overflow: str
    scripts: tuple[Change, ...] = ()  # of what was dropped: small ones that may show the problem


def read_workspace(tar: Path) -> Workspace:
    """Raises `NotATar`. Reads every byte: call it in a thread."""
    workspace = Workspace()
    with tar.open("rb") as file:
        for count, member in enumerate(members(file)):
            if count == MAX_MEMBERS:
                workspace.overflow = f"more than {MAX_MEMBERS} files"
                break
            if member.path.count("/") > MAX_DEPTH:
                workspace.overflow = f"files below more than {MAX_DEPTH} directories"
                break
            _take_in(workspace, member, file)
    for path in [path for path in workspace.files if any(p[:-1] in workspace.files for p in parents(path))]:
        del workspace.files[path]  # below a file or a symlink, where no file system has anything
    return workspace


def _take_in(workspace: Workspace, member: Member, file: BinaryIO) -> None:
    inner = _inside_of_repository(member.path)
    if inner is not None:
        if inner.directory and member.kind is not Kind.OTHER and _is_of_a_clone(inner.path):
            workspace.clones.add(inner.directory)
        return
    workspace.files.pop(member.path, None)  # of two members with one name the later counts
    mode = EXECUTABLE if member.executable else FILE
    if member.kind is Kind.FILE:
        blob = _blob_id(file, member.offset, member.size)
        workspace.files[member.path] = Content(mode, blob, member.size, member.offset)
    elif member.kind is Kind.SYMLINK:
        link = os.fsencode(member.link)
        workspace.files[member.path] = Content(SYMLINK, blob_of(link), len(link), member.offset, link)
    elif member.kind is Kind.HARD_LINK and (target := workspace.files.get(member.link)) is not None:
        workspace.files[member.path] = target


@dataclass(frozen=True, slots=True)
class _Inner:
    """Something of a repository: whose directory this is, "" for the top, and where in its `.git` it lies."""

    directory: str
    path: str


def _inside_of_repository(path: str) -> _Inner | None:
    """None for an ordinary path."""
    parts = path.split("/")
    for depth, part in enumerate(parts):
        if is_dot_git(part):
            return _Inner("/".join(parts[:depth]), "/".join(parts[depth + 1 :]))
    return None


def _is_of_a_clone(path: str) -> bool:
    """Within `.git`: what a fetch leaves there, and `git init` does not. "": a file that names a `.git` elsewhere."""
    return path in ("", "packed-refs", "FETCH_HEAD", "shallow") or path.startswith("refs/remotes/")


# Characters that HFS+ leaves out when it compares names (git's utf8.c, next_hfs_char).
_IGNORED_BY_HFS = dict.fromkeys([*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF])


def is_dot_git(name: str) -> bool:
    """Whether some file system takes this name for `.git`: git refuses such paths (path.c, is_ntfs_dotgit)."""
    if name.isascii() and name[0] not in ".gG":
        return False
    bare = name.translate(_IGNORED_BY_HFS).casefold().partition(":")[0].rstrip(" .")
    return bare in (".git", "git~1")


def compare(
    base: Iterable[TreeFile], workspace: Workspace, scratch: Container[str], ignoring: Mapping[str, str]
) -> Difference:
    """Scratch, and what is as set-up left it (`ignoring`: shown path -> blob id, "" for a removed file), is dropped.

    A repository within the workspace is what an agent looked something up in, or tried something out with. The files
    of one that came from elsewhere are dropped, unless the base commit has files there; those of one that was begun in
    place are files like any other.
    """
    tracked = {file.path: file for file in base}
    clones = _clones(workspace, tracked)
    changes, dropped = [], [f"{shown(clone)}/" for clone in clones]
    scripts = []
    for path, new in workspace.files.items():
        old = tracked.get(path)
        if (old is not None and _is_same(old, new)) or ignoring.get(shown(path)) == new.blob:
            continue
        if clones and not clones.isdisjoint(_directories(path)):
            continue
        if old is None and path in scratch:
            dropped.append(shown(path))
            if new.mode != SYMLINK and new.size <= MAX_SCRIPT and is_script(path):
                scripts.append(Change(path, None, new))
        else:
            changes.append(Change(path, old, new))
    if not workspace.overflow:
        changes += [
            Change(path, old, None)
            for path, old in tracked.items()
            if path not in workspace.files and old.mode != SUBMODULE and ignoring.get(shown(path)) != ""
        ]
    changes.sort(key=lambda change: change.path)
    kept = tuple(sorted(scripts, key=lambda change: change.path)[:MAX_SCRIPTS])
    return Difference(tuple(changes), tuple(sorted(dropped)[:_SHOWN]), workspace.overflow, kept)


def _clones(workspace: Workspace, tracked: Mapping[str, TreeFile]) -> set[str]:
    """Directories that are repositories from elsewhere, with files or bare, and nothing of the base commit."""
    found = workspace.clones | _bare_repositories(workspace.files)
    return found - {way for path in tracked for way in (*_directories(path), path)} if found else found


def _bare_repositories(files: Iterable[str]) -> set[str]:
    """`git clone --bare`, or a `.git` that was put aside under another name."""
    heads, configs, objects = set(), set(), set()
    for path in files:
        directory, _, name = path.rpartition("/")
        if name == "HEAD":
            heads.add(directory)
        elif name == "config":
            configs.add(directory)
        elif "/objects/" in path:
            objects.add(path.partition("/objects/")[0])
    return heads & configs & objects


def _directories(path: str) -> list[str]:
    return [above[:-1] for above in parents(path)]


def as_candidate(base: Iterable[TreeFile], difference: Difference) -> Difference:
    """What is changed below a submodule, an empty directory in our archives, is one change of the submodule itself.

    And it says so when it is more than is looked at.
    """
    submodules = {file.path: file for file in base if file.mode == SUBMODULE}
    changes: dict[str, Change] = {}
    for change in difference.changes:
        ways = (change.path, *_directories(change.path)) if submodules else ()
        if above := next((way for way in ways if way in submodules), None):
            changes[above] = Change(above, submodules[above], Content(SUBMODULE, NO_BLOB, 0, 0))
        else:
            changes[change.path] = change
    left = sorted(changes.values(), key=lambda change: change.path)
    return replace(difference, changes=tuple(left), overflow=difference.overflow or _overflow(left))


def _is_same(old: TreeFile, new: Content) -> bool:
    return mode_of(old) == new.mode and old.blob == new.blob


def mode_of(old: TreeFile) -> str:
    """Old repositories have modes like 100664, which git itself reads as 100644."""
    if not old.mode.startswith("100"):
        return old.mode
    return EXECUTABLE if int(old.mode, 8) & 0o100 else FILE


def _overflow(changes: list[Change]) -> str:
    if len(changes) > MAX_CHANGES:
        return f"{len(changes)} files changed"
    sizes = [(change.new.size, change.path) for change in changes if change.new]
    largest, path = max(sizes, default=(0, ""))
    if largest > MAX_FILE:
        return f"{shown(path)} has {largest} bytes"
    if (total := sum(size for size, _ in sizes)) > MAX_CONTENT:
        return f"the changed files have {total} bytes"
    return ""


async def build_tree(git: Git, difference: Difference) -> str:
    """The workbench's tree with the changes in it; their blobs are there already."""
    removed = [change.path for change in difference.changes if change.new is None]
    written = {
        change.path: (change.new.mode, change.new.blob)
        for change in difference.changes
        if change.new is not None and change.new.mode != SUBMODULE
    }
    await change_index(git, removed, written)
    return (await git("write-tree")).decode().strip()


def store_blobs(objects: Path, tar: Path, difference: Difference) -> None:
    """Loose objects, as git writes them: deflated, named by their id. Call it in a thread."""
    with tar.open("rb") as file:
        for change in difference.changes:
            if change.new is not None and change.new.mode != SUBMODULE:
                content = change.new.bytes_in(file)
                path = objects / change.new.blob[:2] / change.new.blob[2:]
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(zlib.compress(b"blob %d\0" % len(content) + content, 1))


def read_scripts(tar: Path, difference: Difference) -> tuple[Script, ...]:
    with tar.open("rb") as file:
        texts = [(change.path, change.new.bytes_in(file)) for change in difference.scripts if change.new is not None]
    return tuple(Script(shown(path), content.decode("utf-8", "replace")) for path, content in texts)


async def file_changes(git: Git, base: Sha, tree: str, difference: Difference) -> tuple[FileChange, ...]:
    """With the lines that git counts; None for binaries."""
    lines = dict(_numbers(await git(*DIFF, "--numstat", "-z", base, tree)))
    return tuple(_file_change(change, lines.get(change.path, (0, 0))) for change in difference.changes)


def first_changes(difference: Difference) -> tuple[FileChange, ...]:
    """A beginning, lines not counted, of a difference that is too large to look at. The largest comes first."""
    by_size = sorted(difference.changes, key=lambda change: -change.new.size if change.new else 0)
    return tuple(_file_change(change, (0, 0)) for change in islice(by_size, _SHOWN))


def _numbers(numstat: bytes) -> Iterator[tuple[str, tuple[int, int] | None]]:
    for record in numstat.split(b"\0")[:-1]:
        added, removed, path = record.split(b"\t", 2)
        yield os.fsdecode(path), None if added == b"-" else (int(added), int(removed))


def _file_change(change: Change, lines: tuple[int, int] | None) -> FileChange:
    new, old = change.new, change.old
    added, removed = lines or (0, 0)
    return FileChange(
        path=shown(change.path),
        kind=ChangeKind.DELETED if new is None else ChangeKind.ADDED if old is None else ChangeKind.MODIFIED,
        old_mode=old.mode if old else ABSENT,
        new_mode=new.mode if new else ABSENT,
        blob=new.blob if new and new.blob != NO_BLOB else None,
        size=new.size if new else 0,
        added=added,
        removed=removed,
        binary=lines is None,
    )


def shown(path: str) -> str:
    """The path itself, or quoted as git quotes it when it is not UTF-8: what we store survives JSON."""
    try:
        path.encode()
    except UnicodeEncodeError:
        raw = os.fsencode(path)
        quoted = "".join(chr(b) if 32 <= b < 127 and b not in b'"\\' else f"\\{b:03o}" for b in raw)
        return f'"{quoted}"'
    return path


def blob_of(content: bytes) -> Sha:
    return Sha(hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest())


def _blob_id(file: BinaryIO, offset: int, size: int) -> Sha:
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    file.seek(offset)
    for start in range(0, size, 1 << 20):
        digest.update(file.read(min(1 << 20, size - start)))
    return Sha(digest.hexdigest())
