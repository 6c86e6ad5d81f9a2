"""A real bare git repository, read and written in git's own formats.

Loose objects and loose refs are simple enough to write in a few lines, which makes an API request cost microseconds
instead of a process; `git http-backend`, `git diff` and `git merge-tree` then work on the same directory. Nothing ever
packs it (`gc.auto=0`), and the contract suite runs `git fsck --strict` over what was written.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import shutil
import subprocess
import zlib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

BLOB_MODES = frozenset({"100644", "100755", "120000"})
TREE_MODE = "040000"
SUBMODULE_MODE = "160000"
EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
GIT_ENVIRONMENT = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"}
_CONFIG = """\
[core]
\trepositoryformatversion = 0
\tfilemode = true
\tbare = true
[gc]
\tauto = 0
[uploadpack]
\tallowFilter = true
\tallowAnySHA1InWant = true
"""
# git-check-ref-format(1), as one expression of what a name must not contain.
_BAD_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|\.$|/$|^/")


def git_program() -> str:
    """Where git is; it is started with an environment of our own, which has no PATH."""
    return shutil.which("git") or "git"


class GitError(Exception):
    """What GitHub would refuse as well; the message says what was wrong."""


class NoSuchObject(GitError):
    pass


class NoSuchPath(GitError):
    """A path to be deleted is not there."""


class BadRef(GitError):
    """The name is not one git accepts, or it is in the way of another ref."""


class MergeConflict(GitError):
    pass


@dataclass(frozen=True, slots=True)
class Entry:
    """`mode` is six octal digits."""

    mode: str
    sha: str


@dataclass(frozen=True, slots=True)
class Signature:
    name: str
    email: str
    at: datetime

    def line(self) -> str:
        name = re.sub(r"[<>\n]", "", self.name)
        return f"{name} <{self.email}> {int(self.at.timestamp())} +0000"


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


@dataclass(frozen=True, slots=True)
class FileDiff:
    path: str
    old_path: str | None  # set for renames
    status: str  # added, modified, removed, renamed
    sha: str
    additions: int
    deletions: int
    patch: str | None  # None for binaries


class GitStore:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = count()
        self._diffs: dict[tuple[str, str], tuple[FileDiff, ...]] = {}

    @classmethod
    def create(cls, path: Path, default_branch: str) -> GitStore:
        for part in ("objects/info", "objects/pack", "refs/heads", "refs/tags"):
            (path / part).mkdir(parents=True)
        (path / "HEAD").write_text(f"ref: refs/heads/{default_branch}\n")
        (path / "config").write_text(_CONFIG)
        return cls(path)

    # ------------------------------------------------------------------------------------------------ objects

    def write(self, kind: str, body: bytes) -> str:
        stored = f"{kind} {len(body)}\0".encode() + body
        sha = hashlib.sha1(stored, usedforsecurity=False).hexdigest()
        target = self._object(sha)
        if not target.exists():
            target.parent.mkdir(exist_ok=True)
            temporary = target.with_name(f"tmp_{sha}_{next(self._temporary)}")
            temporary.write_bytes(zlib.compress(stored, 1))
            temporary.replace(target)
        return sha

    def read(self, sha: str, kind: str) -> bytes:
        """The body. Raises `NoSuchObject` when there is none of that kind."""
        if not re.fullmatch(r"[0-9a-f]{40}", sha):
            raise NoSuchObject(f"{sha} is not a full object name")
        try:
            stored = zlib.decompress(self._object(sha).read_bytes())
        except FileNotFoundError as error:
            raise NoSuchObject(f"{sha} does not exist") from error
        header, _, body = stored.partition(b"\0")
        if header.split(b" ")[0] != kind.encode():
            raise NoSuchObject(f"{sha} is not a {kind}")
        return body

    def has(self, sha: str, kind: str) -> bool:
        try:
            self.read(sha, kind)
        except NoSuchObject:
            return False
        return True

    def _object(self, sha: str) -> Path:
        return self.path / "objects" / sha[:2] / sha[2:]

    def blob(self, content: bytes) -> str:
        return self.write("blob", content)

    # -------------------------------------------------------------------------------------------------- trees

    def tree(self, sha: str) -> dict[str, Entry]:
        """Name -> entry of one directory."""
        body = b"" if sha == EMPTY_TREE else self.read(sha, "tree")
        entries: dict[str, Entry] = {}
        while body:
            head, _, rest = body.partition(b"\0")
            mode, _, name = head.partition(b" ")
            entries[name.decode()] = Entry(mode.decode().zfill(6), rest[:20].hex())
            body = rest[20:]
        return entries

    def write_tree(self, entries: Mapping[str, Entry]) -> str:
        def place(item: tuple[str, Entry]) -> bytes:  # git sorts directories as if their names ended in a slash
            return item[0].encode() + (b"/" if item[1].mode == TREE_MODE else b"")

        parts = [
            f"{entry.mode.lstrip('0')} {name}\0".encode() + bytes.fromhex(entry.sha)
            for name, entry in sorted(entries.items(), key=place)
        ]
        return self.write("tree", b"".join(parts))

    def walk(self, tree: str, prefix: str = "") -> Iterator[tuple[str, Entry]]:
        """Every path below, directories before what is in them."""
        for name, entry in self.tree(tree).items():
            yield prefix + name, entry
            if entry.mode == TREE_MODE:
                yield from self.walk(entry.sha, f"{prefix}{name}/")

    def at(self, tree: str, path: str) -> Entry | None:
        entry = Entry(TREE_MODE, tree)
        for part in [part for part in path.split("/") if part]:
            if entry.mode != TREE_MODE:
                return None
            found = self.tree(entry.sha).get(part)
            if found is None:
                return None
            entry = found
        return entry

    def edit_tree(self, base: str, changes: Mapping[str, Entry | None]) -> str:
        """`base` with paths set, or removed where the entry is None; directories left empty disappear.

        Raises `NoSuchPath` when a path to be removed is not there.
        """
        entries = self.tree(base)
        below: dict[str, dict[str, Entry | None]] = {}
        for path, entry in changes.items():
            name, slash, rest = path.partition("/")
            if slash:
                below.setdefault(name, {})[rest] = entry
            elif entry is not None:
                entries[name] = entry
            elif entries.pop(name, None) is None:
                raise NoSuchPath(path)
        for name, inner in below.items():
            old = entries.pop(name, None)
            start = old.sha if old is not None and old.mode == TREE_MODE else EMPTY_TREE
            subtree = self.edit_tree(start, inner)
            if subtree != EMPTY_TREE:
                entries[name] = Entry(TREE_MODE, subtree)
        return self.write_tree(entries)

    # ------------------------------------------------------------------------------------------------ commits

    def write_commit(
        self, tree: str, parents: Sequence[str], message: str, author: Signature, committer: Signature
    ) -> str:
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"author {author.line()}", f"committer {committer.line()}", "", message]
        return self.write("commit", "\n".join(lines).encode())

    def commit(self, sha: str) -> Commit:
        header, _, message = self.read(sha, "commit").decode().partition("\n\n")
        fields: dict[str, list[str]] = {}
        for line in header.split("\n"):
            key, _, value = line.partition(" ")
            fields.setdefault(key, []).append(value)
        return Commit(
            sha=sha,
            tree=fields["tree"][0],
            parents=tuple(fields.get("parent", ())),
            author=_signature(fields["author"][0]),
            committer=_signature(fields["committer"][0]),
            message=message,
        )

    def history(self, sha: str, *, known: set[str] | frozenset[str] = frozenset()) -> Iterator[Commit]:
        """The commit and its ancestors, breadth first, not going past those that are `known`."""
        seen = set(known)
        queue = deque([sha])
        while queue:
            name = queue.popleft()
            if name in seen:
                continue
            seen.add(name)
            commit = self.commit(name)
            queue.extend(commit.parents)
            yield commit

    def is_ancestor(self, old: str, new: str) -> bool:
        return any(commit.sha == old for commit in self.history(new))

    # --------------------------------------------------------------------------------------------------- refs

    def ref(self, name: str) -> str | None:
        """Where a full ref name points, such as `refs/heads/main`."""
        try:
            return self._ref(name).read_text().strip()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None

    def refs(self, prefix: str = "refs/") -> dict[str, str]:
        found = (path for path in (self.path / "refs").rglob("*") if path.is_file())
        names = sorted(path.relative_to(self.path).as_posix() for path in found)
        return {name: self._ref(name).read_text().strip() for name in names if name.startswith(prefix)}

    def set_ref(self, name: str, sha: str) -> None:
        path = self._ref(name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path / f"ref_{next(self._temporary)}.lock"
            temporary.write_text(sha + "\n")
            temporary.replace(path)
        except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
            raise BadRef(f"{name} is in the way of another ref, or another of it") from error

    def delete_ref(self, name: str) -> None:
        path = self._ref(name)
        path.unlink()
        for parent in path.parents:
            if parent.parent == self.path / "refs" or any(parent.iterdir()):
                break
            parent.rmdir()

    def _ref(self, name: str) -> Path:
        if not name.startswith("refs/") or _BAD_REF.search(name):
            raise BadRef(f"{name} is not a valid ref name")
        return self.path / name

    @property
    def is_empty(self) -> bool:
        """No branch yet."""
        return not any(files for _, _, files in os.walk(self.path / "refs" / "heads"))

    def resolve(self, name: str) -> str | None:
        """A commit by branch, tag, full ref or (abbreviated) sha."""
        for candidate in (f"refs/heads/{name}", f"refs/tags/{name}", name if name.startswith("refs/") else ""):
            if candidate and not _BAD_REF.search(candidate) and (sha := self.ref(candidate)):
                return sha
        if not re.fullmatch(r"[0-9a-f]{7,40}", name):
            return None
        matches = {f"{name[:2]}{path.name}" for path in (self.path / "objects" / name[:2]).glob(f"{name[2:]}*")}
        commits = [sha for sha in matches if self.has(sha, "commit")]
        return commits[0] if len(commits) == 1 else None

    # ------------------------------------------------------------------------------------------ real processes

    async def git(self, *arguments: str, check: bool = True) -> tuple[int, bytes]:
        process = await asyncio.create_subprocess_exec(
            git_program(),
            "--git-dir",
            str(self.path),
            *arguments,
            env=GIT_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        output, errors = await process.communicate()
        if check and process.returncode != 0:
            raise GitError(f"git {arguments[0]}: {errors.decode(errors='replace')}")
        return process.returncode or 0, output

    async def merge_base(self, one: str, other: str) -> str | None:
        code, output = await self.git("merge-base", one, other, check=False)
        return output.decode().strip() if code == 0 else None

    async def merge_tree(self, ours: str, theirs: str) -> str:
        """The tree of a merge of two commits. Raises `MergeConflict`."""
        code, output = await self.git("merge-tree", "--write-tree", ours, theirs, check=False)
        if code != 0:
            raise MergeConflict(f"{theirs} does not merge into {ours}")
        return output.decode().split("\n")[0]

    async def diff(self, old: str, new: str) -> tuple[FileDiff, ...]:
        """The files that differ between two commits, with renames found."""
        if (old, new) not in self._diffs:
            options = ("--no-ext-diff", "--no-textconv", "-M", "--full-index")
            _, raw = await self.git("diff", *options, "-z", "--raw", "--numstat", old, new)
            _, text = await self.git("-c", "core.quotePath=false", "diff", *options, old, new)
            self._diffs[old, new] = tuple(_file_diffs(raw.decode(), text.decode(errors="replace")))
        return self._diffs[old, new]


def _signature(line: str) -> Signature:
    match = re.fullmatch(r"(.*?) ?<(.*)> (\d+) [+-]\d{4}", line)
    if match is None:
        raise GitError(f"not a signature: {line}")
    return Signature(match[1], match[2], datetime.fromtimestamp(int(match[3]), UTC))


_STATUS = {"A": "added", "M": "modified", "T": "modified", "D": "removed", "R": "renamed"}


def _file_diffs(raw: str, text: str) -> Iterator[FileDiff]:
    """`raw` is `git diff -z --raw --numstat`: all raw records, then all counts, in the order of the patches."""
    fields = iter(raw.split("\0")[:-1])
    changed: list[tuple[str, str, str | None, str]] = []
    counts: list[tuple[str, str]] = []
    for field in fields:
        if field.startswith(":"):
            _, _, _, sha, status = field.split(" ")
            old = next(fields) if status[0] == "R" else None
            changed.append((_STATUS[status[0]], sha, old, next(fields)))
        else:
            added, removed, path = field.split("\t")
            if not path:  # a rename: both paths follow
                next(fields), next(fields)
            counts.append((added, removed))
    patches = re.split(r"^diff --git .*\n", text, flags=re.MULTILINE)[1:]
    for (status, sha, old, path), (added, removed), patch in zip(changed, counts, patches, strict=True):
        hunks = re.search(r"^@@.*", patch, flags=re.MULTILINE | re.DOTALL)
        binary = added == "-"
        yield FileDiff(
            path=path,
            old_path=old,
            status=status,
            sha=sha,
            additions=0 if binary else int(added),
            deletions=0 if binary else int(removed),
            patch=None if binary or hunks is None else hunks[0].rstrip("\n"),
        )
