"""DATA_DIR: writable, and of one database alone: whoever tidies up there deletes what the database does not know."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from bot.ports import HostBroken

OWNER = "instance"
HOME = "home"


def prepare(directory: Path) -> None:
    """Make it, and try it. Raises `HostBroken` with the remedy."""
    probe = directory / f".writable-{os.getpid()}"
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"x" * 4096)
        probe.unlink()
    except OSError as error:
        remedy = "Give it to the user that the bot runs as, or make room on its disk."
        raise HostBroken(f"DATA_DIR {directory} cannot be written: {error.strerror}", remedy=remedy) from error


def home_of(directory: Path) -> str:
    """A name for it that stays: sandboxes in it are to be had by its own worker alone."""
    path = directory / HOME
    with suppress(FileExistsError), open(path, "x") as file:
        file.write(f"{uuid4().hex[:12]}\n")
    return path.read_text().strip()


def claim(directory: Path, instance: str) -> None:
    """For the database whose name is `instance`. Raises `HostBroken` when it is another one's."""
    owner = directory / OWNER
    try:
        with open(owner, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(f"{instance}\n")
    except FileExistsError:
        if (found := owner.read_text().strip()) not in (instance, ""):
            raise HostBroken(
                f"DATA_DIR {directory} belongs to the database {found}, and this one is {instance}",
                remedy=f"Give each bot a DATA_DIR of its own. After a move to another database delete {owner}.",
            ) from None
