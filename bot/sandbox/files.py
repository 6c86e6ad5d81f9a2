"""How files get into a sandbox, out of it and from one to the next: scripts for its own shell.

The host never opens a path that a command could have prepared (a symlink to a secret, a pipe that never ends): tar, cp
and head run where they can only harm what is the sandbox's anyway.
"""

from __future__ import annotations

import io
import os
import shlex
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from bot.core.environment.checkout import MAX_DEPTH
from bot.core.environment.kept_workspaces import PROGRAMS as PROGRAMS
from bot.ports import Rejected

WORKSPACE = "/workspace"
HOME = "/home/agent"
# Of a command: nothing waits for a key, and no bytecode gets into a candidate. uv trusts whom the system trusts, as pip
# does there, under the old name of the setting and the new one; interpreters are no packages, and are not looked for.
# pnpm would install before each script, because a copy of a workspace has new times: without a network, for minutes.
COMMAND_ENVIRONMENT = {
    "PAGER": "cat",
    "PIP_PROGRESS_BAR": "off",
    "PYTHONDONTWRITEBYTECODE": "1",
    "UV_COMPILE_BYTECODE": "1",
    "UV_NATIVE_TLS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
    "UV_SYSTEM_CERTS": "1",
    "pnpm_config_verify_deps_before_run": "false",
}
FROM = "/from"
TO = "/to"
NOT_THERE = 44  # what `read_script` ends with; not one of head's own

_SYMLINK = "120000"
_MODES = {"100644": 0o644, "100755": 0o755, _SYMLINK: 0o777}

# What is unpacked is new, whatever the archive says: tools that compare times must see that it changed.
UNPACK = f"exec tar -x -m --recursive-unlink -C {WORKSPACE} -f -"

# Files closed to their own user are copied all the same.
_OPEN_UP = (
    "find {paths} \\( -type d ! -perm -700 -exec chmod u+rwx {{}} \\; \\) -o "
    "\\( -type f ! -perm -400 -exec chmod u+r {{}} + \\)"
)


def write_script(delete: Sequence[str]) -> str:
    if not delete:
        return UNPACK
    names = " ".join(shlex.quote(relative(path)) for path in delete)
    return f"cd {WORKSPACE} && rm -rf -- {names} && {UNPACK}"


def as_archive(files: Mapping[str, tuple[bytes, str]]) -> bytes:
    """A tar of path -> (content, git mode). A symlink's content is its target. Raises `Rejected` for other modes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path, (content, mode) in files.items():
            if mode not in _MODES:
                raise Rejected(f"{path}: mode {mode} cannot be written into a sandbox")
            entry = tarfile.TarInfo(relative(path))
            entry.mode = _MODES[mode]
            if mode == _SYMLINK:
                entry.type = tarfile.SYMTYPE
                entry.linkname = content.decode("utf-8", "surrogateescape")
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def read_script(path: str, limit: int) -> str:
    name = shlex.quote(path)
    return f"[ -f {name} ] && [ -r {name} ] || exit {NOT_THERE}; exec head -c {limit} -- {name}"


def take_script(exclude: Sequence[str]) -> str:
    """Hard links become files of their own, so that whoever reads the archive needs no second look.

    tar compares each end of each path with all that is excluded, which takes hours where directories are nested by the
    thousand: of such a workspace nothing is archived but one path that is too deep.
    """
    without = " ".join(f"--exclude={shlex.quote(name)}" for name in exclude)
    archive = f"tar -c --format=gnu --hard-dereference --no-wildcards -C {WORKSPACE} -f -"
    return (
        f"{_OPEN_UP.format(paths=WORKSPACE)}; "
        f"deep=$(cd {WORKSPACE} && find . -mindepth {MAX_DEPTH + 2} -print -quit); "
        f'[ -z "$deep" ] || exec {archive} --no-recursion -- "$deep"; exec {archive} {without} .'
    )


def copy_script() -> str:
    return (
        f"{_OPEN_UP.format(paths=f'{FROM}/workspace {FROM}/home')}; "
        f"cp -a --reflink=auto {FROM}/workspace/. {TO}/workspace && exec cp -a --reflink=auto {FROM}/home/. {TO}/home"
    )


def relative(path: str) -> str:
    """`path` below the workspace. Raises `Rejected` when it leads elsewhere."""
    parts = PurePosixPath(path)
    leads_elsewhere = parts.is_absolute() or ".." in parts.parts or not parts.parts
    if leads_elsewhere or "\0" in path or not is_encodable(path):
        raise Rejected(f"not a path below the workspace: {path!r}")
    return str(parts)


def is_encodable(path: str) -> bool:
    """May it be a file name at all? Lone surrogates stand for bytes only where Python put them."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return True
