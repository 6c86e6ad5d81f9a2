"""A repository for a sandbox, made from a mirror: `.git` as a tar, with a part of the past and nothing else.

It is built aside, with the mirror's objects at hand, and then cut loose: what is not in its one pack is not there. No
remote, no hooks, no reflog, no other branches, no later commits; attributes have no effect (git.py), so that what an
agent sees changed is what is changed.
"""

from __future__ import annotations

import asyncio
import os
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.core.environment.history import (
    DEEPER,
    ENOUGH,
    MAX_BYTES,
    History,
    Part,
    Tag,
    branch_name,
    nearest,
    packed_refs,
)
from bot.core.model import Sha
from bot.github.git import Git, GitFailed, furnish
from bot.github.tags import known
from bot.ports import Rejected

_WINDOW = 20_000  # commits that are looked at
_PACK_TIMEOUT = 600.0
_VERSIONS = (("--tags",), ("--tags", "--match=*[0-9]*"))  # as build tools ask
_CONFIG = """\
[core]
	repositoryformatversion = 0
	filemode = true
	bare = false
[user]
	name = solvebot
	email = solvebot@localhost
"""


async def make_repository(
    mirror: Git, environment: Mapping[str, str], commit: Sha, into: Path, *, branch: str
) -> History:
    """`mirror` has the commit. Raises `Rejected` when git refuses what it holds."""
    with tempfile.TemporaryDirectory(prefix="solvebot-git-") as place:
        root = Path(place) / ".git"
        await asyncio.to_thread(furnish, root, mirror.directory)
        making = _Making(mirror, Git(root, environment), commit, await _parents(mirror, commit))
        return await making.repository(branch_name(branch), into)


class _Making:
    """`parents`: of the commits that are looked at."""

    def __init__(self, mirror: Git, git: Git, commit: Sha, parents: Mapping[Sha, Sequence[Sha]]) -> None:
        self._git = git
        self._root = git.directory
        self._commit = commit
        self._parents = parents
        self._cut_already = _shallow(mirror.directory) & parents.keys()
        self._tags = [tag for tag in known(mirror.directory) if tag.commit in parents]

    async def repository(self, branch: str, into: Path) -> History:
        self._write_refs(branch, self._tags)
        part, versions = await self._choose()
        self._cut(part)
        tags = [tag for tag in self._tags if tag.commit in part.commits]
        if await self._pack(tags) > MAX_BYTES + await self._size(f"{self._commit}^{{tree}}"):
            part = nearest(self._parents, self._commit, 1)
            self._cut(part)
            tags = [tag for tag in tags if tag.commit == self._commit]
            await self._pack(tags)
        self._write_refs(branch, tags)
        (self._root / "objects/info/alternates").unlink()
        await self._make_index()
        (self._root / "config").write_text(_CONFIG)
        await asyncio.to_thread(_as_tar, self._root, into)
        return History(len(part.commits), not part.shallow and not self._cut_already, versions)

    async def _make_index(self) -> None:
        """Last, from its own objects alone."""
        try:
            await self._git("read-tree", self._commit)
        except GitFailed as error:
            raise Rejected(f"git refuses the tree of {self._commit}: {error.stderr.strip()}") from error

    async def _choose(self) -> tuple[Part, bool]:
        """The smallest part in which versions are right; where none of those that are allowed is, the best of them."""
        self._cut(nearest(self._parents, self._commit, _WINDOW))
        right = await self._versions()
        best = await self._enough()
        agreeing = _agreeing(await self._versions(), right)
        for most in DEEPER:
            if agreeing == len(right):
                break
            part = nearest(self._parents, self._commit, most)
            if not await self._fits(part):
                break
            if (now := _agreeing(await self._versions(), right)) > agreeing:
                best, agreeing = part, now
        told = bool(right[0]) or not self._cut_already  # no tag in a mirror that has not all of the past says nothing
        return best, told and agreeing == len(right)

    async def _enough(self) -> Part:
        for most in ENOUGH:
            part = nearest(self._parents, self._commit, most)
            if await self._fits(part):
                break
        return part

    async def _fits(self, part: Part) -> bool:
        """It is what the repository is cut to when this returns."""
        self._cut(part)
        size = await self._size(self._commit)
        return size <= MAX_BYTES or size - await self._size(f"{self._commit}^{{tree}}") <= MAX_BYTES

    async def _size(self, what: str) -> int:
        """Bytes of all that belongs to it, as they lie in the mirror."""
        return int(await self._git("rev-list", "--objects", "--disk-usage", what))

    async def _versions(self) -> list[bytes]:
        return [await self._describe(options) for options in _VERSIONS]

    async def _describe(self, options: Sequence[str]) -> bytes:
        try:
            return await self._git("describe", "--long", *options, self._commit)
        except GitFailed:  # there is no tag to be found
            return b""

    def _cut(self, part: Part) -> None:
        ends = part.shallow | (part.commits & self._cut_already)
        if ends:
            (self._root / "shallow").write_text("".join(f"{commit}\n" for commit in sorted(ends)))
        else:
            (self._root / "shallow").unlink(missing_ok=True)

    def _write_refs(self, branch: str, tags: Sequence[Tag]) -> None:
        (self._root / "HEAD").write_bytes(os.fsencode(f"ref: refs/heads/{branch}\n"))
        (self._root / "packed-refs").write_bytes(os.fsencode(packed_refs(branch, self._commit, tags)))

    async def _pack(self, tags: Sequence[Tag]) -> int:
        """All of it in one pack, in place of the one before; its size in bytes."""
        packs = self._root / "objects/pack"
        packs.mkdir(exist_ok=True)
        for old in packs.iterdir():
            old.unlink()
        wanted = "".join(f"{object}\n" for object in (self._commit, *(tag.object for tag in tags)))
        options = ("--revs", "--quiet", "--delta-base-offset", "--threads=1", "--window-memory=64m")
        await self._git("pack-objects", *options, str(packs / "pack"), stdin=wanted.encode(), timeout=_PACK_TIMEOUT)
        return sum(file.stat().st_size for file in packs.glob("*.pack"))


def _agreeing(here: Sequence[bytes], there: Sequence[bytes]) -> int:
    return sum(one == other for one, other in zip(here, there, strict=True))


async def _parents(mirror: Git, commit: Sha) -> dict[Sha, tuple[Sha, ...]]:
    """Of the latest commits, as far as they are looked at. Where the mirror itself ends they have none."""
    lines = (await mirror("rev-list", "--parents", f"--max-count={_WINDOW}", commit)).decode().splitlines()
    return {Sha(first): tuple(map(Sha, rest)) for first, *rest in (line.split(" ") for line in lines)}


def _shallow(mirror: Path) -> frozenset[Sha]:
    try:
        return frozenset(map(Sha, (mirror / "shallow").read_text().split()))
    except FileNotFoundError:
        return frozenset()


def _as_tar(root: Path, into: Path) -> None:
    """Nobody's, made at no time: the same for everybody who looks at it."""
    unfinished = into.with_name(into.name + ".part")
    with tarfile.open(unfinished, "w", format=tarfile.GNU_FORMAT) as tar:
        for path in (root, *sorted(root.rglob("*"))):
            entry = tarfile.TarInfo(str(path.relative_to(root.parent)))
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(entry)
            else:
                entry.size, entry.mode = path.stat().st_size, 0o644
                with path.open("rb") as file:
                    tar.addfile(entry, file)
    unfinished.replace(into)
