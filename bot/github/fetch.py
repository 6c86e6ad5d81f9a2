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
from functools import partial
from pathlib import Path

from bot.core.model import Sha
from bot.core.secrets import redact
from bot.github import transport
from bot.github.git import ATTRIBUTES, Git, GitFailed
from bot.github.tags import follow
from bot.ports import Denied, Gone, Rejected, Remote, Unavailable, WorldError

_FETCH_TIMEOUT = 1800.0
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
    ref = f"refs/solvebot/{hashlib.sha256(source.encode()).hexdigest()}"
    git = Git(mirror, environment)
    async with _alone(mirror) as lock:
        await _make_ready(mirror, environment)
        if not (is_sha and await _has(git, want)):
            once = partial(_fetch_once, mirror, environment, remote, f"+{source}:{ref}", lock)
            await _persist(once, partial(_rebuild, mirror, environment), pauses)
            await _follow_tags(mirror, environment, remote, lock, pauses)
        try:
            commit = await git("rev-parse", "--verify", "--end-of-options", f"{want if is_sha else ref}^{{commit}}")
        except GitFailed as error:
            raise Gone(f"{want} is not a commit") from error
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


async def _follow_tags(
    mirror: Path, environment: Mapping[str, str], remote: Remote, lock: int, pauses: Sequence[float]
) -> None:
    """Best effort: without new tags the old ones are better than no solve."""
    git = Git(mirror, transport.environment(environment, remote))
    with suppress(WorldError):
        await _persist(partial(follow, git, remote, lock), _leave_alone, pauses)


async def _fetch_once(mirror: Path, environment: Mapping[str, str], remote: Remote, refspec: str, lock: int) -> None:
    """Of a clone that has not all of its past the commit alone is taken."""
    git = Git(mirror, transport.environment(environment, remote))
    for depth in ((), ("--depth=1",)):
        fetch = ("fetch", *transport.FETCH, *depth, *transport.options(remote), "--", remote.url, refspec)
        try:
            await git(*fetch, timeout=_FETCH_TIMEOUT, pass_fds=(lock,))
        except GitFailed as error:
            if depth or not PARTIAL.search(error.stderr):
                secret = remote.authorization or ""
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
            raise Unavailable(str(error)) from error
        (new / "info").mkdir(exist_ok=True)
        (new / "info/attributes").write_text(ATTRIBUTES)
        new.replace(mirror)
    for pattern in ("*.lock", "refs/**/*.lock", "objects/info/**/*.lock", "objects/pack/tmp_*", "objects/pack/*.lock"):
        for stale in mirror.glob(pattern):
            stale.unlink()
