"""Set-ups in real sandboxes, with real tools: the second one downloads nothing, and neither can reach what is kept."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.adapters import our_toolchain
from bot.core.model import SandboxId
from bot.ports import Finished
from bot.sandbox.local.bubblewrap import BubblewrapSandboxes
from bot.sandbox.local.registry_downloads import DownloadOptions
from tests.contracts.local_sandboxes import bubblewrap, public_directory
from tests.contracts.registry_world import MB, Page, Registry, registry

pytestmark = pytest.mark.namespaces

SOON = 60.0
FETCH = """python3 -c '
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1]).read().decode())
' """


@dataclass(slots=True)
class World:
    registry: Registry
    sandboxes: BubblewrapSandboxes
    directory: Path
    made: int = 0

    async def set_up(self, command: str, *, hosts: list[str] | None = None) -> Finished:
        """In a sandbox of its own."""
        self.made += 1
        id = SandboxId(f"set-up-{self.made}")
        await self.sandboxes.create(id)
        done = await self.sandboxes.run(
            id, command, timeout=SOON, network=[self.registry.host] if hosts is None else hosts
        )
        await self.sandboxes.close(id)
        return done


@asynccontextmanager
async def world(pages: dict[str, Page]) -> AsyncIterator[World]:
    with public_directory() as directory:
        async with registry(pages) as its:
            options = DownloadOptions(directory / "downloads", 8 * MB, allow_private=True, trust=its.trust)
            (directory / "sandboxes").mkdir(mode=0o711)
            sandboxes = bubblewrap(
                directory / "sandboxes",
                allow_private=True,
                downloads=options,
                toolchains=(our_toolchain(directory / "toolchain"),),
            )
            yield World(its, sandboxes, directory)


def wheel(name: str) -> bytes:
    """A package with one module, as `pip wheel` makes it."""
    information = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "ANSWER = 42\n",
        f"{information}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{information}/WHEEL": "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{information}/RECORD"
    files[record] = "".join(f"{path},,\n" for path in (*files, record))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return buffer.getvalue()


async def test_uv_installs_twice_and_downloads_once() -> None:
    content = wheel("package")
    file = "/files/package-1.0-py3-none-any.whl"
    index = f'<a href="{file}#sha256={hashlib.sha256(content).hexdigest()}">package-1.0-py3-none-any.whl</a>'
    pages = {
        "/simple/package/": Page(index.encode(), ("Content-Type: text/html", "Cache-Control: max-age=600")),
        file: Page(content, ("Content-Type: application/zip", "Cache-Control: max-age=365000000, immutable")),
    }
    async with world(pages) as its:
        command = (
            "uv venv -q ~/venv && UV_CONCURRENT_DOWNLOADS=1 "
            f"uv pip install -q --python ~/venv/bin/python --index-url {its.registry.url}/simple package && "
            "~/venv/bin/python -c 'import package; print(package.ANSWER)'"
        )
        for _ in range(2):
            done = await its.set_up(command)
            assert (done.exit_code, done.output) == (0, "42\n")
            assert sorted(head.split(" HTTP")[0] for head in its.registry.heads) == [
                *(f"GET {file}", "GET /simple/package/", f"HEAD {file}"),  # of the first one
            ]


async def test_what_one_set_up_downloads_another_one_gets() -> None:
    async with world({"/package-1.0.whl": Page(b"package")}) as its:
        for _ in range(2):
            done = await its.set_up(f"{FETCH} {its.registry.url}/package-1.0.whl")
            assert (done.exit_code, done.output) == (0, "package\n")
        assert its.registry.targets == ["/package-1.0.whl"]


async def test_no_sandbox_sees_what_is_kept_or_can_change_whom_it_trusts() -> None:
    async with world({"/package-1.0.whl": Page(b"package")}) as its:
        look = (
            f"{FETCH} {its.registry.url}/package-1.0.whl; ls {its.directory}/downloads; "
            "grep -c downloads /proc/mounts; echo x > $SSL_CERT_FILE; rm -f $SSL_CERT_FILE; "
            "find / -name bodies -o -name answers -o -name arriving 2>&-"
        )
        lines = (await its.set_up(look)).output.splitlines()
        assert lines[0] == "package"
        assert "No such file" in lines[1]
        assert lines[2] == "0"
        assert ["Read-only file system" in line or "Permission denied" in line for line in lines[3:]] == [True, True]
        assert len(list((its.directory / "downloads" / "answers").iterdir())) == 1
        assert (await its.set_up(f"{FETCH} {its.registry.url}/package-1.0.whl")).output == "package\n"


async def test_whom_to_trust_is_said_only_where_there_is_a_network() -> None:
    async with world({}) as its:
        names = "SSL_CERT_FILE REQUESTS_CA_BUNDLE PIP_CERT CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS npm_config_cafile"
        ask = f"for name in {names} GIT_SSL_CAINFO CARGO_HTTP_CAINFO; do echo ${{!name}}; done; ls -A /run 2>&-"
        open_, closed = await its.set_up(ask), await its.set_up(ask, hosts=[])
        assert open_.output.split() == [
            *["/run/certificates.pem"] * 8,
            *("certificates.p12", "certificates.pem", "forwarder.py", "proxy.sock"),
        ]
        assert closed.output.split() == []


async def test_a_tool_that_trusts_nobody_but_its_own_is_let_through_the_second_time() -> None:
    async with world({"/package-1.0.whl": Page(b"package")}) as its:
        its_own = its.registry.authority.certificate.decode()
        command = (
            f"export SSL_CERT_FILE=$HOME/its-own.pem; echo '{its_own}' > $SSL_CERT_FILE; "
            f"for i in 1 2; do {FETCH} {its.registry.url}/package-1.0.whl 2>&1 | tail -n 1; done"
        )
        first, second = (await its.set_up(command)).output.splitlines()
        assert "CERTIFICATE_VERIFY_FAILED" in first
        assert second == "package"
        assert not (its.directory / "downloads").exists()
