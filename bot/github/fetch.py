"""Brings a bare mirror up to date, whatever a crash left of it.

The lock of a mirror is a file lock that git and its helpers inherit: when we are killed in mid-fetch, it is held until
they are gone too. So who has it may take away lock files and half-received packs: nobody is using them.

Each branch or commit that was asked for gets a flat ref of its own, because a branch `a` that was replaced by `a/b`
would otherwise stand in the way, and because nothing that a solve started from may ever become unreachable.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bot.core.model import Sha
from bot.core.text.secrets import redact
from bot.github import transport
from bot.github.git import ATTRIBUTES, Git, GitFailed
from bot.github.tags import follow
from bot.ports import Denied, Gone, HostBroken, Rejected, Remote, Unavailable, WorldError

_FETCH_TIMEOUT = 1800.0
_ALONE_TIMEOUT = 120.0
_WHOLE: tuple[str, ...] = ()
_ALONE = ("--depth=1",)
_LOCK_TIMEOUT = 3600.0
_LOCK_POLL = 0.1

_SHA = re.compile(r"[0-9a-f]{40}")
_NO_BRANCH_NAME = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|^[-/]|[/.]$|^$")  # git-check-ref-format(1)

NOT_SHA1 = "The repository names its objects by SHA-256; I work on those that use SHA-1, as on GitHub."
NOT_WHOLE = "The clone is a partial one. Complete it: git fetch --refetch --no-filter"
PARTIAL = re.compile(r"promisor remote|lazy fetching disabled", re.IGNORECASE)
_OTHER_HASH = re.compile(r"mismatched algorithms", re.IGNORECASE)
_MISSING = re.compile(r"couldn't find remote ref|not our ref|unadvertised object|no such remote ref", re.IGNORECASE)
_REFUSED = re.compile(r"could not read (Username|Password)|Authentication failed|returned error: 40[13]", re.IGNORECASE)
_NOT_OURS = re.compile(r"dubious ownership|Permission denied", re.IGNORECASE)
_NOT_THERE = re.compile(
    r"repository '[^']*' not found|returned error: (404|410|451|3\d\d)"
    r"|not appear to be a git repository|does not exist",
    re.IGNORECASE,
)
_CORRUPT = re.compile(
    r"not a git repository|is corrupt|is empty|bad (object|config|tree|signature)|broken (ref|link)"
    r"|invalid sha1 pointer|unable to (read|parse) (tree|sha1|object|[0-9a-f]{40})|missing (blob|tree|commit)"
    r"|inflate|packfile .* (cannot|does not)|did not send all",
    re.IGNORECASE,
)


class _Corrupt(Unavailable):
    """The mirror itself is damaged."""


async def fetch(
    mirror: Path, remote: Remote, want: str, *, environment: Mapping[str, str], pauses: Sequence[float]
) -> Sha:
    """`want`: a branch name or a sha; a sha that is there already is not asked for again.

    Raises `Denied`, `Gone` (the repository, the branch or the commit), `Rejected` (no such name can be), or
    `Unavailable` after the last try. No message holds the authorization.
    """
    is_sha = _SHA.fullmatch(want) is not None
    if not is_sha and _NO_BRANCH_NAME.search(want):
        raise Rejected(f"{want!r} is not the name of a branch")
    source = want if is_sha else f"refs/heads/{want}"
    async with _ready(mirror, environment) as lock:
        if not (is_sha and await _has(Git(mirror, environment), want)):
            into = _Fetch(mirror, environment, remote, lock)
            await _persist(partial(into.of, source, (_WHOLE, _ALONE)), partial(_rebuild, mirror, environment), pauses)
            await _follow_tags(into, pauses)
        return await _commit(Git(mirror, environment), want if is_sha else _ref(source))


async def fetch_alone(mirror: Path, remote: Remote, commit: Sha, *, environment: Mapping[str, str]) -> None:
    """One commit and nothing of its past, unless it is there already. Tried once. Raises as `fetch` does."""
    async with _ready(mirror, environment) as lock:
        if not await _has(Git(mirror, environment), commit):
            await _Fetch(mirror, environment, remote, lock).of(commit, (_ALONE,), timeout=_ALONE_TIMEOUT)
        await _commit(Git(mirror, environment), commit)


def _ref(source: str) -> str:
    return f"refs/solvebot/{hashlib.sha256(source.encode()).hexdigest()}"


async def _commit(git: Git, name: str) -> Sha:
    try:
        commit = await git("rev-parse", "--verify", "--end-of-options", f"{name}^{{commit}}")
    except GitFailed as error:
        raise Gone(f"{name} is not a commit") from error
    return Sha(commit.decode().strip())


async def _persist(
    once: Callable[[], Awaitable[None]], rebuild: Callable[[], Awaitable[None]], pauses: Sequence[float]
) -> None:
    """Try again what may pass; build a damaged mirror anew."""
    for pause in pauses:
        try:
            return await once()
        except _Corrupt:
            await rebuild()
        except Unavailable:
            await asyncio.sleep(pause)
    return await once()


async def _follow_tags(into: _Fetch, pauses: Sequence[float]) -> None:
    """Best effort: without new tags the old ones are better than no solve."""
    with suppress(WorldError):
        await _persist(partial(follow, into.git, into.remote, into.lock), _leave_alone, pauses)


@dataclass(frozen=True, slots=True)
class _Fetch:
    """From a remote into a mirror whose lock is held."""

    mirror: Path
    environment: Mapping[str, str]
    remote: Remote
    lock: int

    @property
    def git(self) -> Git:
        return Git(self.mirror, transport.environment(self.environment, self.remote))

    async def of(self, source: str, depths: Sequence[tuple[str, ...]], *, timeout: float = _FETCH_TIMEOUT) -> None:
        """Each depth is for a clone that has not all of what the one before asks for."""
        for depth in depths:
            options = (*transport.FETCH, *depth, *transport.options(self.remote))
            fetch = ("fetch", *options, "--", self.remote.url, f"+{source}:{_ref(source)}")
            try:
                await self.git(*fetch, timeout=timeout, pass_fds=(self.lock,))
            except GitFailed as error:
                if depth == depths[-1] or not PARTIAL.search(error.stderr):
                    secret = self.remote.authorization or ""
                    raise _meaning(error, redact(str(error), exact=[secret, secret.rpartition(" ")[2]])) from None
            else:
                break


async def _leave_alone() -> None:
    return


async def _rebuild(mirror: Path, environment: Mapping[str, str]) -> None:
    await asyncio.to_thread(shutil.rmtree, mirror)
    await _make_ready(mirror, environment)


def _meaning(error: GitFailed, text: str) -> WorldError:
    if PARTIAL.search(error.stderr):
        return Rejected(text, remedy=NOT_WHOLE)
    if _OTHER_HASH.search(error.stderr):
        return Rejected(text, remedy=NOT_SHA1)
    if _MISSING.search(error.stderr):
        return Gone(text, remedy="The branch or commit is not in the repository.")
    if _REFUSED.search(error.stderr):
        return Denied(text, remedy="Check that the App may read the contents of the repository.")
    if _NOT_OURS.search(error.stderr):
        return Denied(text, remedy="Run Solvebot as the user who owns the repository's directory.")
    if _NOT_THERE.search(error.stderr):
        return Gone(text, remedy="The repository is not there.")
    if _CORRUPT.search(error.stderr):
        return _Corrupt(text)
    return Unavailable(text)


async def _has(git: Git, sha: str) -> bool:
    """Whether it was fetched, with all that belongs to it: refs are written last."""
    try:
        return bool(await git("for-each-ref", "--count=1", f"--points-at={sha}", "--format=%(refname)"))
    except GitFailed:
        return False


@asynccontextmanager
async def _ready(mirror: Path, environment: Mapping[str, str]) -> AsyncIterator[int]:
    """The lock of a mirror that git can work with."""
    async with _alone(mirror) as lock:
        await _make_ready(mirror, environment)
        yield lock


@asynccontextmanager
async def _alone(mirror: Path) -> AsyncIterator[int]:
    """Hold the mirror's lock; yields its file descriptor, for children to inherit."""
    mirror.parent.mkdir(mode=0o700, parents=True, exist_ok=True)  # private repositories are nobody else's to read
    lock = os.open(mirror.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        await _acquire(lock)
        yield lock
    finally:
        os.close(lock)


async def _acquire(lock: int) -> None:
    deadline = asyncio.get_running_loop().time() + _LOCK_TIMEOUT
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if asyncio.get_running_loop().time() > deadline:
                raise Unavailable(f"the mirror has been locked for {_LOCK_TIMEOUT:g} s") from None
        await asyncio.sleep(_LOCK_POLL)


async def _make_ready(mirror: Path, environment: Mapping[str, str]) -> None:
    """A mirror that git can work with: made aside and renamed when there is none, else rid of a crash's remains."""
    if not (mirror / "HEAD").is_file():
        new = mirror.with_suffix(".new")
        for rubbish in (mirror, new):
            await asyncio.to_thread(shutil.rmtree, rubbish, ignore_errors=True)
        try:
            await Git(new, environment)("init", "--bare", "--quiet", "--template=", "--initial-branch=none")
        except GitFailed as error:
            raise HostBroken(str(error)) from error
        (new / "info").mkdir(exist_ok=True)
        (new / "info/attributes").write_text(ATTRIBUTES)
        new.replace(mirror)
    for pattern in ("*.lock", "refs/**/*.lock", "objects/info/**/*.lock", "objects/pack/tmp_*", "objects/pack/*.lock"):
        for stale in mirror.glob(pattern):
            stale.unlink()
