"""Real repositories for tests, and mirrors of them.

A workspace is what a sandbox hands us: a tar of whatever a run left behind. `World` makes one by unpacking the mirror's
own archive, changing files, and packing it again.
"""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from bot.core.candidate.restoring import UNASKED, Asked
from bot.core.model import Candidate, Repo, RunId, Sha
from bot.github.mirror import GitMirrors
from bot.ports import Remote

REPO = Repo(1, 42, "octo/demo")
RUN = RunId("s1-1")

Committed: TypeAlias = bytes | str | tuple[bytes, str]  # content; a symlink's target; content and git's mode
Edited: TypeAlias = bytes | str | tuple[bytes, int] | None  # the same with a file system's mode; None: deleted

GIT_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
}


def git(directory: Path, *arguments: str, stdin: bytes = b"") -> str:
    command = ["git", "-C", str(directory), *arguments]
    done = subprocess.run(command, input=stdin, capture_output=True, check=True, env=GIT_ENVIRONMENT)
    return done.stdout.decode(errors="surrogateescape").strip()


@dataclass
class Origin:
    """A repository to mirror."""

    directory: Path
    _seconds: Iterator[int] = field(default_factory=lambda: itertools.count(1_800_000_000))

    def commit(self, files: Mapping[str, Committed], message: str = "more") -> Sha:
        stream = [b"commit refs/heads/main\ncommitter A <a@example.org> %d +0000\n" % next(self._seconds)]
        stream.append(b"data %d\n%s\n" % (len(message.encode()), message.encode()))
        if git(self.directory, "for-each-ref", "refs/heads/main"):
            stream.append(b"from refs/heads/main^0\n")
        for name, content in files.items():
            data, mode = as_entry(content)
            quoted = "".join(f"\\{byte:03o}" for byte in os.fsencode(name))
            stream.append(f'M {mode} inline "{quoted}"\ndata {len(data)}\n'.encode() + data + b"\n")
        git(self.directory, "fast-import", "--quiet", stdin=b"".join(stream))
        return Sha(git(self.directory, "rev-parse", "HEAD"))


def as_entry(content: Committed) -> tuple[bytes, str]:
    if isinstance(content, str):
        return os.fsencode(content), "120000"
    return content if isinstance(content, tuple) else (content, "100644")


@dataclass
class World:
    origin: Origin
    mirrors: GitMirrors
    directory: Path

    @property
    def remote(self) -> Remote:
        return Remote(str(self.origin.directory))

    async def base(self, files: Mapping[str, Committed]) -> Sha:
        self.origin.commit(files)
        return await self.mirrors.fetch(REPO, self.remote, want="main")

    async def archive(self, commit: Sha) -> Path:
        path = self.directory / "archive.tar"
        await self.mirrors.archive(REPO, commit, path)
        return path

    async def members(self, commit: Sha) -> list[tuple[tarfile.TarInfo, bytes]]:
        with tarfile.open(await self.archive(commit), errors="surrogateescape") as tar:
            files = [(member, tar.extractfile(member)) for member in tar if not member.isdir() and not member.issym()]
            return [(member, file.read()) for member, file in files if file] + [(m, b"") for m in tar if m.issym()]

    async def workspace(
        self,
        commit: Sha,
        changes: Mapping[str, Edited],
        *,
        format: int = tarfile.GNU_FORMAT,
    ) -> Path:
        """The archive with changes. Where no mode is given, it is the one the file had."""
        kept = [(m, data) for m, data in await self.members(commit) if changes.get(m.name, b"") is not None]
        modes = {m.name: m.mode for m, _ in kept}
        path = self.directory / "workspace.tar"
        with tarfile.open(path, "w", format=format, errors="surrogateescape") as tar:
            for member, data in kept:
                if member.name not in changes:
                    add(tar, member.name, data if member.isreg() else member.linkname, member.mode)
            for name, content in changes.items():
                if isinstance(content, tuple):
                    add(tar, name, *content)
                elif content is not None:
                    add(tar, name, content, modes.get(name, 0o644))
        return path

    async def candidate(self, commit: Sha, changes: Mapping[str, Edited], asked: Asked = UNASKED) -> Candidate:
        return await self.mirrors.candidate(REPO, commit, await self.workspace(commit, changes), RUN, asked=asked)


def add(tar: tarfile.TarFile, name: str, content: bytes | str, mode: int = 0o644) -> None:
    info = tarfile.TarInfo(f"./{name}")
    info.mode = mode
    if isinstance(content, str):
        info.type, info.linkname = tarfile.SYMTYPE, content
        tar.addfile(info)
    else:
        info.size = len(content)
        tar.addfile(info, io.BytesIO(content))


def make_world(directory: Path) -> World:
    source = directory / "origin"
    source.mkdir()
    git(source, "init", "-q", "-b", "main")
    return World(Origin(source), GitMirrors(directory / "mirrors", pauses=(0.0, 0.0)), directory)
