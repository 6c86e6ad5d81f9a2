"""The disk of the machine that we are on, as far as an operator has to care: how full it is, how old the backup is."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Premises:
    """`backups_expected`: somebody said where they lie. `backed_up_at`: seconds since the epoch, or None."""

    disk: int
    free: int
    backups_expected: bool = False
    backed_up_at: float | None = None


def premises(data: Path, backups: Path | None) -> Premises | None:
    """None where nothing is to be seen. `backups` has a file or a directory for each backup."""
    try:
        usage = shutil.disk_usage(data)
    except OSError:
        return None
    if backups is None:
        return Premises(usage.total, usage.free)
    return Premises(usage.total, usage.free, backups_expected=True, backed_up_at=_newest(backups))


def _newest(backups: Path) -> float | None:
    """What is still being written has a name with a dot in front, and does not count."""
    try:
        made = [entry.stat().st_mtime for entry in backups.iterdir() if not entry.name.startswith(".")]
    except OSError:
        return None
    return max(made, default=None)
