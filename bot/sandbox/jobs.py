"""Commands inside a machine that go on without us, as scripts for its shell.

A job is a folder in the machine: the command, what it printed, how it ended. Whoever sends the script of a job that is
there already starts nothing: it waits for the end, and is told the same result. So a lost connection, a restart of the
bot or a doubt whether the first request arrived are all answered by asking again.

While a job runs, its supervisor holds a lock on the folder; a job without a result whose lock is free was cut off. At
its end everything that it left running is killed: all processes of the ordinary user but ours, which carry a mark in
their environment. The machine is the wall, not these scripts: a command that wants to may write its own result.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from bot.ports import Finished, SandboxLost
from bot.sandbox.files import COMMAND_ENVIRONMENT, HOME, PROGRAMS, WORKSPACE
from bot.sandbox.local.base import as_script
from bot.sandbox.provider import OURS, Said

FOLDER = "/var/tmp/solvebot"
RESULT_LIMIT = 131_072  # bytes of what a job's script prints
INLINE = 49_152  # bytes of a command that fit into an argument of a program, in base64, with all the rest

_OUTPUT = 65_536  # bytes of a command's output that are kept: half of it from the start, half from the end
_SPARE = 262_144  # bytes kept free for us, so that a full disk does not keep a result from being told
_LITTLE_SPACE = 64  # blocks
# The exit code, microseconds, bytes of output, and whether the disk is full.
_ENDED = re.compile(rb"ended (\d{1,3}) (\d{1,12}) (\d{1,15}) ([01])")
_PROGRAMS = ":".join(f"{HOME}/{folder}" for folder in PROGRAMS)
(_MARK,) = (f"{name}={value}" for name, value in OURS.items())

_SWEEP = f"""
for round in 1 2 3 4 5 6 7 8; do
  found=
  for process in /proc/[0-9]*; do
    number=${{process#/proc/}}
    [ -O "$process" ] && [ "$number" != 1 ] && [ "$number" != $$ ] || continue
    grep -qzx {_MARK} "$process/environ" 2>/dev/null && continue
    kill -9 "$number" 2>/dev/null && found=1
  done
  [ "$found" ] || break
done
"""

# $1 the job's folder, $2 the seconds it gets. Descriptor 9 is the lock: nobody else may inherit it.
_SUPERVISOR = f"""
echo $$ >"$1/pid"
cd {WORKSPACE} || exit
began=$EPOCHREALTIME
timeout -s KILL "$2" env -i "PATH={_PROGRAMS}:$PATH" HOME={HOME} USER=agent LOGNAME=agent LANG=C.UTF-8 \\
  SHELL=/bin/bash bash --noprofile --norc -c '. "$1"; eval "shift 2; $(<"$2")"' bash "$1/env" "$1/command" \\
  </dev/null >"$1/output" 2>&1 9>&-
code=$?
ended=$EPOCHREALTIME
{_SWEEP}
size=$(stat -c %s "$1/output")
full=$(($(stat -f -c %a {WORKSPACE}) < {_LITTLE_SPACE}))
rm -f "$1/spare"
{{
  echo "ended $code $((${{ended/[.,]/}} - ${{began/[.,]/}})) $size $full"
  head -c {_OUTPUT // 2} "$1/output" | base64 -w0; echo
  tail -c "+{_OUTPUT // 2 + 1}" "$1/output" | tail -c {_OUTPUT // 2} | base64 -w0; echo
}} >"$1/result.part"
mv "$1/result.part" "$1/result"
rm -f "$1/output"
head -c {_SPARE} /dev/zero >{FOLDER}/spare 2>/dev/null
"""

_START = """
rm -f {folder}/spare
mkdir -p "$new" && cd / || exit 70
{prepare}
head -c {spare} /dev/zero >"$new/spare" 2>/dev/null
exec 9>"$new/lock" && flock 9 || exit 70
if mv -T "$new" "$job" 2>/dev/null; then
  setsid bash --noprofile --norc -c {supervisor} supervisor "$job" {seconds} </dev/null >/dev/null 2>&1 &
else
  rm -rf "$new"
fi
exec 9>&-
"""


@dataclass(frozen=True, slots=True)
class Job:
    """`name` tells it from all others in its machine."""

    name: str
    command: str
    seconds: float
    env: Mapping[str, str]

    @property
    def folder(self) -> str:
        return f"{FOLDER}/{hashlib.sha256(self.name.encode()).hexdigest()[:40]}"

    @property
    def content(self) -> bytes:
        return as_script(self.command)

    @property
    def input(self) -> str | None:
        """Where the command has to be uploaded to before the script is sent; None when the script holds it."""
        return None if len(self.content) <= INLINE else f"{self.folder}.command"


def run_script(job: Job) -> str:
    """Start it, unless it was started before, and wait for its end."""
    env = b"".join(
        b"export " + as_script(f"{name}={shlex.quote(value)}") + b"\n"
        for name, value in {**COMMAND_ENVIRONMENT, **job.env}.items()
    )
    command = _decoded(job.content) if job.input is None else f"cat {job.input}"
    start = _START.format(
        folder=FOLDER,
        spare=_SPARE,
        prepare=f'{_decoded(env)} >"$new/env" && {command} >"$new/command" || exit 70',
        supervisor=shlex.quote(_SUPERVISOR),
        seconds=f"{job.seconds:g}",
    )
    return (
        f'job={job.folder} new={job.folder}.$$\nif [ ! -e "$job" ]; then{start}fi\n'
        'exec 9<"$job/lock" && flock -s 9 || exit 70\n'
        'if [ -e "$job/result" ]; then cat "$job/result"; else echo interrupted; fi\n'
    )


def follow_script(job: Job) -> str:
    """Print what it prints, from the beginning, until it is over."""
    return (
        f"job={job.folder}\n"
        'until [ -e "$job/output" ] || [ -e "$job/result" ]; do sleep 0.05; done\n'
        'exec tail -c +1 -s 0.1 -f --pid="$(cat "$job/pid")" "$job/output" 2>/dev/null\n'
    )


def stop_script(job: Job) -> str:
    """End it with everything that it started. One that has not been started yet never will be."""
    return (
        f"job={job.folder}\n"
        'if [ ! -e "$job" ]; then mkdir -p "$job" && touch "$job/lock"; fi\n'
        'for attempt in {1..50}; do [ -s "$job/pid" ] || flock -ns "$job/lock" true && break; sleep 0.02; done\n'
        'kill -9 "$(cat "$job/pid")" 2>/dev/null\n'
        f"{_SWEEP}\n"
        'flock -s "$job/lock" true\n'
    )


def finished(said: Said, job: Job) -> Finished:
    """What a job's script printed. Raises `SandboxLost` for anything else: such a machine is of no use any more."""
    lines = said.output.split(b"\n")
    if said.exit_code == 0 and lines[0] == b"interrupted":
        return Finished(exit_code=137, output="", seconds=0.0, interrupted=True)
    ended = _ENDED.fullmatch(lines[0])
    try:
        head, tail = (base64.b64decode(line, validate=True) for line in lines[1:3])
    except (ValueError, binascii.Error):
        ended = None
    if ended is None:
        raise SandboxLost(f"a job ended with {said.exit_code} and said {said.output[:200]!r}")
    exit_code, seconds = int(ended[1]), int(ended[2]) / 1e6
    dropped = int(ended[3]) - len(head) - len(tail)
    note = f"\n[... {dropped} bytes left out ...]\n".encode() if dropped > 0 else b""
    output = (head + note + tail).decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    return Finished(
        exit_code,
        output,
        seconds,
        timed_out=exit_code == 137 and seconds >= job.seconds,
        killed_by="disk" if ended[4] == b"1" and exit_code != 0 else "",
    )


def _decoded(content: bytes) -> str:
    return f"printf %s {base64.b64encode(content).decode()} | base64 -d"
