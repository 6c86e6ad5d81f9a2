"""The sandboxes of this machine for tests, in a directory that the sandboxes' users can pass."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bot.core.model import SandboxId
from bot.ports import Finished
from bot.sandbox.local.base import LocalSandboxes
from bot.sandbox.local.bubblewrap import BubblewrapOptions, BubblewrapSandboxes
from bot.sandbox.local.process import ProcessOptions, ProcessSandboxes
from bot.sandbox.local.registry_downloads import DownloadOptions
from bot.settings import Settings

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
MEMORY = 160 * 1024**2
DISK = 48 * 1024**2
PROCESSES = 48


@contextmanager
def public_directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="solvebot-test-"))
    path.chmod(0o711)
    try:
        yield path
    finally:
        shutil.rmtree(path)


def bwrap() -> Path:
    """The system's bubblewrap, or the one that `make` unpacked."""
    return Settings().with_found_bubblewrap().bubblewrap


def bubblewrap(
    directory: Path,
    *,
    allow_private: bool = False,
    downloads: DownloadOptions | None = None,
    toolchains: tuple[Path, ...] = (),
) -> BubblewrapSandboxes:
    python = () if shutil.which("python3", path=SYSTEM_PATH) else (Path(sys.base_prefix),)
    seen = (*python, *toolchains)
    options = BubblewrapOptions(
        directory=directory,
        toolchains=seen,
        path=tuple(str(prefix / "bin") for prefix in seen),
        memory=MEMORY,
        disk=DISK,
        processes=PROCESSES,
        executable=bwrap(),
        allow_private=allow_private,
        downloads=downloads,
    )
    return BubblewrapSandboxes(options)


def plain_processes(directory: Path) -> ProcessSandboxes:
    return ProcessSandboxes(ProcessOptions(directory=directory, memory=MEMORY, disk=DISK, processes=PROCESSES))


def local_sandboxes(kind: str, directory: Path) -> LocalSandboxes:
    return bubblewrap(directory) if kind == "bubblewrap" else plain_processes(directory)


class Recorded(ProcessSandboxes):
    """What is run in them, told."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.commands: list[str] = []

    async def run(self, id: SandboxId, command: str, **how: Any) -> Finished:
        self.commands.append(command)
        return await super().run(id, command, **how)
