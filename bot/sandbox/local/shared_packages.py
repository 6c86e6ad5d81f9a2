"""Installed packages of a snapshot, shared by the sandboxes made from it instead of copied into each.

Most of what a set-up leaves behind is packages, which nobody changes in place: thousands of files that every execution
of tests would otherwise copy, hand over and delete again. Where each sandbox has a user of its own (as root), they are
hard links to files of the snapshot, whose owner that user is not: it can read them, remove them and put others in
their place, because the directories are its own, but it cannot write into them. So nothing that one sandbox does
reaches another. Files that could be written to, or not be read, keep their whole directory from being shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bot.ports import SandboxLost
from bot.sandbox.local.directories import Room
from bot.sandbox.local.spawn import run_tool

_MOST = 20  # directories of packages in one snapshot
_DEPTH = 7
# Below node_modules: what tools write into while they work.
_WRITTEN = (".cache", ".package-lock.json", ".tmp", ".vite", ".vite-temp", ".vitest")
_UNSAFE = "( ( -type f ( -perm /0002 -o ! -perm -0004 -o -perm /6000 ) ) -o -type b -o -type c -o -type p -o -type s )"


async def packages_of(snapshot: Room) -> tuple[str, ...]:
    """Directories that may be shared, below the room: `home/venv/lib/python3.11/site-packages`."""
    parts = [str(snapshot.workspace), str(snapshot.home)]
    named = ["(", "-name", "site-packages", "-o", "-name", "node_modules", ")", "!", "-path", "*\n*"]
    found = await run_tool(
        ["find", *parts, "-xdev", "-maxdepth", str(_DEPTH), "-type", "d", *named, "-prune", "-print"]
    )
    paths = [path for path in found.output.split("\n") if path.startswith(f"{snapshot.path}/")][:_MOST]
    return tuple([path[len(str(snapshot.path)) + 1 :] for path in paths if await _is_safe(path)])


async def _is_safe(path: str) -> bool:
    seen = await run_tool(["find", path, "-xdev", *_UNSAFE.split(), "-print", "-quit"])
    return seen.code == 0 and not seen.output.strip()


async def share(snapshot: Room, target: Room, packages: Sequence[str]) -> None:
    """Into a room that no command can reach yet, whose other files are there already."""
    for package in packages:
        source, there = snapshot.path / package, target.path / package
        await _must(["cp", "-al", "--", f"{source}/.", str(there)])
        for name in _WRITTEN if there.name == "node_modules" else ():
            await _own_copy(source / name, there / name)
        if target.uid is not None:
            owner = f"{target.uid}:{target.uid}"
            await _must(["find", str(there), "-xdev", "-type", "d", "-exec", "chown", owner, "{}", "+"])
            for name in _WRITTEN:
                if (there / name).exists():
                    await _must(["chown", "-R", "-h", owner, str(there / name)])


async def _own_copy(source: Path, target: Path) -> None:
    if source.is_symlink() or not source.exists():
        return
    await _must(["rm", "-rf", "--one-file-system", "--", str(target)])
    await _must(["cp", "-a", "--", str(source), str(target)])


async def _must(argv: Sequence[str]) -> None:
    done = await run_tool(argv)
    if done.code != 0:
        raise SandboxLost(f"packages cannot be shared: {done.output}")
