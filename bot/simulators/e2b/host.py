"""Where machines are made: this host's bubblewrap, a user for each machine, and what all of them are shown."""

from __future__ import annotations

import ast
import asyncio
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from bot.sandbox.local.directories import FIRST_UID, users_to_choose_from
from bot.sandbox.local.private_paths import Stage, first_closed
from bot.sandbox.local.seccomp import program
from bot.sandbox.local.spawn import Descriptors
from bot.simulators.e2b import guest, guest_files, guest_messages, guest_streams
from bot.simulators.e2b.root import INSIDE_UID, system_directories

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
GUEST = "/run/guest.pyc"
_SHM_BYTES = 64 * 1024**2
_SYSTEM_FILES = ("/etc/alternatives", "/etc/ld.so.cache", "/etc/localtime", "/etc/ssl/certs", "/etc/ssl/openssl.cnf")
_OPEN_PORTS = """\
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start && exec setpriv --ambient-caps=-all --inh-caps=-all -- "$@"
"""
_COMPILE = "import py_compile, sys; py_compile.compile(sys.argv[1], sys.argv[2], doraise=True)"


@dataclass(frozen=True, slots=True)
class Toolchain:
    """Directories of this host that machines see read-only under the same path, and what of them is in PATH."""

    directories: tuple[Path, ...] = ()
    path: tuple[str, ...] = ()


@dataclass(slots=True)
class Host:
    """`directory` is ours alone: `roots/` the files of machines, `images/` of snapshots.

    `isolated=False` starts commands as plain processes of this machine, which see all of it: for machines without
    namespaces, and for nobody's code but your own. Paths are then those below the machine's root directory, and
    neither users nor networks nor signals to a whole machine are what they are with isolation.

    `low_ports`: whoever is in a machine may listen on ports such as 80, as the guest does for the names it knows.
    Only root of the network's namespace can allow that, so bubblewrap is started in another one then, which costs
    some milliseconds.
    """

    directory: Path
    bubblewrap: Path
    isolated: bool = True
    toolchain: Toolchain = field(default_factory=Toolchain)
    file_bytes: int = 2 * 1024**3
    low_ports: bool = False
    _python: str = ""
    _users: range = range(0)
    _taken: set[int] = field(default_factory=set)
    _stage: Stage | None = None

    async def prepare(self) -> None:
        """Raises `OSError` or `SandboxUnusable` where machines cannot be made."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o711)  # the machines' users pass through
        self.roots.mkdir(mode=0o711)
        self.images.mkdir(mode=0o700)
        if shutil.which("python3", path=SYSTEM_PATH) is None:
            base = Path(sys.base_prefix)
            self.toolchain = Toolchain((*self.toolchain.directories, base), (*self.toolchain.path, str(base / "bin")))
        self._python = shutil.which("python3", path=self.path) or sys.executable
        if os.geteuid() == 0 and self.isolated:
            self._users = users_to_choose_from(Path("/proc/self/uid_map").read_text(), FIRST_UID)
            shown = [self.directory, *self.toolchain.directories]
            if any(map(first_closed, shown)):
                self._stage = Stage(shown)
        await asyncio.to_thread(self._compile_guest)

    def remove(self) -> None:
        """What `prepare` made; machines and images are gone already."""
        self._compiled.unlink()
        self.roots.rmdir()
        self.images.rmdir()

    @property
    def roots(self) -> Path:
        return self.directory / "roots"

    @property
    def images(self) -> Path:
        return self.directory / "images"

    @property
    def path(self) -> str:
        """PATH of commands."""
        return ":".join((*self.toolchain.path, SYSTEM_PATH))

    def take_uid(self) -> int | None:
        """A user who owns nothing else; None where we are not root and everything is ours."""
        if not self._users:
            return None
        uid = next(uid for uid in iter(lambda: random.choice(self._users), None) if uid not in self._taken)
        self._taken.add(uid)
        return uid

    def return_uid(self, uid: int | None) -> None:
        if uid is not None:
            self._taken.discard(uid)

    def inside(self, root: Path, path: str) -> str:
        """Where the guest of the machine with that root finds a path of the sandbox."""
        return path if self.isolated else f"{root}{path}"

    def outside(self, root: Path, path: str) -> str:
        """The other way round."""
        return path if self.isolated else path.removeprefix(str(root))

    def command(self, root: Path, uid: int | None, control: int, fds: Descriptors) -> list[str]:
        """What starts a machine; `control` is a descriptor of ours that it inherits."""
        guest_arguments = [str(control), str(self.file_bytes)]
        if not self.isolated:
            return [self._python, "-I", "-S", str(self._compiled), *guest_arguments]
        show = [] if self._stage is None else self._stage.prefix()
        drop = [] if uid is None else ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups", "--"]
        walls = self._walls(root)
        if (filters := program()) is not None:
            walls += ["--seccomp", str(fds.data(filters))]
        inside = [self._python, "-I", "-S", GUEST, *guest_arguments]
        return [*show, *drop, *self._own_network(), str(self.bubblewrap), *walls, "--", *inside]

    def _own_network(self) -> list[str]:
        """What starts bubblewrap in a network whose low ports are anybody's."""
        if not self.low_ports:
            return []
        walls = ["--unshare-user", "--unshare-net", "--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID)]
        walls += ["--cap-add", "CAP_NET_ADMIN", "--dev-bind", "/", "/", "--die-with-parent"]
        return [str(self.bubblewrap), *walls, "--", "/bin/sh", "-c", _OPEN_PORTS, "sh"]

    def _walls(self, root: Path) -> list[str]:
        walls = ["--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts"]
        walls += [] if self.low_ports else ["--unshare-net"]
        walls += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--as-pid-1", "--hostname", "e2b"]
        walls += ["--cap-drop", "ALL", "--disable-userns"]
        walls += ["--uid", str(INSIDE_UID), "--gid", str(INSIDE_UID)]
        walls += ["--bind", self._shown(root), "/", "--ro-bind", "/usr", "/usr"]
        for path in system_directories():
            walls += ["--ro-bind", path, path]
        for file in _SYSTEM_FILES:
            walls += ["--ro-bind-try", file, file]
        for directory in self.toolchain.directories:
            walls += ["--ro-bind", self._shown(directory), str(directory)]
        walls += ["--proc", "/proc", "--dev", "/dev", "--size", str(_SHM_BYTES), "--tmpfs", "/dev/shm"]
        return [*walls, "--ro-bind", self._shown(self._compiled), GUEST, "--chdir", "/"]

    def _shown(self, path: Path) -> str:
        return str(self._stage.shown(path) if self._stage else path)

    @property
    def _compiled(self) -> Path:
        return self.directory / "guest.pyc"

    def _compile_guest(self) -> None:
        """By the Python that will run it: reading the source would take half of the time that a machine needs."""
        source = self.directory / "guest.py"
        source.write_text(_one_script(guest_messages, guest_files, guest_streams, guest))
        command: Sequence[str] = [self._python, "-I", "-S", "-c", _COMPILE, str(source), str(self._compiled)]
        subprocess.run(command, env={}, check=True, capture_output=True, timeout=60)
        source.unlink()
        self._compiled.chmod(0o644)


def _one_script(*modules: ModuleType) -> str:
    """Modules one after the other, without what they import from each other: inside there is none of them."""
    script = ["from __future__ import annotations"]
    for module in modules:
        assert module.__file__ is not None
        for statement in ast.parse(Path(module.__file__).read_text()).body:
            if not (isinstance(statement, ast.ImportFrom) and (statement.module or "").startswith(("bot.", "__"))):
                script.append(ast.unparse(statement))
    return "\n".join(script)
