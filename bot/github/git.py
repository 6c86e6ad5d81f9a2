"""Git as a child process that trusts nothing it finds.

The environment is made here from nothing: no configuration of the machine or of the user, no hooks, no credential
helpers, no prompts. Secrets travel in the environment, never in arguments, which every user of the machine can read.
A child leads a process group of its own, so that a deadline or a cancellation ends its helpers (git-remote-https,
index-pack) with it.
"""

from __future__ import annotations

import asyncio
import os
import re
import signal
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bot.core.model import Sha
from bot.ports import Denied, HostBroken, Rejected, Unavailable

MAX_OUTPUT = 256 * 2**20  # bytes; the listing of a million files is half of it
NO_BLOB = Sha("0" * 40)
_STDERR_TAIL = 16_384
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

# Settings given by environment outrank every file (git-config(1), GIT_CONFIG_COUNT).
_CONFIG = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.autocrlf": "false",
    "core.quotePath": "true",
    "core.splitIndex": "false",  # an index of ours must not leave a part in somebody's clone
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "fetch.unpackLimit": "1",  # always a pack: written aside, synced, then renamed
    "gc.auto": "0",  # what a solve started from may be on no branch any more
    "http.followRedirects": "false",  # the authorization must not travel to another host
    "http.lowSpeedLimit": "1000",  # bytes a second ...
    "http.lowSpeedTime": "60",  # ... for so many seconds: the connection is dead
    "maintenance.auto": "false",
    "safe.directory": "*",  # the directory is always named by us, never found by looking around
    "tar.umask": "0022",
}

# Whatever a repository says in its .gitattributes, this file of $GIT_DIR/info outranks it. Text and binary are told
# apart by content. `!name` makes an attribute unspecified; `-working-tree-encoding` would be an error (convert.c).
ATTRIBUTES = (
    "* -text !crlf !eol !ident !filter !working-tree-encoding !export-ignore !export-subst !diff !merge !whitespace\n"
)


class GitFailed(HostBroken):
    """Git ended with something else than 0. `stderr` is its tail, in English.

    Whoever asked knows whether that is an answer; where nobody expected it, something is wrong with this machine.
    """

    def __init__(self, command: str, code: int, stderr: str) -> None:
        super().__init__(f"git {command} ended with {code}: {stderr.strip()}")
        self.code = code
        self.stderr = stderr


def neutral(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a child. `extra`: proxies and certificates of the operator."""
    environment = {
        "PATH": _PATH,
        "LC_ALL": "C.UTF-8",  # errors are classified by their English words
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "GIT_ALLOW_PROTOCOL": "file:http:https",
        "GIT_NO_LAZY_FETCH": "1",  # a clone's configuration may name a program to fetch missing objects with
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_OPTIONAL_LOCKS": "0",
        **(extra or {}),
    }
    return configured(_CONFIG.items(), after=environment)


def configured(settings: Iterable[tuple[str, str]], *, after: Mapping[str, str]) -> dict[str, str]:
    """An environment with more settings, as variables that git reads them from."""
    environment = dict(after)
    count = int(environment.get("GIT_CONFIG_COUNT", "0"))
    for key, value in settings:
        environment[f"GIT_CONFIG_KEY_{count}"] = key
        environment[f"GIT_CONFIG_VALUE_{count}"] = value
        count += 1
    return environment | {"GIT_CONFIG_COUNT": str(count)}


class Git:
    """Git in one repository: `await git("rev-parse", "HEAD")` is its output, bytes as they came."""

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.directory = directory.absolute()  # children do not share our working directory
        self._environment = {**environment, "GIT_DIR": str(self.directory)}

    def with_environment(self, **more: str) -> Git:
        return Git(self.directory, {**self._environment, **more})

    async def __call__(
        self,
        *arguments: str,
        stdin: bytes = b"",
        timeout: float = 120.0,
        pass_fds: tuple[int, ...] = (),
    ) -> bytes:
        """Raises `GitFailed`, or `Unavailable` when it takes longer than `timeout` seconds or says too much."""
        child = await self._start(arguments, stdin, pass_fds)
        assert child.stdout
        assert child.stderr
        try:
            async with asyncio.timeout(timeout):
                output, errors = await asyncio.gather(_collect(child.stdout), _tail(child.stderr))
                code = await child.wait()
        except TimeoutError:
            raise Unavailable(f"git {arguments[0]} took longer than {timeout:g} s") from None
        finally:
            await _end(child)
        if code != 0:
            raise GitFailed(arguments[0], code, errors)
        return output

    async def _start(
        self, arguments: Sequence[str], stdin: bytes, pass_fds: Sequence[int]
    ) -> asyncio.subprocess.Process:
        """Its input is a file in memory: a pipe would have to be fed, and breaks when git ends early."""
        read_from = _memory_file(stdin) if stdin else asyncio.subprocess.DEVNULL
        try:
            return await asyncio.create_subprocess_exec(
                "git",
                *arguments,
                stdin=read_from,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env=self._environment,
                cwd="/",
                process_group=0,  # a session would start slower (sandbox/local/spawn.py), and git asks no terminal
                pass_fds=pass_fds,
            )
        except FileNotFoundError as error:
            raise Denied("there is no git on this machine", remedy="Install git 2.38 or newer.") from error
        finally:
            if stdin:
                os.close(read_from)


def _memory_file(content: bytes) -> int:
    fd = os.memfd_create("git-stdin")
    with os.fdopen(fd, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


async def _collect(stream: asyncio.StreamReader) -> bytes:
    output = bytearray()
    while chunk := await stream.read(1 << 18):
        output += chunk
        if len(output) > MAX_OUTPUT:
            raise Unavailable(f"git said more than {MAX_OUTPUT} bytes")
    return bytes(output)


async def _tail(stream: asyncio.StreamReader) -> str:
    tail = b""
    while chunk := await stream.read(1 << 14):
        tail = (tail + chunk)[-_STDERR_TAIL:]
    return tail.decode("utf-8", "replace")


async def _end(child: asyncio.subprocess.Process) -> None:
    """Nothing of it is left when this returns; on the way of success there is nothing left to end."""
    if child.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()


async def change_index(git: Git, removed: Iterable[str], written: Mapping[str, tuple[str, str]]) -> None:
    """`written`: path -> mode and blob id. What a path replaces (a file its directory, or the other way) goes.

    Raises `Rejected` for a path that git refuses, such as `.git/x`: update-index leaves it out and says nothing.
    """
    lines = [f"0 {NO_BLOB}\t{path}\0" for path in removed]
    lines += [f"{mode} {blob}\t{path}\0" for path, (mode, blob) in written.items()]
    await git("update-index", "-z", "--index-info", stdin=os.fsencode("".join(lines)))
    there = set(os.fsdecode(await git("ls-files", "-z")).split("\0"))
    refused = sorted(written.keys() - there)
    if refused:
        raise Rejected(f"git takes no path like {refused[0]!r}")


async def read_blobs(git: Git, blobs: Sequence[str]) -> list[bytes]:
    """Contents in the order asked for."""
    if not blobs:
        return []
    output = await git("cat-file", "--batch", stdin="".join(f"{blob}\n" for blob in blobs).encode())
    contents = []
    position = 0
    for _ in blobs:
        end = output.index(b"\n", position)
        size = int(output[position:end].rpartition(b" ")[2])
        contents.append(output[end + 1 : end + 1 + size])
        position = end + 1 + size + 1
    return contents


async def read_at(git: Git, commit: str, path: str) -> bytes | None:
    """A file of a commit, by a symbolic link within it too; None when there is none. `commit` may be any ref."""
    if not {"", ".", ".."}.isdisjoint(path.split("/")):  # git would take it for relative to somewhere
        return None
    question = os.fsencode(f"{commit}:{path}\0")
    answer = await git("cat-file", "--batch", "--follow-symlinks", "-z", stdin=question)
    found = re.match(rb"[0-9a-f]{40} blob (\d+)\n", answer)
    return answer[found.end() : found.end() + int(found[1])] if found else None


@asynccontextmanager
async def workbench(mirror: Path, environment: Mapping[str, str]) -> AsyncIterator[Git]:
    """A repository for one calculation: it reads the mirror's objects, and keeps index and new objects to itself.

    So nothing that came from a sandbox ever gets into a mirror, and a crash leaves only a temporary directory.
    """
    place = tempfile.TemporaryDirectory(prefix="solvebot-git-")
    try:
        await asyncio.to_thread(furnish, Path(place.name), mirror)
        yield Git(Path(place.name), environment)
    finally:
        await asyncio.to_thread(place.cleanup)


def furnish(root: Path, mirror: Path) -> None:
    """A bare repository that has the mirror's objects, and nothing else."""
    for directory in ("refs", "info", "objects/info"):
        (root / directory).mkdir(parents=True)
    (root / "HEAD").write_text("ref: refs/heads/none\n")
    (root / "config").write_text("[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
    (root / "info/attributes").write_text(ATTRIBUTES)
    (root / "objects/info/alternates").write_text(f"{mirror.absolute() / 'objects'}\n")
