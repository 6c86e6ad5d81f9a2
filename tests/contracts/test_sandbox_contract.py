"""What every sandbox must do, whoever makes it: one suite for the port."""

from __future__ import annotations

import asyncio
import io
import os
import tarfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.core.candidate.untracked_files import heavy_directories
from bot.core.environment.checkout import TOP
from bot.core.model import SandboxId, SnapshotId
from bot.github.worktree import read_workspace
from bot.ports import Rejected, Sandboxes, SandboxLost
from tests.contracts.lent_sandboxes import lent
from tests.contracts.local_sandboxes import local_sandboxes, public_directory
from tests.contracts.real_e2b import WANTED, real_sandboxes

A, B = SandboxId("solve-1.a"), SandboxId("solve-1.b")
PREPARED = SnapshotId("solve-1.prepared")
SOON = 20.0  # seconds; more than any of these commands needs
LONG = f"sleep 600.{os.getpid()}"  # to be told from what others run on this host


@dataclass(frozen=True, slots=True)
class Maker:
    """`again` makes the sandboxes as another process of the bot on the same machine, or with the same database."""

    again: Callable[[], Sandboxes]


@pytest.fixture(
    params=[
        pytest.param("bubblewrap", marks=pytest.mark.namespaces),
        "process",
        pytest.param("e2b", marks=pytest.mark.namespaces),
        *(["real-e2b"] if WANTED in os.environ else []),  # make test-e2b
    ]
)
async def maker(request: pytest.FixtureRequest, directory: Path) -> AsyncIterator[Maker]:
    if request.param == "real-e2b":
        async with real_sandboxes(directory) as sandboxes:
            yield Maker(lambda: sandboxes)
    elif request.param == "e2b":
        async with lent(directory) as service:
            yield Maker(service.sandboxes)
    else:
        yield Maker(lambda: local_sandboxes(request.param, directory / "sandboxes"))


@pytest.fixture
def directory() -> Iterator[Path]:
    with public_directory() as path:
        yield path


@pytest.fixture
async def sandboxes(maker: Maker) -> AsyncIterator[Sandboxes]:
    sandboxes = maker.again()
    await sandboxes.create(A)
    yield sandboxes
    for living in await sandboxes.living():
        await sandboxes.close(living)
    for name in await sandboxes.snapshots():
        await sandboxes.drop_snapshot(name)


async def output(sandboxes: Sandboxes, command: str, id: SandboxId = A) -> str:
    done = await sandboxes.run(id, command, timeout=SOON)
    assert done.exit_code == 0, done
    return done.output


async def has_begun(sandboxes: Sandboxes, id: SandboxId = A) -> None:
    """Wait until a command, which writes this file first, is running."""
    async with asyncio.timeout(SOON):
        while await sandboxes.read(id, "/workspace/begun", limit=1) is None:
            pass


def archive_of(path: Path, **files: bytes) -> Path:
    with tarfile.open(path, "w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return path


class TestCommands:
    async def test_the_isolation_can_be_checked(self, sandboxes: Sandboxes) -> None:
        await sandboxes.check()
        assert await sandboxes.living() == [A]

    @pytest.mark.parametrize(
        ("command", "exit_code", "said"),
        [
            ("echo out; echo err >&2; echo out", 0, "out\nerr\nout\n"),
            ("exit 7", 7, ""),
            ("kill -9 $$", 137, ""),
            ("kill -TERM $$", 143, ""),
            ("no-such-program", 127, "bash: line 1: no-such-program: command not found\n"),
            ("false; echo $?", 0, "1\n"),
            ("cat", 0, ""),  # there is nobody to type
            ("", 0, ""),
            ("# a comment", 0, ""),
            ("cat <<END\nhere\nEND", 0, "here\n"),
            ("printf '%s' 'größer \N{SNOWMAN}'", 0, "größer \N{SNOWMAN}"),
            ("printf 'a\\0b\\377'", 0, "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"),
            ("echo a\0b", 0, "ab\n"),
            ("echo \ud800 | wc -c", 0, "4\n"),
            ("echo " + "x" * 300_000 + " | wc -c", 0, "300001\n"),  # longer than an argument may be
        ],
    )
    async def test_a_command(self, sandboxes: Sandboxes, command: str, exit_code: int, said: str) -> None:
        done = await sandboxes.run(A, command, timeout=SOON)
        assert (done.exit_code, done.output) == (exit_code, said)
        assert not done.timed_out
        assert not done.interrupted
        assert not done.killed_by

    async def test_a_syntax_error_is_an_answer(self, sandboxes: Sandboxes) -> None:
        done = await sandboxes.run(A, 'echo "', timeout=SOON)
        assert done.exit_code != 0
        assert "unexpected EOF" in done.output

    async def test_workspace_and_home_are_kept(self, sandboxes: Sandboxes) -> None:
        await output(sandboxes, "echo 1 > here; echo 2 > ~/there; echo 3 > /workspace/path")
        assert await output(sandboxes, "cat here ~/there /workspace/path") == "1\n2\n3\n"

    async def test_what_setup_has_installed_is_found_first(self, sandboxes: Sandboxes) -> None:
        """core/toolchain.py installs there."""
        await output(
            sandboxes, "mkdir -p ~/venv/bin ~/.local/bin; cp /bin/true ~/venv/bin/cat; cp /bin/true ~/venv/bin/a"
        )
        await output(sandboxes, "cp /bin/true ~/.local/bin/cat; cp /bin/true ~/.local/bin/b")
        found = await output(sandboxes, 'for name in cat a b; do command -v $name | sed "s#^$HOME#~#"; done')
        assert found.split() == ["~/venv/bin/cat", "~/venv/bin/a", "~/.local/bin/b"]

    async def test_the_environment_is_ours(self, sandboxes: Sandboxes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("GITHUB_TOKEN", "never to be seen")
        done = await sandboxes.run(A, 'env; echo "$GREETING"', timeout=SOON, env={"GREETING": "a 'b' $c\n"})
        assert "never to be seen" not in done.output
        given = {"PAGER=cat", "PIP_PROGRESS_BAR=off", "PYTHONDONTWRITEBYTECODE=1", "LANG=C.UTF-8"}
        assert given | {"pnpm_config_verify_deps_before_run=false"} <= set(done.output.splitlines())
        assert done.output.endswith("a 'b' $c\n\n")

    async def test_an_environment_with_odd_characters(self, sandboxes: Sandboxes) -> None:
        done = await sandboxes.run(A, 'printf %s "$X" | od -An -tx1', timeout=SOON, env={"X": "a\0--bind\0b\ud800"})
        assert done.output.split() == ["61", *b"--bind".hex(" ").split(), "62", "ed", "a0", "80"]

    async def test_nothing_of_ours_is_left_open(self, sandboxes: Sandboxes) -> None:
        assert (await output(sandboxes, "ls /proc/self/fd")).split() == ["0", "1", "2", "3"]  # 3: what ls reads

    async def test_much_output_keeps_its_head_and_its_tail(self, sandboxes: Sandboxes) -> None:
        done = await sandboxes.run(A, "echo first; head -c 50000000 /dev/zero | tr '\\0' x; echo last", timeout=60)
        assert done.output.startswith("first\nxxx")
        assert done.output.endswith("xxxlast\n")
        assert len(done.output) < 66_000
        assert "bytes left out" in done.output

    async def test_output_is_heard_while_the_command_runs(self, sandboxes: Sandboxes) -> None:
        heard: list[str] = []
        command = "printf 'größer '; while [ ! -e go ]; do sleep 0.02; done; echo end"
        running = asyncio.create_task(sandboxes.run(A, command, timeout=SOON, hear=heard.append))
        async with asyncio.timeout(SOON):
            while "".join(heard) != "größer ":  # noqa: ASYNC110 - the command waits for us
                await asyncio.sleep(0.01)
        await sandboxes.write(A, {"go": (b"", "100644")})
        done = await running
        assert "".join(heard) == done.output == "größer end\n"

    async def test_output_of_a_quick_command_is_heard_whole(self, sandboxes: Sandboxes) -> None:
        heard: list[str] = []
        await sandboxes.run(A, "seq 1000", timeout=SOON, hear=heard.append)
        assert "".join(heard).split() == [str(number) for number in range(1, 1001)]

    async def test_of_much_output_some_is_heard(self, sandboxes: Sandboxes) -> None:
        heard: list[str] = []
        await sandboxes.run(A, "seq 300000", timeout=SOON, hear=heard.append)
        assert "".join(heard).startswith("1\n2\n3\n")
        assert sum(map(len, heard)) > 60_000

    async def test_many_at_once(self, sandboxes: Sandboxes) -> None:
        answers = await asyncio.gather(*(output(sandboxes, f"echo {n}") for n in range(50)))
        assert answers == [f"{n}\n" for n in range(50)]


class TestEnds:
    """Every process that a command started ends with it."""

    BACKGROUND = (
        f"{LONG} & setsid {LONG} & nohup {LONG} >/dev/null 2>&1 & (trap '' TERM INT HUP; {LONG}; {LONG}) & "
        f"(setsid bash -c '({LONG}) & exit' &) ; echo started; echo > begun"
    )

    async def test_children_do_not_hold_up_the_answer_nor_outlive_it(self, sandboxes: Sandboxes) -> None:
        done = await sandboxes.run(A, self.BACKGROUND, timeout=SOON)
        assert (done.exit_code, done.output, done.timed_out) == (0, "started\n", False)
        assert processes_running(LONG) == []

    async def test_a_timeout_ends_the_whole_tree(self, sandboxes: Sandboxes) -> None:
        done = await sandboxes.run(A, f"echo said; {self.BACKGROUND}; trap '' TERM; {LONG}", timeout=0.5)
        assert done.timed_out
        assert done.exit_code == 137
        assert done.output == "said\nstarted\n"
        assert processes_running(LONG) == []

    async def test_cancelling_ends_the_whole_tree(self, sandboxes: Sandboxes) -> None:
        running = asyncio.create_task(sandboxes.run(A, f"{self.BACKGROUND}; {LONG}", timeout=SOON))
        await has_begun(sandboxes)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert processes_running(LONG) == []

    async def test_closing_ends_what_runs(self, sandboxes: Sandboxes) -> None:
        running = asyncio.create_task(sandboxes.run(A, f"{self.BACKGROUND}; {LONG}", timeout=SOON))
        await has_begun(sandboxes)
        await sandboxes.close(A)
        with pytest.raises(SandboxLost):
            await running
        async with asyncio.timeout(SOON):
            while processes_running(LONG):  # noqa: ASYNC110 - a service may still be at it when it has said yes
                await asyncio.sleep(0.01)
        assert not await sandboxes.exists(A)


def processes_running(command: str) -> list[int]:
    """Process ids on this host whose command line is exactly that."""
    wanted = command.replace(" ", "\0").encode() + b"\0"
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == wanted:
                found.append(int(path.parent.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


class TestOnce:
    async def test_asked_again_it_is_not_run_again(self, sandboxes: Sandboxes, maker: Maker) -> None:
        command = "echo run >> log; wc -l < log; exit 3"
        first = await sandboxes.run(A, command, timeout=SOON, once="run-1/step 1")
        assert (first.exit_code, first.output) == (3, "1\n")
        assert await sandboxes.run(A, command, timeout=SOON, once="run-1/step 1") == first
        restarted = maker.again()
        assert await restarted.run(A, command, timeout=SOON, once="run-1/step 1") == first
        assert (await restarted.run(A, command, timeout=SOON, once="run-1/step 2")).output == "2\n"

    async def test_cut_off_it_says_so_and_is_not_run_again(self, sandboxes: Sandboxes) -> None:
        """Or it has gone on without us, where it can, and tells its true result."""
        command = f"echo >> begun; {LONG}"
        running = asyncio.create_task(sandboxes.run(A, command, timeout=2, once="step"))
        await has_begun(sandboxes)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        done = await sandboxes.run(A, command, timeout=2, once="step")
        assert done.interrupted or done.timed_out
        assert processes_running(LONG) == []
        assert await output(sandboxes, "wc -l < begun") == "1\n"

    async def test_a_timeout_is_a_result(self, sandboxes: Sandboxes) -> None:
        first = await sandboxes.run(A, LONG, timeout=0.2, once="step")
        assert first.timed_out
        assert await sandboxes.run(A, LONG, timeout=0.2, once="step") == first

    async def test_a_new_sandbox_remembers_nothing(self, sandboxes: Sandboxes) -> None:
        await sandboxes.run(A, "echo 1", timeout=SOON, once="step")
        await sandboxes.create(A)
        assert (await sandboxes.run(A, "echo 2", timeout=SOON, once="step")).output == "2\n"


class TestFiles:
    async def test_an_archive_goes_in_and_comes_out(self, sandboxes: Sandboxes, tmp_path: Path) -> None:
        await sandboxes.put(A, archive_of(tmp_path / "in.tar", **{"a/b": b"1", "größe": b"2", "node_modules/x": b"3"}))
        await output(sandboxes, "chmod +x a/b; ln -s a/b link; ln a/b hard; mkfifo pipe")
        await sandboxes.take(A, tmp_path / "out.tar", exclude=["node_modules"], limit=1_000_000)
        with tarfile.open(tmp_path / "out.tar") as archive:
            entries = {entry.name.removeprefix("./"): entry for entry in archive.getmembers()}
            assert set(entries) == {".", "a", "a/b", "größe", "link", "hard", "pipe"}
            assert entries["a/b"].mode & 0o111
            assert entries["link"].linkname == "a/b"
            assert entries["hard"].isreg()
            file = archive.extractfile(entries["größe"])
            assert file is not None
            assert file.read() == b"2"

    async def test_a_broken_archive_is_refused(self, sandboxes: Sandboxes, tmp_path: Path) -> None:
        (tmp_path / "broken.tar").write_bytes(b"not a tar" * 1000)
        with pytest.raises(Rejected):
            await sandboxes.put(A, tmp_path / "broken.tar")

    async def test_of_a_workspace_that_is_too_deep_only_that_is_told(
        self, sandboxes: Sandboxes, tmp_path: Path
    ) -> None:
        """Comparing all of its paths with all that is left out takes hours."""
        deep = "import os\nfor i in range(1_500): os.mkdir('d'); os.chdir('d')\nopen('f', 'w').close()"
        await output(sandboxes, f'echo 1 > file; python3 -c "{deep}"')
        async with asyncio.timeout(SOON):
            await sandboxes.take(A, tmp_path / "out.tar", exclude=(TOP, *heavy_directories([])), limit=10_000_000)
        workspace = read_workspace(tmp_path / "out.tar")
        assert workspace.overflow == "files below more than 100 directories"

    async def test_more_than_the_limit_is_refused(self, sandboxes: Sandboxes, tmp_path: Path) -> None:
        await output(sandboxes, "truncate -s 40M sparse")
        with pytest.raises(Rejected):
            await sandboxes.take(A, tmp_path / "out.tar", limit=1_000_000)
        assert not (tmp_path / "out.tar").exists()

    async def test_write(self, sandboxes: Sandboxes) -> None:
        await output(sandboxes, "mkdir -p old/dir file-to-be; echo 1 > old/dir/x; echo 1 > gone; ln -s gone link")
        await sandboxes.write(
            A,
            {
                "deep/down/run.sh": (b"echo ran", "100755"),
                "file-to-be": (b"\0\xff", "100644"),
                "link": (b"no longer a link", "100644"),
                "to": (b"deep/down", "120000"),
                "with 'quotes' $x": (b"", "100644"),
            },
            delete=["old", "gone", "never-there"],
        )
        listing = await output(sandboxes, "find . -mindepth 1 -printf '%P %y %m\\n' | sort")
        assert listing.splitlines() == [
            "deep d 755",
            "deep/down d 755",
            "deep/down/run.sh f 755",
            "file-to-be f 644",
            "link f 644",
            "to l 777",
            "with 'quotes' $x f 644",
        ]
        assert await output(sandboxes, "to/run.sh") == "ran\n"
        assert await sandboxes.read(A, "/workspace/file-to-be", limit=10) == b"\0\xff"

    @pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "", ".", "a\0b", "\ud800"])
    async def test_a_path_that_leads_elsewhere_is_refused(self, sandboxes: Sandboxes, path: str) -> None:
        with pytest.raises(Rejected):
            await sandboxes.write(A, {path: (b"", "100644")})
        with pytest.raises(Rejected):
            await sandboxes.write(A, {}, delete=[path])

    async def test_read(self, sandboxes: Sandboxes) -> None:
        await output(sandboxes, "echo content > ~/'a file'; mkdir dir; ln -s nowhere broken; touch empty")
        assert await sandboxes.read(A, "/home/agent/a file", limit=100) == b"content\n"
        assert await sandboxes.read(A, "/home/agent/a file", limit=3) == b"con"
        assert await sandboxes.read(A, "/workspace/empty", limit=3) == b""
        for absent in ("/workspace/none", "/workspace/dir", "/workspace/broken", "/workspace/a file/x"):
            assert await sandboxes.read(A, absent, limit=100) is None


class TestSnapshots:
    async def test_a_copy_of_both_directories(self, sandboxes: Sandboxes) -> None:
        await output(
            sandboxes,
            "mkdir -p a/b; echo 1 > a/b/c; ln -s a/b/c l; ln a/b/c hard; mkfifo pipe; chmod +x a/b/c; "
            "echo secret > closed; chmod 0 closed; mkdir shut; echo in > shut/x; chmod 0 shut; echo home > ~/.rc; "
            "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"sock\")' || true",
        )
        await sandboxes.snapshot(A, PREPARED)
        await output(sandboxes, "echo changed > a/b/c")
        await sandboxes.create(B, snapshot=PREPARED)
        await output(sandboxes, "chmod u+rx closed shut", B)
        assert await output(sandboxes, "cat a/b/c l hard closed shut/x ~/.rc; stat -c %h hard; test -p pipe", B) == (
            "1\n1\n1\nsecret\nin\nhome\n2\n"
        )
        assert await output(sandboxes, "echo more >> a/b/c; touch ~/.rc new; cat a/b/c", B) == "1\nmore\n"
        assert await output(sandboxes, "cat a/b/c") == "changed\n"

    async def test_deep_and_wide_trees(self, sandboxes: Sandboxes) -> None:
        await output(
            sandboxes,
            "mkdir d{1..30}; for i in {1..30}; do for j in {1..10}; do echo > d$i/$j; done; done; "
            "deep=~/$(printf 'deep/%.0s' {1..400}); mkdir -p $deep; echo bottom > $deep/file",
        )
        await sandboxes.snapshot(A, PREPARED)
        await sandboxes.create(B, snapshot=PREPARED)
        assert await output(sandboxes, "find -type f | wc -l; find ~ -type f -exec cat {} +", B) == "300\nbottom\n"

    async def test_names(self, sandboxes: Sandboxes) -> None:
        await sandboxes.snapshot(A, PREPARED)
        assert await sandboxes.snapshots() == [PREPARED]
        await sandboxes.drop_snapshot(PREPARED)
        await sandboxes.drop_snapshot(PREPARED)
        assert await sandboxes.snapshots() == []
        with pytest.raises(SandboxLost):
            await sandboxes.create(B, snapshot=PREPARED)
        assert await sandboxes.living() == [A]

    async def test_another_name_for_the_same(self, sandboxes: Sandboxes) -> None:
        another = SnapshotId("kept")
        assert not await sandboxes.name_snapshot(PREPARED, another)
        await output(sandboxes, "echo 1 > x; echo 2 > ~/y")
        await sandboxes.snapshot(A, PREPARED)
        for _ in range(2):
            assert await sandboxes.name_snapshot(PREPARED, another)
        await sandboxes.drop_snapshot(PREPARED)
        assert await sandboxes.snapshots() == [another]
        await sandboxes.create(B, snapshot=another)
        assert await output(sandboxes, "cat x ~/y", B) == "1\n2\n"

    async def test_taken_again_after_a_crash(self, sandboxes: Sandboxes) -> None:
        await sandboxes.snapshot(A, PREPARED)
        await output(sandboxes, "echo 1 > x")
        await sandboxes.snapshot(A, PREPARED)
        await sandboxes.close(A)
        await sandboxes.snapshot(A, PREPARED)
        await sandboxes.create(B, snapshot=PREPARED)
        assert await output(sandboxes, "cat x", B) == "1\n"


class TestLife:
    async def test_nothing_was_ever_made(self, maker: Maker) -> None:
        sandboxes = maker.again()
        assert await sandboxes.living() == []
        assert await sandboxes.snapshots() == []
        await sandboxes.close(A)
        assert not await sandboxes.exists(A)

    async def test_made_again_it_is_empty(self, sandboxes: Sandboxes) -> None:
        await output(sandboxes, "echo > x; echo > ~/y")
        await sandboxes.create(A)
        assert await output(sandboxes, "ls -A . ~ | grep -c '[xy]$' || true") == "0\n"

    async def test_closing_twice_is_fine(self, sandboxes: Sandboxes) -> None:
        await sandboxes.create(B)
        assert await sandboxes.living() == [A, B]
        await sandboxes.close(B)
        await sandboxes.close(B)
        assert await sandboxes.living() == [A]
        assert await sandboxes.exists(A)
        assert not await sandboxes.exists(B)

    async def test_whatever_is_asked_of_a_lost_one(self, sandboxes: Sandboxes, tmp_path: Path) -> None:
        archive = archive_of(tmp_path / "in.tar", x=b"")
        for asked in (
            sandboxes.run(B, "true", timeout=SOON),
            sandboxes.run(B, "true", timeout=SOON, once="step"),
            sandboxes.put(B, archive),
            sandboxes.write(B, {}),
            sandboxes.read(B, "/workspace/x", limit=1),
            sandboxes.take(B, tmp_path / "out.tar", limit=1),
            sandboxes.snapshot(B, PREPARED),
        ):
            with pytest.raises(SandboxLost):
                await asked

    @pytest.mark.parametrize("name", ["", "..", ".hidden", "a/b", "a\0b", "-rf", "a b"])
    async def test_a_name_that_is_not_ours(self, sandboxes: Sandboxes, name: str) -> None:
        with pytest.raises(ValueError, match="not a name"):
            await sandboxes.create(SandboxId(name))
