"""Sandboxes on this machine behind the kernel's namespaces, made by bubblewrap.

A command sees the system's /usr and the toolchains of the settings, read-only; its workspace and its home; fresh
/proc, /dev and /tmp; and nothing else: no environment, no process, no network, no capability, no way to a namespace of
its own. As root, bubblewrap itself is started as a user that owns nothing but this sandbox's files. `selftest.py`
proves what the flags promise before anything untrusted runs.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.core.operations.isolation import remedy_for
from bot.ports import SandboxUnusable
from bot.sandbox.files import HOME, PROGRAMS, WORKSPACE
from bot.sandbox.local.base import Errand, LocalSandboxes, prelude
from bot.sandbox.local.cgroup import MemoryGroup, MemoryGroups, find_memory_groups
from bot.sandbox.local.directories import FIRST_UID, Room, Rooms
from bot.sandbox.local.limits import Limits, prefix
from bot.sandbox.local.private_paths import Stage, first_closed
from bot.sandbox.local.proxy import FORWARDER, proxy_environment, serve_proxy
from bot.sandbox.local.registry_downloads import DownloadOptions, Downloads
from bot.sandbox.local.registry_stand_in import StandIn
from bot.sandbox.local.seccomp import program
from bot.sandbox.local.selftest import prove_isolation
from bot.sandbox.local.shared_packages import packages_of
from bot.sandbox.local.spawn import Descriptors, Plan, Process, start
from bot.sandbox.local.threads import in_thread

_FILES = {
    "/etc/passwd": b"root:x:0:0:root:/:/usr/sbin/nologin\nagent:x:1000:1000:agent:/home/agent:/bin/bash\n",
    "/etc/group": b"root:x:0:\nagent:x:1000:\n",
    "/etc/hosts": b"127.0.0.1 localhost sandbox\n::1 localhost\n",
    "/etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files\n",
}
_SYSTEM_FILES = (
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
    # Where Debian's Maven in /usr leads to, as its Java does to /etc/java-17-openjdk. Its settings may hold passwords.
    "/etc/maven/logging",
    "/etc/maven/m2.conf",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
)
_SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
_SOCKET = "/run/proxy.sock"
_FORWARDER_PATH = "/run/forwarder.py"
_CERTIFICATES = "/run/certificates.pem"
_JAVA_CERTIFICATES = "/run/certificates.p12"
_TMP_BYTES = 256 * 1024**2
_SHM_BYTES = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class BubblewrapOptions:
    """`toolchains` are directories of this host, seen read-only under the same path; `path` what of them is in PATH."""

    directory: Path
    toolchains: tuple[Path, ...] = ()
    path: tuple[str, ...] = ()
    memory: int = 4 * 1024**3  # bytes, of all processes of a command
    processes: int = 512  # threads included
    disk: int = 4 * 1024**3  # bytes, of workspace and home
    first_uid: int = FIRST_UID  # of the users that sandboxes get when the bot is root
    executable: Path = Path("/usr/bin/bwrap")
    output_limit: int = 65_536  # bytes
    at_once: int = 16  # commands, of all sandboxes
    allow_private: bool = False  # may the set-up reach listed names that lead into a private network?
    downloads: DownloadOptions | None = None  # where they are kept for the next set-up


class BubblewrapSandboxes(LocalSandboxes):
    def __init__(self, options: BubblewrapOptions) -> None:
        limits = Limits(memory=options.memory, disk=options.disk, processes=options.processes)
        rooms = Rooms(options.directory, first_uid=options.first_uid)
        super().__init__(rooms, limits, output_limit=options.output_limit, at_once=options.at_once)
        self._options = options
        self._shared: tuple[tuple[Path, int], tuple[str, ...]] | None = None  # of the last snapshot
        self._stand_in = StandIn(Downloads(options.downloads)) if options.downloads else None

    async def check(self) -> None:
        if not self._options.executable.exists():
            message = f"{self._options.executable}: bwrap is not installed"
            raise SandboxUnusable(message, remedy=remedy_for(message))
        self._rooms.prepare()
        await self._rooms.sweep()
        if self._groups:
            self._groups.sweep()
        for toolchain in self._options.toolchains:
            if not toolchain.is_dir():
                raise SandboxUnusable(f"{toolchain} is not a directory", remedy="Correct the list of toolchains.")
        await prove_isolation(self, self._rooms)

    async def _evict(self, room: Room) -> None:
        """Nothing to do: the kernel ends these processes together with us."""

    async def _packages(self, snapshot: Room) -> tuple[str, ...]:
        """Looked for once; nothing where all sandboxes are of one user."""
        if not self._rooms.drops_uid:
            return ()
        key = snapshot.path, snapshot.path.lstat().st_ino
        if self._shared is None or self._shared[0] != key:
            self._shared = key, await packages_of(snapshot)
        return self._shared[1]

    @asynccontextmanager
    async def _start(self, errand: Errand) -> AsyncIterator[Process]:
        async with AsyncExitStack() as stack:
            socket = None
            if errand.network:
                proxy = serve_proxy(
                    errand.room,
                    errand.network,
                    allow_private=self._options.allow_private,
                    stand_in=self._stand_in,
                )
                socket = await stack.enter_async_context(proxy)
            try:
                group = await stack.enter_async_context(in_thread(self._groups.group())) if self._groups else None
                with Descriptors() as fds:
                    process = start(
                        self._plan(errand, fds, socket, group), output_limit=errand.output_limit, hear=errand.hear
                    )
            except OSError as error:
                raise SandboxUnusable(str(error), remedy=remedy_for(f"{error.filename}: No such file")) from error
            yield process

    def _plan(self, errand: Errand, fds: Descriptors, socket: Path | None, group: MemoryGroup | None) -> Plan:
        before = [] if socket is None else [self._python(), "-I", "-S", _FORWARDER_PATH, _SOCKET]
        (info, info_end), (began, began_end) = fds.pipe(), fds.pipe()
        arguments = fds.data(_walls() + _as_arguments(self._own_walls(errand, fds, socket)))
        command = prelude(
            fds.data(errand.script),
            began_end,
            file_bytes=errand.file_bytes,
            processes=self._limits.most_processes,
            entrance=None if group is None else fds.keep(group.entrance()),
        )
        bubblewrap = [str(self._options.executable), "--args", str(arguments), "--info-fd", str(info_end), "--"]
        show = [] if self._stage is None else self._stage.prefix()
        return Plan(
            argv=[*show, *prefix(uid=errand.room.uid), *bubblewrap, *before, *command],
            env={},
            inherited=fds.inherited,
            stdin=subprocess.DEVNULL if errand.stdin is None else errand.stdin,
            stdout=errand.stdout,
            info=info,
            began=began,
            starved=group.starved if group else lambda: False,
            in_our_session=True,  # --new-session
        )

    def _own_walls(self, errand: Errand, fds: Descriptors, socket: Path | None) -> list[str]:
        walls = [*_environment(self._options, errand.env)]
        for how, source, target in self._binds(errand, socket):
            walls += [how, str(self._stage.shown(source) if self._stage else source), target]
        files, environment = ({}, {}) if socket is None else self._way_out()
        for path, content in {**_FILES, **files}.items():
            walls += ["--ro-bind-data", str(fds.data(content)), path]
        for name, value in environment.items():
            walls += ["--setenv", name, value]
        if (filters := program()) is not None:
            walls += ["--seccomp", str(fds.data(filters))]
        return [*walls, "--chdir", WORKSPACE if WORKSPACE in errand.mounts else "/", "--remount-ro", "/"]

    def _way_out(self) -> tuple[dict[str, bytes], dict[str, str]]:
        """Files and environment of a command that has a network."""
        forwarder = {_FORWARDER_PATH: FORWARDER.encode()}
        if self._stand_in is None:
            return forwarder, proxy_environment()
        authority = self._stand_in.authority
        certificates = {_CERTIFICATES: authority.bundle, _JAVA_CERTIFICATES: authority.java_bundle}
        return forwarder | certificates, proxy_environment(_CERTIFICATES, _JAVA_CERTIFICATES)

    @functools.cached_property
    def _groups(self) -> MemoryGroups | None:
        """Files in /tmp and /dev/shm count in them, which the watch does not see: it says what happened, if it can."""
        return find_memory_groups(self._limits.memory + _TMP_BYTES + _SHM_BYTES)

    @functools.cached_property
    def _stage(self) -> Stage | None:
        """Where the users of the sandboxes cannot go all the way to what they are shown."""
        directories = [*self._rooms.passed, *(toolchain.absolute() for toolchain in self._options.toolchains)]
        return Stage(directories) if self._rooms.drops_uid and any(map(first_closed, directories)) else None

    def _binds(self, errand: Errand, socket: Path | None) -> list[tuple[str, Path, str]]:
        """Flag, path on the host, path inside: of all that may lie anywhere on this machine."""
        binds = [
            ("--ro-bind", toolchain.absolute(), str(toolchain.absolute())) for toolchain in self._options.toolchains
        ]
        binds += [("--bind", path, inside) for inside, path in errand.mounts.items()]
        if socket is not None:
            binds.append(("--bind", socket, _SOCKET))
        return binds

    def _python(self) -> str:
        """What runs the forwarder: not looked up inside, where a command could have put something in its place."""
        found = shutil.which("python3", path=":".join((*self._options.path, _SYSTEM_PATH)))
        if found is None:
            raise SandboxUnusable(
                "there is no python3 in the sandbox to run the forwarder of the set-up's proxy",
                remedy="Install python3 on this machine, or name a toolchain directory that has it.",
            )
        return found


def _environment(options: BubblewrapOptions, env: Mapping[str, str]) -> Iterable[str]:
    known = {
        "HOME": HOME,
        "LANG": "C.UTF-8",
        "LOGNAME": "agent",
        "PATH": ":".join((*(f"{HOME}/{folder}" for folder in PROGRAMS), *options.path, _SYSTEM_PATH)),
        "SHELL": "/bin/bash",
        "USER": "agent",
    }
    yield "--clearenv"
    for name, value in {**known, **env}.items():
        yield from ("--setenv", name, value)


@functools.cache
def _walls() -> bytes:
    """What does not depend on the command. Looked up once: where the system's directories are does not change."""
    return _as_arguments(_build_walls())


def _as_arguments(arguments: Iterable[str]) -> bytes:
    return b"".join(os.fsencode(argument) + b"\0" for argument in arguments)


def _build_walls() -> Iterable[str]:
    yield from ("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts")
    yield from ("--unshare-cgroup-try", "--disable-userns", "--die-with-parent", "--new-session")
    yield from ("--cap-drop", "ALL", "--hostname", "sandbox", "--uid", "1000", "--gid", "1000")
    yield from ("--ro-bind", "/usr", "/usr")
    for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32"):
        path = Path("/", name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), str(path))
        elif path.is_dir():
            yield from ("--ro-bind", str(path), str(path))
    for file in (*_SYSTEM_FILES, *map(str, sorted(Path("/etc").glob("java-*-openjdk")))):
        yield from ("--ro-bind-try", file, file)
    yield from ("--proc", "/proc", "--dev", "/dev")
    yield from ("--size", str(_SHM_BYTES), "--tmpfs", "/dev/shm")
    yield from ("--size", str(_TMP_BYTES), "--perms", "1777", "--tmpfs", "/tmp")
    yield from ("--dir", "/var", "--symlink", "../tmp", "/var/tmp")
