"""The files of a solve in a sandbox: the base commit, its past, and of its submodules those that everybody can read.

What is lacking has to be said, because tests that need it fail for no other reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from bot.core.environment.absent_files import (
    MOST_FILES,
    Absent,
    Source,
    Submodule,
    is_pointer,
    kept_in_lfs,
    source,
    submodules,
)
from bot.core.environment.checkout import SETTLE
from bot.core.environment.history import History
from bot.core.model import Repo, SandboxId, Sha
from bot.ports import GitHub, Mirrors, Sandboxes, WorldError

log = structlog.get_logger()

_SETTLE_SECONDS = 60.0
_SUBMODULE = "160000"
_ATTRIBUTES = ".gitattributes"
_ATTRIBUTES_READ = 20
_POINTERS_READ = 3


class Checkouts:
    def __init__(self, github: GitHub, mirrors: Mirrors, sandboxes: Sandboxes) -> None:
        self._github = github
        self._mirrors = mirrors
        self._sandboxes = sandboxes

    async def put(self, sandbox: SandboxId, repo: Repo, base: Sha, *, branch: str) -> History:
        """Into an empty sandbox, before set-up: versions may be made from the past, and tests may need submodules."""
        with TemporaryDirectory(prefix="solvebot-") as scratch:
            tar = Path(scratch) / "files.tar"
            await self._mirrors.archive(repo, base, tar)
            await self._sandboxes.put(sandbox, tar)
            history = await self._mirrors.repository(repo, base, tar, branch=branch)
            await self._sandboxes.put(sandbox, tar)
            for submodule, found in await self._submodules(repo, base):
                if found.url and await self._fetched(submodule, found.url, tar):
                    await self._sandboxes.put(sandbox, tar)
        await self._sandboxes.run(sandbox, SETTLE, timeout=_SETTLE_SECONDS)
        return history

    async def absent(self, repo: Repo, base: Sha, left_behind: Collection[str]) -> Absent:
        """`left_behind`: paths of files that were in the workspace after set-up, and that the commit does not have."""
        return Absent(
            tuple(
                (submodule, found.reason)
                for submodule, found in await self._submodules(repo, base)
                if not any(path.startswith(f"{submodule.path}/") for path in left_behind)
            ),
            await self._pointers(repo, base),
        )

    async def _submodules(self, repo: Repo, base: Sha) -> list[tuple[Submodule, Source]]:
        gitlinks = {file.path: file.blob for file in await self._mirrors.files(repo, base) if file.mode == _SUBMODULE}
        if not gitlinks:
            return []
        remote = await self._github.remote(repo)
        found = submodules(gitlinks, await self._text(repo, base, ".gitmodules"))
        return [(submodule, source(submodule, remote.url)) for submodule in found]

    async def _fetched(self, submodule: Submodule, url: str, tar: Path) -> bool:
        try:
            await self._mirrors.submodule(url, submodule.commit, submodule.path, tar, most_files=MOST_FILES)
        except WorldError as error:
            log.info("submodule.left_out", path=submodule.path, reason=str(error))
            return False
        return True

    async def _pointers(self, repo: Repo, base: Sha) -> tuple[str, ...]:
        """Files that .gitattributes gives to Git LFS, when the first of them are pointers indeed."""
        files = await self._mirrors.files(repo, base)
        paths = [file.path for file in files if file.path.rpartition("/")[2] == _ATTRIBUTES]
        paths = sorted(paths, key=lambda path: path.count("/"))[:_ATTRIBUTES_READ]
        if not paths:
            return ()
        attributes = {path: await self._text(repo, base, path) for path in paths}
        sizes = {file.path: file.size for file in files if file.mode.startswith("100")}
        found = await asyncio.to_thread(kept_in_lfs, sizes, attributes)
        contents = [await self._mirrors.read(repo, base, path) for path in found[:_POINTERS_READ]]
        return found if any(is_pointer(content or b"") for content in contents) else ()

    async def _text(self, repo: Repo, base: Sha, path: str) -> str:
        return (await self._mirrors.read(repo, base, path) or b"").decode(errors="replace")
