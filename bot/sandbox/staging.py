"""Directories that a sandbox's user cannot reach by their path: below /root, say, where a clone often lies.

Root can show them elsewhere, in a mount namespace that only bubblewrap starts in: the host sees nothing of it, and what
is shown is one directory, not the way to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

_PLACES = (Path("/mnt"), Path("/media"))
_SHOW = """\
place=$1; shift
mount -t tmpfs -o mode=711,size=1m solvebot "$place" || exit 125
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then mkdir "$2"; else : > "$2"; fi && mount --bind -- "$1" "$2" || exit 125
    shift 2
done
shift; exec env -i "$@"
"""


def first_closed(path: Path) -> Path | None:
    """The first directory on the way to `path`, itself included, that other users cannot pass."""
    way = [*reversed(path.parents), path]
    return next((step for step in way if step.is_dir() and not step.stat().st_mode & 0o001), None)


def stage(sources: Sequence[Path]) -> tuple[list[str], dict[Path, Path]]:
    """Arguments in front of a command that show it each source somewhere else, and where."""
    place = next(place for place in _PLACES if not any(source.is_relative_to(place) for source in sources))
    shown = {source: place / str(number) for number, source in enumerate(sources)}
    pairs = [str(path) for pair in shown.items() for path in pair]
    return ["unshare", "--mount", "--propagation=private", "sh", "-c", _SHOW, "sh", str(place), *pairs, "--"], shown
