"""Bare mirrors on the host: where the code of a solve comes from, and where candidates are compared with it.

One directory per repository, named by its id. Nothing is ever checked out there and nothing in it is run; attributes
of the repository have no effect (git.py). A mirror is only ever written by a fetch, one at a time, also across
processes; whatever a candidate needs lives in a workbench of its own.

Objects are taken as they come: git names them by their hash while it receives them. Its stricter checks
(`fetch.fsckObjects`) refuse many an old and honest repository for a wrong time zone, and protect checkouts, of which
there are none here.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from bot.core.candidate.restoring import UNASKED, Asked
from bot.core.candidate.untracked_files import Scratch
from bot.core.environment.history import History
from bot.core.model import Candidate, Repo, RunId, Sha
from bot.github import patch as patches
from bot.github import worktree
from bot.github.fetch import fetch, fetch_alone
from bot.github.git import Git, GitFailed, neutral, read_at, read_blobs, workbench
from bot.github.history import make_repository
from bot.github.mirror_room import make_room, used
from bot.github.restoring import old_contents, put_back
from bot.github.tar import NotATar
from bot.ports import Gone, HostBroken, PastCommit, Rejected, Remote, TreeEntry, TreeFile

_MAX_WORDS = 64
_LAST_MOMENT = 253_402_300_799  # of the year 9999
_GREPS_AT_ONCE = 2
_LS_TREE = re.compile(rb"(\d{6}) [a-z]+ ([0-9a-f]+) +(\d+|-)\t([^\0]+)\0")
_COUNT = re.compile(rb"([^\0]+)\0(\d+)\n")
_Key = tuple[tuple[int, int], Sha]


class GitMirrors:
    """The `Mirrors` port. `environment`: what the operator lets git see, such as HTTPS_PROXY or SSL_CERT_FILE.

    `remote`: where a repository is fetched from. A mirror is no more than a copy: when it does not have the commit,
    because somebody has made room or another machine fetched it, it is fetched. Every method raises `Gone` when the
    commit is nowhere, and `Rejected` when it has more files than anybody looks at.
    `pauses`: seconds between the tries of a fetch. `most_bytes`: of the files of a commit; there is no other bound,
    since the same blob of zeros may stand everywhere in a tree. `most_disk`: bytes of all mirrors together.
    """

    def __init__(
        self,
        directory: Path,
        environment: Mapping[str, str] | None = None,
        *,
        remote: Callable[[Repo], Awaitable[Remote]] | None = None,
        pauses: Sequence[float] = (0.5, 2.0),
        most_bytes: int = 2**30,
        most_disk: int = 2**40,
    ) -> None:
        self._directory = directory
        self._environment = neutral(environment)
        self._remote = remote
        self._pauses = tuple(pauses)
        self._most_bytes = most_bytes
        self._most_disk = most_disk
        self._locks: dict[int, asyncio.Lock] = {}
        self._coming: dict[tuple[int, str], _Shared] = {}
        self._trees = _Trees()

    async def fetch(self, repo: Repo, remote: Remote, *, want: str) -> Sha:
        """Those who ask for the same while it waits for its turn share one fetch: it begins after they asked.

        It is given up when all of them have been cancelled.
        """
        key = repo.id, want
        shared = self._coming.get(key)
        if shared is None:
            shared = self._coming[key] = _Shared(asyncio.create_task(self._fetch_in_turn(key, repo, remote)))
        shared.asked += 1
        try:
            return await asyncio.shield(shared.task)
        finally:
            shared.asked -= 1
            if not shared.asked and not shared.task.done():
                if self._coming.get(key) is shared:
                    del self._coming[key]
                shared.task.cancel()
                await asyncio.wait({shared.task})

    async def _fetch_in_turn(self, key: tuple[int, str], repo: Repo, remote: Remote) -> Sha:
        async with self._locks.setdefault(repo.id, asyncio.Lock()):
            del self._coming[key]
            _, want = key
            mirror = self._mirror(repo)
            found = await fetch(mirror, remote, want, environment=self._environment, pauses=self._pauses)
        used(mirror)
        await asyncio.to_thread(make_room, self._directory, self._most_disk, time.time())
        return found

    async def files(self, repo: Repo, commit: Sha) -> list[TreeFile]:
        return [_shown(file) for file in await self._tree(repo, commit)]

    async def read(self, repo: Repo, commit: Sha, path: str, *, limit: int = 262_144) -> bytes | None:
        """A symbolic link within the repository is followed. More than `limit` bytes are cut."""
        content = await read_at(await self._holding(repo, commit), commit, path)
        return content[:limit] if content is not None else None

    async def texts(self, repo: Repo, commit: Sha, paths: Collection[str], *, limit: int) -> dict[str, str]:
        wanted = frozenset(paths)
        files = [file for file in await self.files(repo, commit) if file.path in wanted and file.mode[:3] == "100"]
        files = [file for file in files if file.size <= limit]
        contents = await read_blobs(Git(self._mirror(repo), self._environment), [file.blob for file in files])
        return {file.path: text.decode("utf-8", "replace") for file, text in zip(files, contents, strict=True)}

    async def grep(self, repo: Repo, commit: Sha, words: Sequence[str]) -> dict[str, dict[str, int]]:
        """Words after the 64th are not looked for, nor those that are empty or hold a line break or NUL."""
        git = await self._holding(repo, commit)
        at_once = asyncio.Semaphore(_GREPS_AT_ONCE)

        async def count(word: str) -> dict[str, int]:
            async with at_once:
                return await _grep(git, commit, word)

        wanted = [word for word in dict.fromkeys(words) if word and not re.search(r"[\n\r\0]", word)][:_MAX_WORDS]
        return dict(zip(wanted, await asyncio.gather(*map(count, wanted)), strict=True))

    async def history(self, repo: Repo, commit: Sha, *, limit: int = 2000) -> list[PastCommit]:
        """Newest first, without merges."""
        git = await self._holding(repo, commit)
        log = ("log", "-z", "--no-merges", "--no-renames", "--no-show-signature", "--name-only", f"-n{limit}")
        return _read_log(await git(*log, "--format=format:%x00%H%x1f%ct%x1f%s", commit, "--"))

    async def archive(self, repo: Repo, commit: Sha, into: Path) -> None:
        size = sum(file.size for file in await self._tree(repo, commit))
        if size > self._most_bytes:
            remedy = (
                f"Its files have {size // 10**6:,} MB together; I work on at most {self._most_bytes // 10**6:,} MB."
            )
            raise Rejected(f"{commit} of {repo.name} is too large", remedy=remedy)
        git = await self._holding(repo, commit)
        unfinished = into.with_name(into.name + ".part")
        await git("archive", "--format=tar", "-o", str(unfinished.absolute()), commit, timeout=600)
        unfinished.replace(into)

    async def repository(self, repo: Repo, commit: Sha, into: Path, *, branch: str) -> History:
        git = await self._holding(repo, commit)
        return await make_repository(git, self._environment, commit, into, branch=branch)

    async def submodule(self, url: str, commit: Sha, path: str, into: Path, *, most_files: int) -> None:
        """Its mirror is its own, named by the address, and never has what an authorization brought."""
        mirror = self._directory / f"submodule-{sha256(url.encode()).hexdigest()[:32]}.git"
        await fetch_alone(mirror, Remote(url), commit, environment=self._environment)
        git = Git(mirror, self._environment)
        files = _read_listing(await git("ls-tree", "-r", "-l", "-z", commit))
        if len(files) > most_files or sum(file.size for file in files) > self._most_bytes:
            raise Rejected(f"{url} at {commit} is too large")
        await git("archive", "--format=tar", f"--prefix={path}/", "-o", str(into.absolute()), commit, timeout=600)

    async def untracked(self, repo: Repo, base: Sha, tree: Path) -> dict[str, str]:
        difference = await self._difference(repo, base, tree, {})
        return {worktree.shown(c.path): c.new.blob if c.new else "" for c in difference.changes}

    async def candidate(
        self,
        repo: Repo,
        base: Sha,
        tree: Path,
        run: RunId,
        *,
        ignoring: Mapping[str, str] = {},
        asked: Asked = UNASKED,
    ) -> Candidate:
        """More than worktree.py's limits is not looked at: the candidate says so in `overflow`."""
        found = await self._difference(repo, base, tree, ignoring)
        tracked = await self._tree(repo, base)
        difference = worktree.as_candidate(tracked, found)
        if difference.overflow:
            beginning = worktree.first_changes(difference)
            return Candidate(run, "", beginning, difference.dropped, difference.overflow)
        async with self._workbench(repo, base) as git:
            old = await old_contents(git, difference.changes)
            by_path = {file.path: file for file in tracked}
            difference, done = await asyncio.to_thread(put_back, difference, by_path, old, tree, asked)
            await asyncio.to_thread(worktree.store_blobs, git.directory / "objects", tree, difference)
            new = await worktree.build_tree(git, difference)
            changes = await worktree.file_changes(git, base, new, difference)
            scripts = await asyncio.to_thread(worktree.read_scripts, tree, difference)
            patch = await patches.make_patch(git, base, new)
            return Candidate(run, patch, changes, difference.dropped, scripts=scripts, put_back=done)

    async def entries(self, repo: Repo, base: Sha, patch: str, *, since: Sha | None = None) -> list[TreeEntry]:
        """A path that is not UTF-8 keeps its bytes (surrogateescape)."""
        async with self._workbench(repo, base) as git:
            await patches.apply(git, patch)
            return await patches.entries_since(git, since or base)

    async def applies(self, repo: Repo, commit: Sha, patch: str) -> bool:
        async with self._workbench(repo, commit) as git:
            try:
                await patches.apply(git, patch)
            except Rejected:
                return False
            return True

    def _mirror(self, repo: Repo) -> Path:
        return self._directory / f"{repo.id}.git"

    async def _holding(self, repo: Repo, commit: Sha) -> Git:
        """The mirror, in which the commit is: listing it proves that."""
        await self._tree(repo, commit)
        return Git(self._mirror(repo), self._environment)

    @asynccontextmanager
    async def _workbench(self, repo: Repo, commit: Sha) -> AsyncIterator[Git]:
        """With the commit's tree in its index."""
        mirror = await self._holding(repo, commit)
        async with workbench(mirror.directory, self._environment) as git:
            try:
                await git("read-tree", commit)
            except GitFailed as error:
                raise Rejected(f"git refuses the tree of {commit}: {error.stderr.strip()}") from error
            yield git

    async def _tree(self, repo: Repo, commit: Sha) -> list[TreeFile]:
        """The commit's files, with their paths' bytes as they are. Asked of git once, however often it is needed."""
        mirror = self._mirror(repo)
        used(mirror)
        key = _made(mirror), commit
        if (known := self._trees.get(key)) is not None:
            return known
        git = Git(mirror, self._environment)
        if not await _has(git, commit):
            if self._remote is None:
                raise Gone(f"the mirror of {repo.name} has no commit {commit}")
            await self.fetch(repo, await self._remote(repo), want=commit)
            key = _made(mirror), commit
        listing = await git("ls-tree", "-r", "-l", "-z", commit)
        if (count := listing.count(b"\0")) > worktree.MAX_MEMBERS:
            remedy = f"The repository has {count:,} files; I work on at most {worktree.MAX_MEMBERS:,}."
            raise Rejected(f"{commit} of {repo.name} has {count} files", remedy=remedy)
        files = await asyncio.to_thread(_read_listing, listing)
        self._trees.keep(key, files)
        return files

    async def _difference(self, repo: Repo, base: Sha, tree: Path, ignoring: Mapping[str, str]) -> worktree.Difference:
        tracked = await self._tree(repo, base)
        rules = [file for file in tracked if file.path.rpartition("/")[2] == ".gitignore" and file.mode[:3] == "100"]
        texts = await read_blobs(Git(self._mirror(repo), self._environment), [file.blob for file in rules])
        ignored = {file.path: text.decode("utf-8", "surrogateescape") for file, text in zip(rules, texts, strict=True)}

        def compared() -> worktree.Difference:
            scratch = Scratch((file.path for file in tracked), ignored)
            return worktree.compare(tracked, worktree.read_workspace(tree), scratch, ignoring)

        try:
            return await asyncio.to_thread(compared)
        except NotATar as error:
            raise Rejected(f"the workspace cannot be read: {error}") from error


@dataclass(slots=True)
class _Shared:
    """A fetch and how many wait for it."""

    task: asyncio.Task[Sha]
    asked: int = 0


class _Trees:
    """Listings of commits, which never change: the latest, as far as they have `limit` files together."""

    def __init__(self, limit: int = 200_000) -> None:
        self._limit = limit
        self._files = 0
        self._kept: OrderedDict[_Key, list[TreeFile]] = OrderedDict()

    def get(self, key: _Key) -> list[TreeFile] | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, key: _Key, files: list[TreeFile]) -> None:
        self._files += len(files) - len(self._kept.get(key, ()))
        self._kept[key] = files
        while self._files > self._limit:
            _, dropped = self._kept.popitem(last=False)
            self._files -= len(dropped)


def _made(mirror: Path) -> tuple[int, int]:
    """Tells a mirror from one that was made in its place: by a file that is written when it is made, and then never."""
    try:
        state = (mirror / "info/attributes").stat()
    except FileNotFoundError:
        return 0, 0
    return state.st_ino, state.st_mtime_ns


def _read_listing(output: bytes) -> list[TreeFile]:
    return [
        TreeFile(os.fsdecode(path), mode.decode(), Sha(blob.decode()), 0 if size == b"-" else int(size))
        for mode, blob, size, path in _LS_TREE.findall(output)
    ]


def _shown(file: TreeFile) -> TreeFile:
    path = worktree.shown(file.path)
    return file if path == file.path else replace(file, path=path)


async def _has(git: Git, commit: Sha) -> bool:
    try:
        await git("cat-file", "-e", f"{commit}^{{commit}}")
    except GitFailed:
        return False
    return True


async def _grep(git: Git, commit: Sha, word: str) -> dict[str, int]:
    try:
        output = await git("grep", "-c", "-i", "-F", "-I", "-z", "--threads=1", "-e", word, commit, "--", timeout=30)
    except GitFailed as error:
        if error.code == 1:  # no match
            return {}
        raise HostBroken(str(error)) from error
    prefix = len(commit) + 1
    return {worktree.shown(os.fsdecode(name[prefix:])): int(lines) for name, lines in _COUNT.findall(output)}


def _read_log(output: bytes) -> list[PastCommit]:
    """NUL ends every field. Empty ones, as no path is, announce a commit: "<sha> <time> <subject>\\n<first path>"."""
    found: list[tuple[bytes, list[bytes]]] = []
    announced = False
    for entry in output.split(b"\0"):
        if announced and entry:
            about, _, first = entry.partition(b"\n")
            found.append((about, [first] if first else []))
        elif entry:
            found[-1][1].append(entry)
        announced = not entry
    return [_past_commit(about, paths) for about, paths in found]


def _past_commit(about: bytes, paths: Sequence[bytes]) -> PastCommit:
    sha, time, subject = about.decode("utf-8", "replace").split("\x1f", 2)
    at = datetime.fromtimestamp(min(int(time), _LAST_MOMENT), UTC)  # anybody can date a commit
    return PastCommit(Sha(sha), subject, tuple(worktree.shown(os.fsdecode(path)) for path in paths), at)
