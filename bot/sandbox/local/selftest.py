"""Is the isolation there? Asked before anything untrusted runs, by trying what it must prevent.

A sandbox is made and a script in it reports, one `name=value` per line, what it could see and do. What it finds has to
be exactly what is expected: a probe that says nothing has failed.
"""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

from bot.core.model import SandboxId
from bot.core.operations.isolation import remedy_for
from bot.ports import Sandboxes, SandboxUnusable
from bot.sandbox.local.directories import Rooms

_SECONDS = 30.0

_PROBES = """
say() {{ echo "$1=$2"; }}
say "variables of the first process" "$(tr '\\0' '\\n' </proc/1/environ | cut -d= -f1 | grep . || echo none)"
say "the bot among the processes" "$(cat /proc/[0-9]*/stat | grep -c ' {started} ')"
say "network interfaces" "$(tail -n +3 /proc/net/dev | cut -d: -f1 | grep -cv '^ *lo$')"
say "the host's loopback" "$( (exec 3<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && echo reached || echo closed)"
say "places outside to write to" "$(for d in / /usr /etc /run /var /sys /proc/sys/kernel; do
    touch $d/{token} && echo $d; done 2>/dev/null | wc -l)"
say "a user namespace of its own" "$(unshare -U true 2>/dev/null && echo made || echo refused)"
say "sets of capabilities" "$(grep -c '^Cap\\(Prm\\|Eff\\|Bnd\\|Amb\\):.*[1-9a-f]' /proc/self/status)"
touch {token}
"""
_EXPECTED = {
    "variables of the first process": "none",
    "the bot among the processes": "0",
    "network interfaces": "0",
    "the host's loopback": "closed",
    "places outside to write to": "0",
    "a user namespace of its own": "refused",
    "sets of capabilities": "0",
    "files that belong to root": "0",
}


async def prove_isolation(sandboxes: Sandboxes, rooms: Rooms) -> None:
    """Raises `SandboxUnusable` with the first probe that found what it must not find."""
    probed = SandboxId(f"self-test-{secrets.token_hex(4)}")
    token = secrets.token_hex(8)
    await sandboxes.create(probed)
    try:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            script = _PROBES.format(started=_start_time(), token=token, port=listener.getsockname()[1])
            done = await sandboxes.run(probed, script, timeout=_SECONDS)
        owner = (rooms.find(probed).workspace / token).lstat().st_uid
    except FileNotFoundError as error:
        raise SandboxUnusable(f"the self-test did not run to its end: {done.output}", remedy=remedy_for("")) from error
    finally:
        await sandboxes.close(probed)
    found = dict(line.split("=", 1) for line in done.output.splitlines() if "=" in line)
    found["files that belong to root"] = str(int(owner == 0))
    for probe, expected in _EXPECTED.items():
        if found.get(probe) != expected:
            message = f"the isolation failed its test: {probe}: {found.get(probe, 'no answer')}, expected {expected}"
            raise SandboxUnusable(message, remedy=remedy_for(done.output))


def _start_time() -> str:
    """Of this process, in ticks since boot: no other process is likely to have the same."""
    return Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
