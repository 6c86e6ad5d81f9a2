"""The code of repositories on this host: commits, trees, patches."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bot.core.candidate.restoring import UNASKED, Asked
from bot.core.environment.history import History
from bot.core.model import (
    Candidate,
    Repo,
    RunId,
    Sha,
)
from bot.ports.github import Remote, TreeEntry


class Mirrors(Protocol):
    """Bare mirrors on the host, one per repository. Nothing is ever checked out there and nothing in them is run."""

    async def fetch(self, repo: Repo, remote: Remote, *, want: str) -> Sha:
        """Bring the mirror up to date. `want`: a branch name or a sha. Returns the commit it names."""

    async def files(self, repo: Repo, commit: Sha) -> list[TreeFile]: ...

    async def read(self, repo: Repo, commit: Sha, path: str, *, limit: int = 262_144) -> bytes | None: ...

    async def texts(self, repo: Repo, commit: Sha, paths: Collection[str], *, limit: int) -> dict[str, str]:
        """Many files at once, each up to `limit` bytes; larger ones, links and what is not there are left out."""

    async def grep(self, repo: Repo, commit: Sha, words: Sequence[str]) -> dict[str, dict[str, int]]:
        """word -> path -> number of matching lines, fixed strings, case-insensitive, text files only."""

    async def history(self, repo: Repo, commit: Sha, *, limit: int = 2000) -> list[PastCommit]: ...

    async def archive(self, repo: Repo, commit: Sha, into: Path) -> None:
        """An uncompressed tar of the commit, byte for byte: no attribute changes or hides anything."""

    async def repository(self, repo: Repo, commit: Sha, into: Path, *, branch: str) -> History:
        """A tar of `.git`, to be unpacked over the archive: HEAD on a branch at the commit, a part of the past.

        Holds nothing that is not in the commit's past, tags of other commits included. Raises `Rejected` when there
        is something in it that git refuses.
        """

    async def submodule(self, url: str, commit: Sha, path: str, into: Path, *, most_files: int) -> None:
        """A tar of another repository's commit, below `path`. Asked for without credentials: only what is public.

        Raises `Gone`, `Denied` or `Unavailable` when it cannot be had, `Rejected` when it is too large.
        """

    async def untracked(self, repo: Repo, base: Sha, tree: Path) -> dict[str, str]:
        """What set-up left behind: path -> blob id, from a tar taken right after it; "" for a file it removed."""

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
        """The difference between a commit and a tar of a workspace, computed without a checkout.

        Scratch files are dropped: ignored by the base commit's .gitignore, caches, editors' leftovers, and what is
        as set-up left it (`ignoring`, from `untracked`). What was changed by the way is put back, unless it was
        `asked` for. Raises `Rejected` when the tar cannot be read.
        """

    async def entries(self, repo: Repo, base: Sha, patch: str, *, since: Sha | None = None) -> list[TreeEntry]:
        """The patch as paths and contents, applied to `base`. Raises `Rejected` when it does not apply.

        `since`: what differs from that commit instead, which the mirror has to hold.
        """

    async def applies(self, repo: Repo, commit: Sha, patch: str) -> bool:
        """Whether the patch applies cleanly to another commit, for a base branch that moved."""


@dataclass(frozen=True, slots=True)
class TreeFile:
    path: str
    mode: str
    blob: Sha
    size: int


@dataclass(frozen=True, slots=True)
class PastCommit:
    sha: Sha
    subject: str
    paths: tuple[str, ...]
    at: datetime
