"""The files of a machine: a root directory of its own, made, copied, handed to another user and deleted.

The sandbox can write everything in it, so nothing here follows a link that it may have made: links and files are put
into a root before anybody runs in it, and afterwards it is only copied and deleted, whole.
"""

from __future__ import annotations

import os
from pathlib import Path

from bot.sandbox.local.spawn import run_tool

INSIDE_UID = 1000
_FILES = {
    "etc/passwd": (
        f"user:x:{INSIDE_UID}:{INSIDE_UID}:user:/home/user:/bin/bash\n"
        f"root:x:{INSIDE_UID}:{INSIDE_UID}:root:/root:/bin/bash\n"
    ),
    "etc/group": f"user:x:{INSIDE_UID}:\nroot:x:{INSIDE_UID}:\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "etc/hostname": "e2b\n",
    "run/guest.pyc": "",  # where bubblewrap shows it
}
_LOOPBACK = "127.0.0.1 localhost e2b\n::1 localhost\n"
_DIRECTORIES = ("dev", "etc", "home", "home/user", "mnt", "opt", "proc", "root", "run", "srv", "tmp", "usr", "var")
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")


def make_root(root: Path, *, uid: int | None, hosts: str) -> None:
    """`hosts`: further lines for /etc/hosts. Everything belongs to `uid`; None: to us."""
    root.mkdir()
    made = [root]
    for name in _DIRECTORIES:
        (root / name).mkdir(mode=0o755)
        made.append(root / name)
    for name, content in {**_FILES, "etc/hosts": _LOOPBACK + hosts}.items():
        (root / name).write_text(content)
        made.append(root / name)
    for name in _SYSTEM:
        if Path("/", name).is_symlink():
            (root / name).symlink_to(Path("/", name).readlink())
            made.append(root / name)
    (root / "var/tmp").symlink_to("../tmp")
    (root / "tmp").chmod(0o1777)
    if uid is not None:
        for path in made:
            os.chown(path, uid, uid, follow_symlinks=False)


def system_directories() -> list[str]:
    """Those next to /usr that are no links into it."""
    return [f"/{name}" for name in _SYSTEM if Path("/", name).is_dir() and not Path("/", name).is_symlink()]


async def copy_root(source: Path, target: Path, *, uid: int | None) -> None:
    """Raises `OSError`. Nobody may be running in `source`."""
    copied = await run_tool(["cp", "-a", "--reflink=auto", "--", str(source), str(target)])
    if copied.code != 0:
        raise OSError(f"cannot copy {source}: {copied.output}")
    if uid is not None:
        given = await run_tool(["chown", "-R", "-h", f"{uid}:{uid}", str(target)])
        if given.code != 0:
            raise OSError(f"cannot hand {target} to user {uid}: {given.output}")


async def remove_root(path: Path) -> None:
    if os.geteuid() != 0:  # root needs no permission; we cannot empty directories closed to their owner
        await run_tool(["find", str(path), "-type", "d", "!", "-perm", "-700", "-exec", "chmod", "700", "{}", ";"])
    await run_tool(["rm", "-rf", "--one-file-system", "--", str(path)])
