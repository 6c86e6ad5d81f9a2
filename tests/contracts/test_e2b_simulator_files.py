"""Files of the E2B simulator, as the real SDK sees them."""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import AsyncIterator

import aiohttp
import httpx
import pytest
from e2b import (
    AsyncSandbox,
    AuthenticationException,
    FileNotFoundException,
    FileType,
    InvalidArgumentException,
    NotEnoughSpaceException,
    SandboxException,
)

from bot.simulators.e2b import BOUNDLESS, World
from tests.contracts.e2b_world import Account, account, until

pytestmark = pytest.mark.namespaces
LARGE = os.urandom(5_000_000)


@pytest.fixture
async def acme() -> AsyncIterator[Account]:
    async with account() as acme:
        yield acme


@pytest.fixture
async def sandbox(acme: Account) -> AsyncSandbox:
    return await acme.create()


async def test_what_is_written_can_be_read(sandbox: AsyncSandbox) -> None:
    written = await sandbox.files.write("deep/below/ü \"quoted\" 'x'.txt", "grüße\r\n--boundary\n")
    assert written.path == "/home/user/deep/below/ü \"quoted\" 'x'.txt"
    assert await sandbox.files.read(written.path) == "grüße\r\n--boundary\n"
    await sandbox.files.write("/tmp/large", LARGE)
    assert bytes(await sandbox.files.read("/tmp/large", format="bytes")) == LARGE
    await sandbox.files.write("/tmp/large", "short")
    assert (await sandbox.commands.run("cat /tmp/large; stat -c %U:%a /tmp/large")).stdout == "shortuser:644\n"
    await sandbox.files.write("empty", b"")
    assert await sandbox.files.read("empty") == ""


async def test_whose_home_a_path_is_in(sandbox: AsyncSandbox) -> None:
    await sandbox.files.write("~/x", "user's")
    await sandbox.files.write("x", "root's", user="root")
    assert await sandbox.files.read("/home/user/x") == "user's"
    assert await sandbox.files.read("/root/x") == "root's"
    with pytest.raises(AuthenticationException):
        await sandbox.files.read("x", user="nobody-knows")


async def test_several_files_in_one_request(acme: Account, sandbox: AsyncSandbox) -> None:
    files = [{"path": f"many/{n}.bin", "data": LARGE[: n * 1000]} for n in range(5)]
    written = await sandbox.files.write_files(files)  # type: ignore[arg-type]
    assert [entry.path for entry in written] == [f"/home/user/many/{n}.bin" for n in range(5)]
    assert bytes(await sandbox.files.read("many/4.bin", format="bytes")) == LARGE[:4000]
    assert acme.requests("files_write") == [200]


@pytest.mark.parametrize("packed", [False, True])
async def test_streams_in_and_out(sandbox: AsyncSandbox, packed: bool) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(LARGE), 100_000):
            yield LARGE[start : start + 100_000]

    await sandbox.files.write("streamed", pieces(), gzip=packed)
    await sandbox.files.write("file", io.BytesIO(LARGE), gzip=packed)
    async with await sandbox.files.read("streamed", format="stream", gzip=packed) as stream:
        assert b"".join([piece async for piece in stream]) == LARGE
    assert bytes(await sandbox.files.read("file", format="bytes", gzip=packed)) == LARGE


async def test_who_stops_reading_does_no_harm(sandbox: AsyncSandbox) -> None:
    await sandbox.files.write("large", LARGE)
    stream = await sandbox.files.read("large", format="stream")
    await anext(stream)
    await stream.aclose()

    async def is_closed() -> bool:
        return (await sandbox.commands.run("ls -l /proc/1/fd | grep -c large || true")).stdout == "0\n"

    await until(is_closed)


async def test_a_sandbox_killed_under_a_download(sandbox: AsyncSandbox) -> None:
    await sandbox.files.write("large", LARGE * 4)
    stream = await sandbox.files.read("large", format="stream")
    await anext(stream)
    await sandbox.kill()
    with pytest.raises(httpx.TransportError):
        _ = [piece async for piece in stream]


async def test_files_that_have_no_size(sandbox: AsyncSandbox) -> None:
    assert "Pid:\t1\n" in await sandbox.files.read("/proc/1/status")


async def test_what_is_there(sandbox: AsyncSandbox) -> None:
    await sandbox.commands.run(
        "mkdir -p top/sub; echo 1 >top/a; chmod 600 top/a; ln -s a top/link; ln -s /none top/gone"
    )
    await sandbox.files.write("top/sub/deep", "x")
    assert [entry.path for entry in await sandbox.files.list("top", depth=2)] == [
        f"/home/user/top/{name}" for name in ("a", "link", "sub", "sub/deep")
    ]
    entry = await sandbox.files.get_info("top/a")
    assert (entry.name, entry.type, entry.size, entry.permissions, entry.owner) == (
        "a",
        FileType.FILE,
        2,
        "-rw-------",
        "user",
    )
    assert (await sandbox.files.get_info("top/link")).symlink_target == "a"
    assert (await sandbox.files.get_info("top/sub")).type is FileType.DIR
    assert await sandbox.files.exists("top/a")
    assert not await sandbox.files.exists("top/b")
    with pytest.raises(FileNotFoundException):
        await sandbox.files.list("nowhere")
    with pytest.raises(InvalidArgumentException):
        await sandbox.files.list("top/a")


async def test_times_and_trees_beyond_all_measure(sandbox: AsyncSandbox) -> None:
    far = "/dev/shm/far"  # where the file system takes it
    await sandbox.commands.run(f"touch -d @99999999999999 {far}; mkdir -p $(printf 'd/%.0s' {{1..1500}})")
    assert (await sandbox.files.get_info(far)).modified_time.year == 9999
    with pytest.raises(InvalidArgumentException):
        await sandbox.files.remove("d")
    assert (await sandbox.commands.run("rm -r d && echo gone")).stdout == "gone\n"


async def test_making_moving_and_removing(sandbox: AsyncSandbox) -> None:
    assert await sandbox.files.make_dir("one/two")
    assert not await sandbox.files.make_dir("one/two")
    await sandbox.files.write("one/two/x", "x")
    moved = await sandbox.files.rename("one/two", "elsewhere/now")
    assert (moved.path, await sandbox.files.read("elsewhere/now/x")) == ("/home/user/elsewhere/now", "x")
    await sandbox.commands.run("ln -s /etc elsewhere/etc")
    await sandbox.files.remove("elsewhere")
    assert not await sandbox.files.exists("elsewhere")
    assert await sandbox.files.exists("/etc/passwd")
    await sandbox.files.remove("elsewhere")  # nothing there: fine
    with pytest.raises(FileNotFoundException):
        await sandbox.files.rename("nowhere", "x")


async def test_what_cannot_be_read_or_written(sandbox: AsyncSandbox) -> None:
    await sandbox.commands.run("mkfifo pipe; ln -s loop loop; echo x >secret; chmod 000 secret")
    for path in ("nowhere", "/proc/self/none"):
        with pytest.raises(FileNotFoundException):
            await sandbox.files.read(path)
    for path in ("a\0b", "/home/user", "pipe", "loop", "/dev/zero"):
        with pytest.raises(InvalidArgumentException):
            await sandbox.files.read(path)
    for path in ("a\0b", "/tmp", "pipe", "secret/below"):
        with pytest.raises(InvalidArgumentException):
            await sandbox.files.write(path, "x")
    for path in ("secret", "/usr/x"):
        with pytest.raises(SandboxException):
            await sandbox.files.write(path, "x")
    await sandbox.commands.run("exec true")  # and nothing hangs


async def test_a_file_that_does_not_fit() -> None:
    async with account(World(plan=BOUNDLESS, file_bytes=1_000_000)) as acme:
        sandbox = await acme.create()
        with pytest.raises(NotEnoughSpaceException):
            await sandbox.files.write("large", LARGE)
        assert (await sandbox.commands.run("head -c 2000000 /dev/zero >large; stat -c %s large")).stdout == "1000000\n"


async def test_signed_links(acme: Account, sandbox: AsyncSandbox) -> None:
    await sandbox.files.write("a b/ü.txt", "for everybody")
    download, upload = sandbox.download_url("a b/ü.txt", use_signature_expiration=60), sandbox.upload_url("new")
    async with aiohttp.ClientSession() as browser:
        async with browser.get(download) as answer:
            assert (answer.status, await answer.text()) == (200, "for everybody")
        form = aiohttp.FormData()
        form.add_field("file", b"uploaded", filename="whatever")
        async with browser.post(upload, data=form) as answer:
            assert answer.status == 200
        assert await sandbox.files.read("new") == "uploaded"
        for wrong in (download.replace("%20b", "%20c"), upload, download.replace("signature=v1_", "signature=v1_x")):
            async with browser.get(wrong) as answer:
                assert answer.status == 401
        acme.service.clock.advance(61)
        async with browser.get(download) as answer:
            assert answer.status == 401


async def test_bytes_that_are_not_packed_as_they_claim(acme: Account, sandbox: AsyncSandbox) -> None:
    headers = {
        "E2b-Sandbox-Id": sandbox.sandbox_id,
        "X-Access-Token": acme.service.machines[sandbox.sandbox_id].token,
        "Content-Type": "application/octet-stream",
        "Content-Encoding": "gzip",
    }
    url = f"{acme.service.url}/files?path=x"
    async with aiohttp.ClientSession(headers=headers) as client:
        for body in (b"plain", gzip.compress(LARGE[:1000])[:-10]):
            async with client.post(url, data=body) as answer:
                assert answer.status == 400
        async with client.post(url, data=gzip.compress(b"fine")) as answer:
            assert answer.status == 200
    assert await sandbox.files.read("x") == "fine"
