"""Downloads are kept between set-ups: over real TLS, by a real proxy."""

from __future__ import annotations

import asyncio
import gzip
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.sandbox.local.download_cache import KeptFiles
from tests.contracts.registry_world import CUT_IN_PIECES, IMMUTABLE, MB, WHEEL, Page, read_reply, set_ups

# ------------------------------------------------------------------------------------------------------ what is kept


async def test_a_second_set_up_asks_nobody() -> None:
    content = os.urandom(3 * MB)
    async with set_ups({WHEEL: Page(content, (IMMUTABLE, 'ETag: "a"', "Content-Type: application/zip"))}) as world:
        first = await world.get(WHEEL)
        second = await world.get(WHEEL, sandbox="two")
        assert first.body == second.body == content
        assert world.registry.targets == [WHEEL]
        assert (second.headers["etag"], second.headers["content-type"]) == ('"a"', "application/zip")
        [body] = world.bodies
        assert body.read_bytes() == content
        assert world.arriving == []


async def test_one_connection_takes_many_requests() -> None:
    async with set_ups({WHEEL: Page(b"package"), "/two.whl": Page(b"other")}) as world:
        reader, writer = await world.connect()
        for target, body in (
            (WHEEL, b"package"),
            ("/nowhere", b"not here"),
            ("/two.whl", b"other"),
            (WHEEL, b"package"),
        ):
            writer.write(f"GET {target} HTTP/1.1\r\nHost: {world.registry.host}\r\n\r\n".encode())
            assert (await read_reply(reader)).body == body
        writer.close()


async def test_a_part_of_a_kept_file_is_answered_and_of_another_one_asked_for() -> None:
    part = Page(b"pack", (IMMUTABLE, "Content-Range: bytes 0-3/7"), "206 Partial Content")
    async with set_ups({WHEEL: part}) as world:
        reply = await world.get(WHEEL, "Range: bytes=0-3")
        assert (reply.status, reply.body, world.kept) == (206, b"pack", [])
        assert world.registry.headers(0)["range"] == "bytes=0-3"
        world.registry.pages[WHEEL] = Page(b"package")
        await world.get(WHEEL)
        reply = await world.get(WHEEL, "Range: bytes=-3")
        assert (reply.status, reply.body, reply.headers["content-range"]) == (206, b"age", "bytes 4-6/7")
        assert len(world.registry.heads) == 2


async def test_what_has_not_changed_is_not_sent_again() -> None:
    async with set_ups({WHEEL: Page(b"package", (IMMUTABLE, 'ETag: "a"'))}) as world:
        await world.get(WHEEL)
        assert (await world.get(WHEEL, 'If-None-Match: "a"')).status == 304
        assert (await world.get(WHEEL, method="HEAD")).headers["content-length"] == "7"
        assert len(world.registry.heads) == 1


async def test_an_index_page_is_kept_by_what_is_accepted() -> None:
    page = gzip.compress(b"index")
    kinds = ("Cache-Control: max-age=600", "Vary: Accept, Accept-Encoding", "Content-Encoding: gzip")
    async with set_ups({"/simple/": Page(page, kinds)}) as world:
        for _ in range(2):
            reply = await world.get("/simple/", "Accept: text/html", "Accept-Encoding: gzip")
            assert (gzip.decompress(reply.body), reply.headers["content-encoding"]) == (b"index", "gzip")
        await world.get("/simple/", "Accept: application/json", "Accept-Encoding: gzip")
        await world.get("/simple/", "Accept: text/html", "Accept-Encoding: identity")
        assert len(world.registry.heads) == 3
        assert len(world.bodies) == 1


def test_what_is_too_old_is_not_found(tmp_path: Path) -> None:
    files = KeptFiles(tmp_path, MB)
    with files.arriving(7) as arriving:
        assert arriving is not None
        assert arriving.write(b"package")
        files.keep(arriving, "key", (), 1000.0, 1300.0)
    for now, there in ((1299.0, True), (1300.0, False), (1000.0, False)):
        with files.found("key", now) as kept:
            assert (kept is not None) is there


async def test_an_answer_in_pieces_is_kept() -> None:
    raw = CUT_IN_PIECES + b"3\r\nage\r\n0\r\n\r\n"
    async with set_ups({WHEEL: Page(raw=raw)}) as world:
        assert [(await world.get(WHEEL)).body for _ in range(2)] == [b"package"] * 2
        assert len(world.registry.heads) == 1


async def test_who_asks_for_a_head_gets_a_head() -> None:
    async with set_ups({WHEEL: Page(b"package")}) as world:
        for target, status, length in ((WHEEL, 200, "7"), ("/nowhere", 404, "8"), (f"{WHEEL}?", 400, "27")):
            reply = await world.get(target, method="HEAD")
            assert (reply.status, reply.headers["content-length"]) == (status, length)
        assert world.kept == []


@pytest.mark.parametrize("header", ["Authorization: Basic eDp5", "Cookie: a=b", "Cache-Control: no-cache"])
async def test_who_asks_as_somebody_or_for_something_fresh_gets_it_past_the_cache(header: str) -> None:
    async with set_ups({WHEEL: Page(b"package")}) as world:
        for times in (1, 2):
            assert (await world.get(WHEEL, header)).body == b"package"
            assert len(world.registry.heads) == times
        name, _, said = header.partition(": ")
        assert world.registry.headers(1)[name.lower()] == said
        assert world.kept == []


async def test_git_may_ask_what_to_fetch_and_sends_nothing_else() -> None:
    target = "/owner/name.git/git-upload-pack"
    async with set_ups({target: Page(b"pack")}) as world:
        reply = await world.say(
            f"POST {target} HTTP/1.1\r\nHost: {world.registry.host}\r\nContent-Length: 5\r\n\r\nwant!".encode()
        )
        assert reply.headers["connection"] == "close"  # or git would use it again
        assert (reply.status, reply.body, world.registry.bodies, world.kept) == (200, b"pack", [b"want!"], [])


# ----------------------------------------------------------------------------------------------------- many, and limits


async def test_two_at_once_fetch_once() -> None:
    go = asyncio.Event()
    async with set_ups({WHEEL: Page(b"package", before=go)}) as world:
        both = [asyncio.create_task(world.get(WHEEL, sandbox=sandbox)) for sandbox in ("one", "two")]
        await world.registry.was_asked(1)
        go.set()
        assert [(await each).body for each in both] == [b"package"] * 2
        assert len(world.registry.heads) == 1


async def test_who_reads_slowly_or_goes_away_holds_nobody_up() -> None:
    content, go = os.urandom(4 * MB), asyncio.Event()
    async with set_ups({WHEEL: Page(content, halfway=go)}) as world:
        request = f"GET {WHEEL} HTTP/1.1\r\nHost: {world.registry.host}\r\n\r\n".encode()
        _, slow = await world.connect()
        slow.write(request)
        reader, gone = await world.connect()
        gone.write(request)
        await reader.readuntil(b"\r\n\r\n")
        other = asyncio.create_task(world.get(WHEEL, sandbox="two"))
        gone.transport.abort()
        go.set()
        assert (await other).body == content
        assert len(world.registry.heads) == 1
        slow.transport.abort()


async def test_two_at_once_get_an_answer_each_where_none_is_kept() -> None:
    go = asyncio.Event()
    async with set_ups({"/index": Page(b"index", (), before=go)}) as world:
        both = [asyncio.create_task(world.get("/index", sandbox=sandbox)) for sandbox in ("one", "two")]
        await world.registry.was_asked(1)
        go.set()
        assert [(await each).body for each in both] == [b"index"] * 2


async def test_the_limit_holds_and_what_is_used_stays() -> None:
    pages = {f"/files/p-{n}.whl": Page(os.urandom(100_000)) for n in range(20)}
    async with set_ups(pages, limit=MB) as world:
        await world.get("/files/p-0.whl")
        for target in pages:
            await world.get(target)
            await world.get("/files/p-0.whl")
            assert sum(path.stat().st_size for path in (*world.bodies, *world.kept, *world.arriving)) <= MB
        assert world.registry.targets == list(pages)
        assert (await world.get("/files/p-19.whl")).body == pages["/files/p-19.whl"].body
        assert len(world.registry.heads) == 20
        await world.get("/files/p-1.whl")
        assert len(world.registry.heads) == 21


def test_what_arrives_at_a_time_is_limited(tmp_path: Path) -> None:
    files = KeptFiles(tmp_path, 1000)
    with files.arriving(300) as first, files.arriving(200) as second, files.arriving(1) as third:
        assert first is not None
        assert second is not None
        assert third is None
        assert not second.write(b"a" * 201)
    with files.arriving(500) as alone:
        assert alone is not None


async def test_what_is_larger_than_the_cache_is_passed_on() -> None:
    large = os.urandom(2 * MB)
    pieces = (
        f"HTTP/1.1 200 OK\r\n{IMMUTABLE}\r\nTransfer-Encoding: chunked\r\n\r\n{len(large):x}\r\n".encode()
        + large
        + b"\r\n0\r\n\r\n"
    )
    async with set_ups({WHEEL: Page(large), "/pieces.whl": Page(raw=pieces)}, limit=MB) as world:
        assert (await world.get(WHEEL)).body == large
        assert (world.kept, world.bodies) == ([], [])
        with pytest.raises((asyncio.IncompleteReadError, ValueError, OSError)):
            await world.get("/pieces.whl")
        assert (await world.get("/pieces.whl")).body == large  # once bitten
        assert (world.kept, world.bodies, world.arriving) == ([], [], [])


# ------------------------------------------------------------------------------------------------------ bad disks, kill


@pytest.mark.parametrize("damage", [b"packagE", b"pack", b"", None, b"package and more"])
async def test_a_damaged_file_is_noticed_and_fetched_again(damage: bytes | None) -> None:
    async with set_ups({WHEEL: Page(b"package")}) as world:
        await world.get(WHEEL)
        [body] = world.bodies
        body.unlink() if damage is None else body.write_bytes(damage)
        assert [(await world.get(WHEEL)).body for _ in range(2)] == [b"package"] * 2
        assert len(world.registry.heads) == 2
        assert body.read_bytes() == b"package"


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff", b'{"key": 1}'])
async def test_a_damaged_record_is_noticed_and_fetched_again(damage: bytes) -> None:
    async with set_ups({WHEEL: Page(b"package")}) as world:
        await world.get(WHEEL)
        [record] = world.kept
        record.write_bytes(damage)
        assert [(await world.get(WHEEL)).body for _ in range(2)] == [b"package"] * 2
        assert len(world.registry.heads) == 2


async def test_an_answer_under_another_ones_name_is_not_given(tmp_path: Path) -> None:
    async with set_ups({WHEEL: Page(b"package"), "/other.whl": Page(b"other")}) as world:
        await world.get(WHEEL)
        [wheel] = world.kept
        await world.get("/other.whl")
        [other] = [path for path in world.kept if path != wheel]
        other.replace(wheel)
        assert (await world.get(WHEEL)).body == b"package"


async def test_where_nothing_can_be_written_downloads_work_all_the_same() -> None:
    async with set_ups({WHEEL: Page(b"package")}) as world:
        (world.directory / "downloads").write_text("a file is in the way")
        assert [(await world.get(WHEEL)).body for _ in range(2)] == [b"package"] * 2


HALF_WRITTEN = """
import sys, time
from pathlib import Path
from bot.sandbox.local.download_cache import KeptFiles
with KeptFiles(Path(sys.argv[1]), 1024**2).arriving(100) as arriving:
    arriving.write(b"half")
    print("half", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that has written half of a file."""
    process = subprocess.Popen([sys.executable, "-c", HALF_WRITTEN, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"half\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_kill_leaves_nothing_half(tmp_path: Path, writer: subprocess.Popen[bytes]) -> None:
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    [left] = tmp_path.glob("arriving/*")
    assert left.read_bytes() == b"half"
    with KeptFiles(tmp_path, MB).arriving(7) as arriving:
        assert arriving is not None
        assert list(tmp_path.glob("arriving/*")) == [arriving.path]
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path, writer: subprocess.Popen[bytes]) -> None:
    [its] = tmp_path.glob("arriving/*")
    with KeptFiles(tmp_path, MB).arriving(7):
        assert its in list(tmp_path.glob("arriving/*"))


def test_what_two_processes_keep_is_found_by_both(tmp_path: Path) -> None:
    ours, theirs = KeptFiles(tmp_path, MB), KeptFiles(tmp_path, MB)
    for files, key in ((ours, "a"), (theirs, "b")):
        with files.arriving(None) as arriving:
            assert arriving is not None
            arriving.write(b"same")
            files.keep(arriving, key, (), 0.0, time.time() + 60)
    for files in (ours, theirs):
        for key in ("a", "b"):
            with files.found(key, time.time()) as kept:
                assert kept is not None
