"""What hostile code in the sandbox may try. Each test is an attack that succeeds without the walls."""

from __future__ import annotations

import asyncio
import os
import platform
import re
import resource
import shlex
import shutil
import socket
import sys
import tarfile
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.core.model import SandboxId, SnapshotId
from bot.ports import Finished
from bot.sandbox.local.bubblewrap import BubblewrapSandboxes
from bot.sandbox.local.cgroup import find_memory_groups
from tests.contracts.local_sandboxes import DISK, MEMORY, PROCESSES, bubblewrap, public_directory

pytestmark = pytest.mark.namespaces

A, B = SandboxId("attacker"), SandboxId("victim")
SOON = 20.0
SECRET = "the host's secret"


@pytest.fixture
def directory() -> Iterator[Path]:
    with public_directory() as path:
        yield path


@pytest.fixture
async def sandboxes(directory: Path) -> AsyncIterator[BubblewrapSandboxes]:
    sandboxes = bubblewrap(directory)
    await sandboxes.create(A)
    yield sandboxes
    for living in await sandboxes.living():
        await sandboxes.close(living)


@pytest.fixture
def secret() -> Iterator[Path]:
    """A file that everybody on the host may read and write."""
    directory = Path(tempfile.mkdtemp(prefix="solvebot-host-"))
    directory.chmod(0o777)
    path = directory / "secret"
    path.write_text(SECRET)
    path.chmod(0o666)
    yield path
    shutil.rmtree(directory)


async def attack(sandboxes: BubblewrapSandboxes, command: str, *, timeout: float = SOON) -> Finished:
    return await sandboxes.run(A, command, timeout=timeout)


async def python(sandboxes: BubblewrapSandboxes, program: str) -> Finished:
    await sandboxes.write(A, {"attack.py": (program.encode(), "100644")})
    return await attack(sandboxes, "python3 attack.py")


class TestReading:
    async def test_files_of_the_host(self, sandboxes: BubblewrapSandboxes, secret: Path) -> None:
        places = f"{secret} /proc/1/root{secret} /proc/self/root{secret} /proc/1/cwd{secret} /dev/fd/../../..{secret}"
        done = await attack(sandboxes, f"cat {places} /etc/shadow /root/.bashrc /etc/machine-id; ls /home /root /etc")
        assert SECRET not in done.output
        seen = {line for line in done.output.splitlines() if ":" not in line}
        assert {name for name in seen if not re.fullmatch(r"java-\d+-openjdk", name)} <= {
            "", "agent", "alternatives", "group", "hosts", "ld.so.cache", "localtime", "maven", "nsswitch.conf",
            "passwd", "ssl",
        }  # fmt: skip

    async def test_passwords_for_mavens_repositories(self, sandboxes: BubblewrapSandboxes) -> None:
        """Which the operator may have written into the system's settings."""
        done = await attack(sandboxes, "find -L /etc/maven /usr/share/maven /usr/share/maven/conf/ -name settings.xml")
        assert "settings.xml" not in done.output

    async def test_the_root_is_nearly_empty(self, sandboxes: BubblewrapSandboxes) -> None:
        done = await attack(sandboxes, "ls / | grep -Ev '^(bin|sbin|lib.*|usr|etc|proc|dev|tmp|var|home|workspace)$'")
        assert done.output == ""

    async def test_devices(self, sandboxes: BubblewrapSandboxes) -> None:
        done = await attack(sandboxes, "find /dev -exec stat -c '%F %n' {} + | grep special | cut -d' ' -f4 | sort")
        harmless = ("full", "null", "pts/ptmx", "random", "tty", "urandom", "zero")
        assert done.output.split() == [f"/dev/{name}" for name in harmless]

    async def test_our_environment(self, sandboxes: BubblewrapSandboxes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GITHUB_TOKEN", SECRET)
        done = await attack(sandboxes, "env; cat /proc/*/environ | tr '\\0' '\\n'")
        assert SECRET not in done.output

    async def test_our_processes(self, sandboxes: BubblewrapSandboxes) -> None:
        process = await asyncio.create_subprocess_exec("sleep", "7.1357")
        done = await attack(sandboxes, "cat /proc/[0-9]*/cmdline; kill -9 -1; kill -9 $PPID; ls -d /proc/[0-9]*")
        assert process.returncode is None
        process.kill()
        await process.wait()
        assert "7.1357" not in done.output
        assert "pytest" not in done.output

    async def test_the_command_on_the_hosts_process_list(self, sandboxes: BubblewrapSandboxes) -> None:
        running = asyncio.create_task(attack(sandboxes, "touch begun; sleep 600 # token-d41d8"))
        await has_begun(sandboxes)
        lines = command_lines()
        running.cancel()
        assert any(b"bwrap" in line for line in lines)
        assert not any(b"token-d41d8" in line for line in lines)

    async def test_other_sandboxes(self, sandboxes: BubblewrapSandboxes, directory: Path) -> None:
        await sandboxes.create(B)
        await sandboxes.run(B, f"echo '{SECRET}' > secret; chmod 777 . ; chmod 666 secret", timeout=SOON)
        path = f"{directory}/living/{B}/workspace/secret"
        done = await attack(sandboxes, f"cat {path} /proc/*/root{path}; find / -maxdepth 4 -name secret")
        assert SECRET not in done.output
        assert "/workspace/secret\n" not in done.output

    async def test_our_records(self, sandboxes: BubblewrapSandboxes) -> None:
        await sandboxes.run(A, "true", timeout=SOON, once="step")
        done = await attack(sandboxes, "find / -maxdepth 4 -name execs; ls /workspace/.. ; ls -d /workspace/../execs")
        assert "execs\n" not in done.output.replace("'/workspace/../execs'", "")


class TestNetwork:
    async def test_a_listener_on_the_host(self, sandboxes: BubblewrapSandboxes) -> None:
        with socket.create_server(("0.0.0.0", 0)) as listener:
            listener.setblocking(False)
            port = listener.getsockname()[1]
            addresses = f"127.0.0.1 localhost ::1 10.0.0.1 {own_address()}"
            script = f"for a in {addresses}; do (exec 3<>/dev/tcp/$a/{port}) 2>/dev/null && echo reached; done; true"
            assert (await attack(sandboxes, script)).output == ""
            with pytest.raises(BlockingIOError):
                listener.accept()

    async def test_datagrams(self, sandboxes: BubblewrapSandboxes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
            listener.bind(("127.0.0.1", 0))
            listener.setblocking(False)
            await attack(sandboxes, f"echo x > /dev/udp/127.0.0.1/{listener.getsockname()[1]}")
            with pytest.raises(BlockingIOError):
                listener.recv(1)

    async def test_names(self, sandboxes: BubblewrapSandboxes) -> None:
        done = await attack(sandboxes, "getent hosts example.com || echo unknown; getent hosts localhost")
        assert done.output.splitlines()[0] == "unknown"
        assert "localhost" in done.output.splitlines()[1]

    @pytest.mark.parametrize("abstract", [True, False])
    async def test_unix_sockets_of_the_host(
        self, sandboxes: BubblewrapSandboxes, secret: Path, *, abstract: bool
    ) -> None:
        address = f"\0{secret.name}-{os.getpid()}" if abstract else str(secret.with_name("socket"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen()
            done = await python(sandboxes, f"import socket; socket.socket(socket.AF_UNIX).connect({address!r})")
        assert done.exit_code == 1
        assert "ConnectionRefusedError" in done.output or "FileNotFoundError" in done.output

    @pytest.mark.parametrize("family", ["AF_PACKET", "AF_ALG", "AF_VSOCK"])
    async def test_odd_sockets(self, sandboxes: BubblewrapSandboxes, family: str) -> None:
        done = await python(sandboxes, f"import socket; socket.socket(socket.{family}, socket.SOCK_RAW)")
        assert "PermissionError" in done.output

    async def test_no_proxy_without_a_list(self, sandboxes: BubblewrapSandboxes) -> None:
        done = await attack(sandboxes, "env | grep -i proxy; ls /run; (exec 3<>/dev/tcp/127.0.0.1/3128)")
        assert "proxy.sock" not in done.output
        assert "http_proxy" not in done.output.lower()
        assert done.exit_code != 0


class TestWriting:
    async def test_outside(self, sandboxes: BubblewrapSandboxes, secret: Path) -> None:
        places = f"/ /usr /usr/bin /usr/local /etc /dev /proc /proc/sys/kernel /sys /var /run /home {secret.parent}"
        done = await attack(sandboxes, f"for p in {places}; do touch $p/planted 2>/dev/null && echo $p; done; true")
        assert done.output in ("", "/dev\n")  # /dev is a file system in memory, made for this command
        await attack(sandboxes, f"echo planted > {secret}; echo > /etc/passwd; ln -sf {secret} l; echo planted > l")
        assert secret.read_text() == SECRET
        assert (await attack(sandboxes, "id -un")).output == "agent\n"

    async def test_becoming_somebody(self, sandboxes: BubblewrapSandboxes) -> None:
        done = await attack(
            sandboxes,
            "grep NoNewPrivs /proc/self/status; mount -t tmpfs none /workspace; umount /usr; mount -o remount,rw /usr;"
            "unshare -Ur id; nsenter -t 1 -m id; chroot / id; su -c id; mknod d b 8 0; echo 1 > /proc/sys/kernel/panic;"
            "cp /usr/bin/id i; chmod 6755 i; ./i",
        )
        assert "NoNewPrivs:\t1\n" in done.output
        assert [line for line in done.output.splitlines() if line.startswith("uid=")] == [
            "uid=1000(agent) gid=1000(agent) groups=1000(agent)"
        ]
        assert not (await attack(sandboxes, "ls d")).output.startswith("d")

    @pytest.mark.parametrize(
        ("name", "arguments"),
        [
            ("keyctl", "0, -3, 1"),
            ("ptrace", "16, os.getppid(), 0, 0"),
            ("bpf", "0, 0, 0"),
            ("userfaultfd", "1"),
            ("io_uring_setup", "1, 0"),
            ("unshare", "0x10000000"),
            ("open_by_handle_at", "0, 0, 0"),
        ],
    )
    async def test_system_calls(self, sandboxes: BubblewrapSandboxes, name: str, arguments: str) -> None:
        number = SYSTEM_CALLS[name][platform.machine()]
        done = await python(
            sandboxes,
            "import ctypes, errno, os\nlibc = ctypes.CDLL(None, use_errno=True)\n"
            f"print(libc.syscall({number}, {arguments}), errno.errorcode.get(ctypes.get_errno()))",
        )
        assert done.output == "-1 EPERM\n"


SYSTEM_CALLS = {
    "keyctl": {"x86_64": 250, "aarch64": 219},
    "ptrace": {"x86_64": 101, "aarch64": 117},
    "bpf": {"x86_64": 321, "aarch64": 280},
    "userfaultfd": {"x86_64": 323, "aarch64": 282},
    "io_uring_setup": {"x86_64": 425, "aarch64": 425},
    "unshare": {"x86_64": 272, "aarch64": 97},
    "open_by_handle_at": {"x86_64": 304, "aarch64": 265},
}


class TestUsingUp:
    async def test_a_fork_bomb(self, sandboxes: BubblewrapSandboxes) -> None:
        done = await attack(sandboxes, "bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 600")
        assert done.killed_by == "processes"
        assert (await attack(sandboxes, "echo alive")).output == "alive\n"

    async def test_the_bot_gets_the_processor_first(self, sandboxes: BubblewrapSandboxes) -> None:
        own = os.getpriority(os.PRIO_PROCESS, 0)
        done = await attack(sandboxes, f"nice; (nice -n -5 true; renice -n {own} $$) 2>/dev/null; nice")
        assert done.output.split() == [str(min(own + 10, 19))] * 2

    async def test_a_session_of_its_own_gets_no_more_of_the_processor(self, sandboxes: BubblewrapSandboxes) -> None:
        """Where the kernel shares the processor among sessions. Elsewhere the file is empty, or not there."""
        look = "while grep -v 'nice 10' /proc/self/autogroup 2>/dev/null; do sleep 0.05; done; echo lowered"
        done = await attack(sandboxes, f"setsid bash -c {shlex.quote(look)} | tail -n 1")
        assert done.output == "lowered\n"

    async def test_threads_count(self, sandboxes: BubblewrapSandboxes) -> None:
        done = await python(
            sandboxes,
            "import threading, time\n"
            f"for _ in range({PROCESSES} + 5): threading.Thread(target=time.sleep, args=(600,)).start()",
        )
        assert done.killed_by == "processes"

    async def test_a_memory_bomb(self, sandboxes: BubblewrapSandboxes) -> None:
        done = await python(sandboxes, f"import time; x = b'x' * {2 * MEMORY}; time.sleep(600)")
        assert done.killed_by == "memory"

    async def test_memory_in_small_portions(self, sandboxes: BubblewrapSandboxes) -> None:
        done = await python(
            sandboxes,
            f"import os, time\nfor _ in range(3): os.fork()\nx = b'x' * {MEMORY // 4}\ntime.sleep(600)",
        )
        assert done.killed_by == "memory"

    async def test_shared_memory_is_counted_once(self, sandboxes: BubblewrapSandboxes) -> None:
        done = await python(
            sandboxes,
            f"import os, time\nx = b'x' * {MEMORY // 2}\nfor _ in range(4): os.fork()\ntime.sleep(1)",
        )
        assert (done.exit_code, done.killed_by) == (0, "")

    async def test_memory_that_nobody_has_mapped(self, sandboxes: BubblewrapSandboxes) -> None:
        """Which only the kernel counts: without control groups, files of 40 MB in memory go unnoticed."""
        done = await python(
            sandboxes,
            "import os\nfor _ in range(16): os.write(os.memfd_create('x'), bytes(40_000_000))\nprint('unnoticed')",
        )
        bounded = find_memory_groups(MEMORY) is not None
        # The shell may still tell that the kernel killed its child, before it is ended itself.
        assert ("unnoticed" in done.output, done.killed_by) == ((False, "memory") if bounded else (True, ""))

    async def test_files_in_memory(self, sandboxes: BubblewrapSandboxes) -> None:
        done = await attack(
            sandboxes, "for i in 1 2 3 4 5 6 7; do head -c 40M /dev/zero | tee /tmp/$i > /dev/shm/$i; done"
        )
        assert "/tmp/7: No space left" in done.output
        assert "'standard output': No space left" in done.output

    async def test_filling_the_disk(self, sandboxes: BubblewrapSandboxes) -> None:
        size = DISK // 3
        done = await attack(sandboxes, f"for i in $(seq 600); do head -c {size} /dev/zero > $i; sleep 0.05; done")
        assert done.killed_by == "disk"
        assert (await attack(sandboxes, "echo more > more")).killed_by == "disk"
        assert (await attack(sandboxes, "rm *")).exit_code == 0
        assert (await attack(sandboxes, "echo again > again; cat again")).output == "again\n"

    async def test_filling_the_disk_a_little_at_a_time(self, sandboxes: BubblewrapSandboxes) -> None:
        for step in range(4):
            done = await attack(sandboxes, f"head -c {DISK // 3} /dev/zero > {step}")
        assert done.killed_by == "disk"

    async def test_filling_the_disk_while_others_make_room(
        self, sandboxes: BubblewrapSandboxes, tmp_path: Path
    ) -> None:
        theirs = tmp_path / "theirs"
        theirs.write_bytes(bytes(4 * DISK))
        for step in range(5):
            os.truncate(theirs, (3 - step) * DISK if step < 3 else 0)
            done = await attack(sandboxes, f"head -c {DISK // 3} /dev/zero > {step}")
        assert done.killed_by == "disk"

    async def test_files_with_nothing_in_them(self, sandboxes: BubblewrapSandboxes) -> None:
        """They take no space, but a file system has room for a number of files only."""
        done = await attack(sandboxes, f"for i in $(seq {2 * DISK // 4096}); do : > $i; done; sleep 1", timeout=120)
        assert done.killed_by == "disk"

    async def test_one_large_file(self, sandboxes: BubblewrapSandboxes) -> None:
        done = await attack(sandboxes, f"head -c {2 * DISK} /dev/zero > x")
        assert done.exit_code != 0
        assert (await attack(sandboxes, "stat -c %s x")).output.strip() <= str(DISK)

    async def test_output_without_end(self, sandboxes: BubblewrapSandboxes) -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        done = await attack(sandboxes, "head -c 300000000 /dev/zero", timeout=60)
        assert done.exit_code == 0
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 16 * 1024  # kB


class TestTraps:
    """What a command leaves in its files for us to fall into."""

    @pytest.mark.parametrize(
        "trap",
        [
            "mkfifo x",
            "ln -s /dev/zero x",
            "ln -s /proc/kmsg x",
            "mkfifo p; ln -s p x",
            "ln -s x x",
            "mkdir x",
            "ln -s {} x",
        ],
    )
    async def test_reading(self, sandboxes: BubblewrapSandboxes, secret: Path, trap: str) -> None:
        await attack(sandboxes, trap.format(secret))
        assert await sandboxes.read(A, "/workspace/x", limit=1000) is None

    async def test_taking_and_copying(self, sandboxes: BubblewrapSandboxes, secret: Path, tmp_path: Path) -> None:
        await attack(
            sandboxes,
            f"ln -s {secret} link; ln -s {secret.parent} dir; ln -s / root; mkfifo pipe; ln -s /dev/zero zero; "
            "mkdir shut; echo > shut/x; chmod 0 shut; ln -s .. up; : > $'new\\nline'; : > ./-rf; : > ./--help",
        )
        await sandboxes.snapshot(A, SnapshotId("trapped"))
        await sandboxes.create(B, snapshot=SnapshotId("trapped"))
        await sandboxes.take(B, tmp_path / "out.tar", limit=1_000_000)
        assert SECRET.encode() not in (tmp_path / "out.tar").read_bytes()
        with tarfile.open(tmp_path / "out.tar") as archive:
            kinds = {entry.name: entry.type for entry in archive.getmembers()}
        assert kinds["./link"] == kinds["./dir"] == kinds["./root"] == kinds["./zero"] == tarfile.SYMTYPE
        assert {"./new\nline", "./-rf", "./--help", "./shut/x"} <= set(kinds)
        assert secret.read_text() == SECRET
        assert secret.stat().st_mode & 0o777 == 0o666

    async def test_writing_through_links(self, sandboxes: BubblewrapSandboxes, secret: Path) -> None:
        await attack(sandboxes, f"ln -s {secret} link; ln -s {secret.parent} dir")
        await sandboxes.write(A, {"link": (b"x", "100644")}, delete=["link"])
        await attack(sandboxes, f"rm link; ln -s {secret} link")
        await sandboxes.close(A)
        assert secret.read_text() == SECRET

    async def test_programs_in_the_place_of_ours(self, sandboxes: BubblewrapSandboxes, tmp_path: Path) -> None:
        await attack(
            sandboxes,
            "mkdir -p ~/.local/bin; for p in tar cp head find bash cat; do "
            "printf '#!/bin/sh\\necho fake\\n' > ~/.local/bin/$p; chmod +x ~/.local/bin/$p; done; echo real > file; "
            "echo 'echo from a start-up file' | /usr/bin/tee ~/.bashrc ~/.bash_profile ~/.profile ~/.bash_logout",
        )
        assert await sandboxes.read(A, "/workspace/file", limit=100) == b"real\n"
        await sandboxes.take(A, tmp_path / "out.tar", limit=1_000_000)
        with tarfile.open(tmp_path / "out.tar") as archive:
            assert "./file" in archive.getnames()
        assert (await attack(sandboxes, "echo real")).output == "real\n"

    async def test_git_planted_for_the_host(self, sandboxes: BubblewrapSandboxes, secret: Path, tmp_path: Path) -> None:
        """Hooks, filters and programs in the configuration: nothing of ours may run git where they are."""
        planted = f"touch {secret.with_name('pwned')}"
        config = "".join(
            f"[{section}]\n\t{key} = {planted}\n"
            for section, key in (
                ("core", "fsmonitor"),
                ("core", "sshCommand"),
                ("core", "pager"),
                ("diff", "external"),
                ('filter "x"', "clean"),
                ('filter "x"', "smudge"),
                ('diff "x"', "textconv"),
            )
        )
        hook = f"#!/bin/sh\n{planted}\n".encode()
        hooks = {
            f".git/hooks/{name}": (hook, "100755") for name in ("pre-commit", "post-checkout", "post-index-change")
        }
        await sandboxes.write(
            A,
            {
                ".git/HEAD": (b"ref: refs/heads/main\n", "100644"),
                ".git/config": (config.encode(), "100644"),
                ".gitattributes": (b"* filter=x diff=x\n", "100644"),
                "file": (b"x", "100644"),
                **hooks,
            },
        )
        await attack(sandboxes, "mkdir -p .git/objects .git/refs")
        await sandboxes.snapshot(A, SnapshotId("trapped"))
        await sandboxes.create(A, snapshot=SnapshotId("trapped"))
        await sandboxes.take(A, tmp_path / "out.tar", exclude=[".git"], limit=1_000_000)
        await sandboxes.close(A)
        assert not secret.with_name("pwned").exists()
        with tarfile.open(tmp_path / "out.tar") as archive:
            assert not any(".git/" in name for name in archive.getnames())


BOT = """
import asyncio, sys
from pathlib import Path
from tests.contracts.local_sandboxes import bubblewrap

async def main():
    sandboxes = bubblewrap(Path(sys.argv[1]))
    await sandboxes.create("attacker")
    print("created", flush=True)
    await sandboxes.run("attacker", "setsid sleep 7.2468 & touch begun; sleep 7.2468", timeout=60, once="x")

asyncio.run(main())
"""


class TestSurviving:
    async def test_our_own_end(self, directory: Path) -> None:
        """The bot is killed while a command runs: nothing of the command stays, and the next bot finds its files."""
        bot = await asyncio.create_subprocess_exec(
            sys.executable, "-c", BOT, str(directory), stdout=asyncio.subprocess.PIPE
        )
        assert bot.stdout is not None
        assert await bot.stdout.readline() == b"created\n"
        sandboxes = bubblewrap(directory)
        await has_begun(sandboxes)
        (directory / "building" / "half").mkdir()
        bot.kill()
        await bot.wait()
        async with asyncio.timeout(SOON):
            while b"sleep\0007.2468\0" in command_lines():  # noqa: ASYNC110  no event: they are not our children
                await asyncio.sleep(0)
        assert (await sandboxes.run(A, "true", timeout=SOON, once="x")).interrupted
        await sandboxes.check()
        assert await sandboxes.living() == [A]
        assert list((directory / "building").iterdir()) == list((directory / "gone").iterdir()) == []
        await sandboxes.close(A)


async def has_begun(sandboxes: BubblewrapSandboxes) -> None:
    async with asyncio.timeout(SOON):
        while await sandboxes.read(A, "/workspace/begun", limit=1) is None:
            pass


def command_lines() -> list[bytes]:
    """Of all processes on this host."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return lines


def own_address() -> str:
    """Of this host in its network; its loopback where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
