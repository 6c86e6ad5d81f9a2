"""Directories that a sandbox's user cannot reach by their path: below /root, say, where a clone often lies.

Root can show them elsewhere, in a mount namespace that bubblewrap is started in: the host sees nothing of it, and what
is shown is one directory, not the way to it. The namespace is made once and lives as long as we keep it open, because
mounting anew for every command takes longer than all of bubblewrap's work.
"""

from __future__ import annotations

import os
import subprocess
import weakref
from collections.abc import Sequence
from pathlib import Path

from bot.core.operations.isolation import remedy_for
from bot.ports import SandboxUnusable

_PLACES = (Path("/mnt"), Path("/media"))
_SHOW = """\
place=$1; shift
mount -t tmpfs -o mode=711,size=1m solvebot "$place" || exit
while [ $# != 0 ]; do
    mkdir "$2" && mount --bind -- "$1" "$2" || exit
    shift 2
done
echo shown; read -r end
"""


class Stage:
    """Shows directories of this host to users that cannot pass the way to them. Needs root."""

    def __init__(self, directories: Sequence[Path]) -> None:
        """Raises `SandboxUnusable` where root may not mount anything."""
        place = next(place for place in _PLACES if not any(path.is_relative_to(place) for path in directories))
        self._shown = {path: place / str(number) for number, path in enumerate(directories)}
        self._namespace = _mount_namespace(place, self._shown)
        weakref.finalize(self, os.close, self._namespace)

    def shown(self, path: Path) -> Path:
        """Where `path`, one of the directories or below one, is seen by what is started with `prefix`."""
        directory = next(directory for directory in self._shown if path.is_relative_to(directory))
        return self._shown[directory] / path.relative_to(directory)

    def prefix(self) -> list[str]:
        """Arguments in front of a command. The namespace is named by our descriptor, so that nobody inherits one."""
        return ["nsenter", f"--mount=/proc/{os.getpid()}/fd/{self._namespace}", "--"]


def first_closed(path: Path) -> Path | None:
    """The first directory on the way to `path`, itself included, that other users cannot pass."""
    way = [*reversed(path.parents), path]
    return next((step for step in way if step.is_dir() and not step.stat().st_mode & 0o001), None)


def _mount_namespace(place: Path, shown: dict[Path, Path]) -> int:
    """A descriptor of it. Mounts of the host stay what they are, also when they change; ours stay inside."""
    pairs = [str(path) for pair in shown.items() for path in pair]
    command = ["unshare", "--mount", "--propagation=slave", "sh", "-c", _SHOW, "sh", str(place), *pairs]
    try:
        process = subprocess.Popen(
            command, env={}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    except OSError as error:
        raise SandboxUnusable(str(error), remedy=remedy_for(str(error))) from error
    with process:
        assert process.stdout is not None
        said = process.stdout.readline().decode()
        if said != "shown\n":
            raise SandboxUnusable(f"closed directories cannot be shown: {said}", remedy=remedy_for(said))
        return os.open(f"/proc/{process.pid}/ns/mnt", os.O_RDONLY)
