"""Fetching a mirror: from a path, over HTTP through `git http-backend`, and after a crash."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.core.model import Repo, Sha
from bot.github.mirror import GitMirrors
from bot.ports import Denied, Gone, Rejected, Remote, Unavailable, WorldError
from tests.contracts.mirror_world import GIT_ENVIRONMENT, REPO, World, git, make_world

TOKEN = "ghs_" + "a1B2c3D4." * 57
AUTHORIZATION = f"Basic {TOKEN}"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path)


def mirror_of(world: World) -> Path:
    return world.directory / "mirrors/42.git"


# -------------------------------------------------------------------------------------------------- from a path


async def test_a_branch_follows_its_remote_also_backwards(world: World) -> None:
    first = world.origin.commit({"a": b"1"})
    assert await world.mirrors.fetch(REPO, world.remote, want="main") == first
    second = world.origin.commit({"a": b"2"})
    assert await world.mirrors.fetch(REPO, world.remote, want="main") == second
    git(world.origin.directory, "update-ref", "refs/heads/main", first)
    assert await world.mirrors.fetch(REPO, world.remote, want="main") == first
    assert await world.mirrors.read(REPO, second, "a") == b"2"  # a solve may have started from it


async def test_a_sha_that_is_there_needs_no_remote(world: World) -> None:
    first = world.origin.commit({"a": b"1"})
    world.origin.commit({"a": b"2"})
    for remote in (world.remote, Remote("/nonexistent")):
        assert await world.mirrors.fetch(REPO, remote, want=first) == first


async def test_a_branch_that_became_a_directory_of_branches(world: World) -> None:
    commit = world.origin.commit({"a": b"1"})
    for old, new in (("none", "x"), ("x", "x/y"), ("x/y", "x/y/z")):
        git(world.origin.directory, "update-ref", "-d", f"refs/heads/{old}")
        git(world.origin.directory, "update-ref", f"refs/heads/{new}", commit)
        assert await world.mirrors.fetch(REPO, world.remote, want=new) == commit


async def test_branches_with_odd_names(world: World) -> None:
    commit = world.origin.commit({"a": b"1"})
    for name in ("feature/ümläut", "a'b\"c$(d)", "main-2.0", "日本", "+x"):
        git(world.origin.directory, "update-ref", f"refs/heads/{name}", commit)
        assert await world.mirrors.fetch(REPO, world.remote, want=name) == commit


@pytest.mark.parametrize("want", ["", "a..b", "a b", "a:b", "*", "a^", "/a", "a/", "-x", "a\n", "a@{1}", "~", "a."])
async def test_what_cannot_be_a_branch(world: World, want: str) -> None:
    world.origin.commit({"a": b"1"})
    with pytest.raises(Rejected):
        await world.mirrors.fetch(REPO, world.remote, want=want)


@pytest.mark.parametrize(
    ("url", "want"),
    [("{}", "nothing"), ("{}", "1" * 40), ("{}/nowhere", "main"), ("{}/.git/objects", "main")],
)
async def test_what_is_not_there_is_gone(world: World, url: str, want: str) -> None:
    world.origin.commit({"a": b"1"})
    with pytest.raises(Gone) as caught:
        await world.mirrors.fetch(REPO, Remote(url.format(world.origin.directory)), want=want)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "url", ["ext::sh -c touch% marker", "ssh://localhost/x", "--upload-pack=touch marker", "git://x/y"]
)
async def test_no_other_way_than_files_and_http(world: World, url: str) -> None:
    with pytest.raises(WorldError):
        await world.mirrors.fetch(REPO, Remote(url), want="main")


async def test_a_mirror_directory_relative_to_where_we_are(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = world.origin.commit({"a": b"1"})
    monkeypatch.chdir(world.directory)
    mirrors = GitMirrors(Path("here/mirrors"))
    assert await mirrors.fetch(REPO, world.remote, want="main") == commit
    assert [entry.path for entry in await mirrors.entries(REPO, commit, "")] == []
    assert (world.directory / "here/mirrors/42.git/HEAD").is_file()


async def test_a_shallow_clone_can_be_mirrored(world: World) -> None:
    world.origin.commit({"a": b"1"})
    commit = world.origin.commit({"a": b"2"})
    shallow = world.directory / "shallow"
    git(world.directory, "clone", "-q", "--depth=1", f"file://{world.origin.directory}", str(shallow))
    assert await world.mirrors.fetch(REPO, Remote(str(shallow)), want="main") == commit
    assert await world.mirrors.read(REPO, commit, "a") == b"2"
    assert len(await world.mirrors.history(REPO, commit)) == 1


async def test_many_at_once_and_from_two_processes_worth_of_mirrors(world: World) -> None:
    commit = world.origin.commit({"a": b"1"})
    other = GitMirrors(world.directory / "mirrors")
    fetches = [mirrors.fetch(REPO, world.remote, want="main") for mirrors in (world.mirrors, other) for _ in range(3)]
    assert set(await asyncio.gather(*fetches)) == {commit}


# ----------------------------------------------------------------------------------------------- after a crash


def lose_head(mirror: Path) -> None:
    (mirror / "HEAD").unlink()


def leave_locks(mirror: Path) -> None:
    refs = mirror / "refs/solvebot"
    for name in ("HEAD.lock", "config.lock", "packed-refs.lock", "shallow.lock"):
        (mirror / name).touch()
    for ref in list(refs.iterdir()):
        ref.with_suffix(".lock").touch()


def leave_half_a_pack(mirror: Path) -> None:
    (mirror / "objects/pack/tmp_pack_abc").write_bytes(b"PACK")
    (mirror / "objects/pack/pack-1.keep.lock").touch()


def empty_the_packs(mirror: Path) -> None:
    for pack in mirror.glob("objects/pack/*"):
        pack.chmod(0o644)
        pack.write_bytes(b"")


def break_the_config(mirror: Path) -> None:
    (mirror / "config").write_text("[core\n")


def empty_the_refs(mirror: Path) -> None:
    for ref in (mirror / "refs/solvebot").iterdir():
        ref.write_text("")


def leave_half_a_mirror(mirror: Path) -> None:
    mirror.rename(mirror.with_suffix(".new"))
    lose_head(mirror.with_suffix(".new"))


@pytest.mark.parametrize(
    "damage",
    [lose_head, leave_locks, leave_half_a_pack, empty_the_packs, break_the_config, empty_the_refs, leave_half_a_mirror],
)
async def test_whatever_a_crash_left_the_next_fetch_works(world: World, damage: Callable[[Path], None]) -> None:
    world.origin.commit({"a": b"1"})
    await world.mirrors.fetch(REPO, world.remote, want="main")
    damage(mirror_of(world))
    commit = world.origin.commit({"a": b"2"})
    assert await world.mirrors.fetch(REPO, world.remote, want="main") == commit
    assert await world.mirrors.read(REPO, commit, "a") == b"2"
    assert not list(mirror_of(world).rglob("*.lock"))
    assert not list(mirror_of(world).rglob("tmp_*"))


# ------------------------------------------------------------------------------------------------------ over HTTP


@dataclass
class Server:
    """A web server in front of `git http-backend`. `status`: what it answers instead of serving, one per request."""

    root: Path
    port: int = 0
    statuses: list[int] = field(default_factory=list)
    hangs: bool = False
    authorizations: list[str | None] = field(default_factory=list)
    command_lines: str = ""
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    def remote(self, authorization: str | None = AUTHORIZATION) -> Remote:
        return Remote(f"http://127.0.0.1:{self.port}/origin", authorization)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await self._answer_one(head.decode(), reader, writer)
        except asyncio.IncompleteReadError:
            self.hung_up.set()
        finally:
            writer.close()

    async def _answer_one(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (method, target, _), *lines = (line.split(" ", 2) for line in head.strip().split("\r\n"))
        headers = {line[0].rstrip(":").lower(): " ".join(line[1:]) for line in lines}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.authorizations.append(headers.get("authorization"))
        self.command_lines += all_command_lines()
        self.asked.set()
        if self.hangs:
            await reader.read()
            self.hung_up.set()
            return
        status = self.statuses.pop(0) if self.statuses else 200
        if status != 200:
            where = "Location: http://127.0.0.1:1/elsewhere\r\nWWW-Authenticate: Basic\r\n"
            writer.write(f"HTTP/1.1 {status} No\r\n{where}Content-Length: 0\r\n\r\n".encode())
            return
        answer_head, _, content = (await self._backend(method, target, headers, body)).partition(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n\r\n" % (len(content), answer_head) + content)

    async def _backend(self, method: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
        path, _, query = target.partition("?")
        child = await asyncio.create_subprocess_exec(
            "git",
            "http-backend",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={
                **GIT_ENVIRONMENT,
                "GIT_PROJECT_ROOT": str(self.root),
                "GIT_HTTP_EXPORT_ALL": "1",
                "REQUEST_METHOD": method,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "CONTENT_TYPE": headers.get("content-type", ""),
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_CONTENT_ENCODING": headers.get("content-encoding", ""),
                "GIT_PROTOCOL": headers.get("git-protocol", ""),
            },
        )
        return (await child.communicate(body))[0]


def all_command_lines() -> str:
    found = []
    for entry in Path("/proc").iterdir():
        try:
            found.append((entry / "cmdline").read_bytes())
        except OSError:
            continue  # not a process, or gone by now
    return b"\n".join(found).decode("utf-8", "replace")


@pytest.fixture
async def server(world: World) -> AsyncIterator[Server]:
    async with serving(Server(world.directory)) as server:
        yield server


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[Server]:
    listener = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield server


async def test_the_authorization_arrives_and_is_nowhere_else(world: World, server: Server) -> None:
    commit = world.origin.commit({"a": b"1"})
    assert await world.mirrors.fetch(REPO, server.remote(), want="main") == commit
    assert await world.mirrors.fetch(REPO, server.remote(), want=commit) == commit
    assert set(server.authorizations) == {AUTHORIZATION}
    assert "http://127.0.0.1" in server.command_lines  # the fetch was seen ...
    assert TOKEN not in server.command_lines  # ... without its secret
    for file in mirror_of(world).rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes()


async def test_a_sha_is_fetched_over_http_from_behind_the_branch(world: World, server: Server) -> None:
    first = world.origin.commit({"a": b"1"})
    world.origin.commit({"a": b"2"})
    assert await world.mirrors.fetch(REPO, server.remote(), want=first) == first


async def test_public_repositories_need_no_authorization(world: World, server: Server) -> None:
    commit = world.origin.commit({"a": b"1"})
    assert await world.mirrors.fetch(REPO, server.remote(None), want="main") == commit
    assert set(server.authorizations) == {None}


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, Denied),
        (403, Denied),
        (404, Gone),
        (301, Gone),
        (410, Gone),
        (429, Unavailable),
        (500, Unavailable),
        (502, Unavailable),
    ],
)
async def test_what_the_server_says_is_translated(
    world: World, server: Server, status: int, error: type[WorldError]
) -> None:
    server.statuses = [status] * 9
    with pytest.raises(error) as caught:
        await world.mirrors.fetch(REPO, server.remote(), want="main")
    assert TOKEN not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert len(server.authorizations) == (3 if error is Unavailable else 1)


async def test_what_passes_is_waited_for(world: World, server: Server) -> None:
    commit = world.origin.commit({"a": b"1"})
    server.statuses = [503, 502]
    assert await world.mirrors.fetch(REPO, server.remote(), want="main") == commit


async def test_nobody_there_is_unavailable(world: World) -> None:
    async with serving(Server(world.directory)) as server:
        remote = server.remote()
    with pytest.raises(Unavailable):
        await world.mirrors.fetch(REPO, remote, want="main")


async def test_a_cancelled_fetch_leaves_nothing_running_and_nothing_locked(world: World, server: Server) -> None:
    commit = world.origin.commit({"a": b"1"})
    server.hangs = True
    fetch = asyncio.create_task(world.mirrors.fetch(REPO, server.remote(), want="main"))
    await server.asked.wait()
    fetch.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetch
    await asyncio.wait_for(server.hung_up.wait(), 10)
    server.hangs = False
    assert await world.mirrors.fetch(REPO, server.remote(), want="main") == commit


async def test_another_process_that_fetches_is_waited_for(world: World, server: Server) -> None:
    """The lock file is held by somebody else; a fetch of another repository does not wait for it."""
    commit = world.origin.commit({"a": b"1"})
    (world.directory / "mirrors").mkdir()
    held = os.open(world.directory / "mirrors/42.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    waiting = asyncio.create_task(world.mirrors.fetch(REPO, server.remote(), want="main"))
    assert await world.mirrors.fetch(Repo(1, 43, "octo/other"), world.remote, want="main") == commit
    assert not waiting.done()
    assert server.authorizations == []
    os.close(held)
    assert await waiting == Sha(commit)


async def test_those_who_wait_for_their_turn_share_one_fetch(world: World, server: Server) -> None:
    commit = world.origin.commit({"a": b"1"})
    await world.mirrors.fetch(REPO, server.remote(), want="main")
    server.authorizations.clear()
    await world.mirrors.fetch(REPO, server.remote(), want="main")
    of_one_fetch = len(server.authorizations)
    server.authorizations.clear()

    held = os.open(world.directory / "mirrors/42.lock", os.O_RDWR)
    fcntl.flock(held, fcntl.LOCK_EX)
    begun = asyncio.create_task(world.mirrors.fetch(REPO, server.remote(), want="main"))
    await asyncio.sleep(0)  # it has its turn now, and waits for the other process
    await asyncio.sleep(0)
    waiting = [asyncio.create_task(world.mirrors.fetch(REPO, server.remote(), want="main")) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    os.close(held)
    assert await begun == commit
    assert [await fetch for fetch in waiting[1:]] == [commit] * 4
    assert waiting[0].cancelled()
    assert len(server.authorizations) == 2 * of_one_fetch


async def test_a_fetch_that_nobody_waits_for_any_more_is_not_made(world: World, server: Server) -> None:
    commit = world.origin.commit({"a": b"1"})
    (world.directory / "mirrors").mkdir()
    held = os.open(world.directory / "mirrors/42.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(held, fcntl.LOCK_EX)
    waiting = [asyncio.create_task(world.mirrors.fetch(REPO, server.remote(), want="main")) for _ in range(2)]
    await asyncio.sleep(0)
    for fetch in waiting:
        fetch.cancel()
    await asyncio.wait(waiting)
    assert all(fetch.cancelled() for fetch in waiting)
    os.close(held)
    assert server.authorizations == []
    assert await world.mirrors.fetch(REPO, server.remote(), want="main") == commit
