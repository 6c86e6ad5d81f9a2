"""The files of a solve in a sandbox: the base commit, its past, and of its submodules those that everybody can read.

What is lacking is said in words, because tests that need it fail for no other reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from bot.core.absent import MOST_FILES, Absent, Submodule, is_pointer, kept_in_lfs, source, submodules
from bot.core.checkout import SETTLE
from bot.core.history import History
from bot.core.model import Repo, SandboxId, Sha
from bot.core.render.absent import lacking
from bot.ports import GitHub, Mirrors, Sandboxes, TreeFile, WorldError

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

    async def put(self, sandbox: SandboxId, repo: Repo, base: Sha, *, branch: str) -> tuple[str, ...]:
        """Into an empty sandbox, before set-up. Returns what is lacking, a sentence each."""
        with TemporaryDirectory(prefix="solvebot-") as scratch:
            tar = Path(scratch) / "files.tar"
            await self._mirrors.archive(repo, base, tar)
            await self._sandboxes.put(sandbox, tar)
            history = await self._put_history(sandbox, repo, base, tar, branch)
            files = await self._mirrors.files(repo, base)
            left_out = await self._put_submodules(sandbox, repo, base, files, tar)
        await self._sandboxes.run(sandbox, SETTLE, timeout=_SETTLE_SECONDS)
        return lacking(Absent(left_out, await self._pointers(repo, base, files)), history)

    async def _put_history(self, sandbox: SandboxId, repo: Repo, base: Sha, tar: Path, branch: str) -> History:
        """Versions may be made from it. Candidates are never computed from this repository."""
        history = await self._mirrors.repository(repo, base, tar, branch=branch)
        await self._sandboxes.put(sandbox, tar)
        return history

    async def _put_submodules(
        self, sandbox: SandboxId, repo: Repo, base: Sha, files: Sequence[TreeFile], tar: Path
    ) -> tuple[tuple[Submodule, str], ...]:
        """Those that cannot be had, and why."""
        gitlinks = {file.path: file.blob for file in files if file.mode == _SUBMODULE}
        if not gitlinks:
            return ()
        remote = await self._github.remote(repo)
        left_out = []
        for submodule in submodules(gitlinks, await self._text(repo, base, ".gitmodules")):
            found = source(submodule, remote.url)
            if not found.url or not await self._put_submodule(sandbox, submodule, found.url, tar):
                left_out.append((submodule, found.reason))
        return tuple(left_out)

    async def _put_submodule(self, sandbox: SandboxId, submodule: Submodule, url: str, tar: Path) -> bool:
        try:
            await self._mirrors.submodule(url, submodule.commit, submodule.path, tar, most_files=MOST_FILES)
        except WorldError as error:
            log.info("submodule.left_out", path=submodule.path, reason=str(error))
            return False
        await self._sandboxes.put(sandbox, tar)
        return True

    async def _pointers(self, repo: Repo, base: Sha, files: Sequence[TreeFile]) -> tuple[str, ...]:
        """Files that .gitattributes gives to Git LFS, when the first of them are pointers indeed."""
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
