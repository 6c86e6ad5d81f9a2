"""Small scripts for a machine that is reached through a service, where stdin and raw bytes are not to be had."""

from __future__ import annotations

import base64
import binascii
import shlex
from collections.abc import Sequence

from bot.ports import SandboxLost
from bot.sandbox.files import HOME, NOT_THERE, WORKSPACE
from bot.sandbox.jobs import FOLDER
from bot.sandbox.provider import Said

CLOSED = 45  # what `cut_off_script` ends with when nothing can be reached

# The ordinary user's. As root; a snapshot has them already.
OPEN_FOLDERS = f"mkdir -p {WORKSPACE} {HOME} {FOLDER} && chown user:user {WORKSPACE} {HOME} {FOLDER}"


def cut_off_script(hosts: Sequence[str]) -> str:
    """Tries to reach what could be reached a moment ago; names with a wildcard are none."""
    places = [host.partition(":") for host in hosts if "*" not in host][:3]
    tries = [
        f"timeout 3 bash -c 'exec 3<>\"/dev/tcp/$0/$1\"' {shlex.quote(name)} {shlex.quote(port or '443')} "
        "2>/dev/null && exit 0\n"
        for name, _, port in places
    ]
    return "".join(tries) + f"exit {CLOSED}"


def said_script(script: str) -> str:
    """What the script prints, in base64."""
    return f"set -o pipefail; ({script}) | base64 -w0"


def decoded(said: Said) -> bytes | None:
    """What `said_script` printed; None when the file is not there. Raises `SandboxLost` for anything else."""
    if said.exit_code == NOT_THERE:
        return None
    try:
        if said.exit_code == 0:
            return base64.b64decode(said.output, validate=True)
    except binascii.Error:
        pass
    raise SandboxLost(f"reading a file ended with {said.exit_code} and said {said.output[:200]!r}")


def packed_script(script: str, path: str, limit: int) -> str:
    """What the script prints, in a file of at most so many bytes."""
    return (
        f"trap '' XFSZ; ulimit -f {limit // 1024 + 1}; ({script}) >{path} || {{ code=$?; rm -f {path}; exit $code; }}"
    )


def used_up_script(script: str, path: str) -> str:
    """Gives the script an uploaded file as its input, and removes the file.

    Asked again, while it runs or later, nothing is done twice: it waits, and is told how it ended.
    """
    return (
        f"exec 9>{path}.turn && flock 9 || exit 70\n"
        f"if [ -e {path} ]; then ({script}) <{path} >{path}.said 2>&1 9>&-; echo $? >{path}.code; rm -f {path}; fi\n"
        f"cat {path}.said; exit $(cat {path}.code)"
    )
