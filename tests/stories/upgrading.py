"""A deployment on this machine as `deploy/up` makes it: PostgreSQL, two receivers, a worker, and Caddy in front."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import random
import shutil
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

import aiohttp

from bot.rollout.releases import LOCK, PARTS
from bot.simulators.github import GitHubSimulator
from tests.stories.shell import Shell, a_shell
from tests.stories.test_check import free_port
from tests.stories.world import FIXES, SECRET
from tests.tools import program

ROOT = Path(__file__).parents[2]
LISTENING = 120.0
_PORTS = 40  # of four processes at most, whose ports are ten apart


@dataclass(slots=True)
class Site:
    solvebot: Shell
    github: GitHubSimulator
    root: Path
    url: str
    ca: Path

    async def up(self, source: Path) -> tuple[int, str]:
        code, out, err = await self.solvebot(
            "up", self.url, "--root", str(self.root), "--source", str(source), "--ca", str(self.ca)
        )
        return code, out + err

    def release(self) -> str:
        return (self.root / "current").resolve().name

    def pids(self) -> dict[str, int]:
        return {path.stem: json.loads(path.read_text())["pid"] for path in (self.root / "run").glob("*.json")}


@dataclass(slots=True)
class Load:
    """Signed deliveries, one after the other, as fast as they are taken. `refused` should stay empty."""

    url: str
    ca: Path
    sent: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    async def send(self, stop: asyncio.Event) -> None:
        trust = ssl.create_default_context(cafile=str(self.ca))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session:
            while not stop.is_set():
                guid = str(uuid4())
                await self._deliver(session, guid)
                self.sent.append(guid)
                await asyncio.sleep(0.02)

    async def _deliver(self, session: aiohttp.ClientSession, guid: str) -> None:
        elsewhere = {"id": 77, "full_name": "octo/elsewhere"}
        body = json.dumps({"action": "archived", "installation": {"id": 1}, "repository": elsewhere}).encode()
        signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "X-GitHub-Event": "repository", "X-GitHub-Delivery": guid, "Content-Type": "application/json",
            "X-Hub-Signature-256": f"sha256={signature}",
        }  # fmt: skip
        try:
            async with session.post(f"{self.url}/webhook", data=body, headers=headers) as answer:
                if answer.status >= 300:
                    self.refused.append(f"{answer.status} {await answer.text()}")
        except aiohttp.ClientError as error:
            self.refused.append(repr(error))


def copy_of_this(into: Path, *, version: str) -> Path:
    """A clone as it could be released, with a version of its own."""
    into.mkdir()
    for part in PARTS:
        whole = ROOT / part
        if whole.is_dir():
            shutil.copytree(whole, into / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(whole, into / part)
    init = into / "bot/__init__.py"
    init.write_text(init.read_text().replace('__version__ = "', f'__version__ = "{version}+'))
    return into


def share_environment(root: Path) -> None:
    """What the lock file describes is there already: the tests' own."""
    digest = hashlib.sha256(LOCK.encode() + b"\0" + (ROOT / LOCK).read_bytes()).hexdigest()[:16]
    place = root / "environments" / f"{sys.version_info.major}.{sys.version_info.minor}-{digest}"
    place.mkdir(parents=True)
    (place / ".venv").symlink_to(sys.prefix)


def free_ports() -> int:
    """The first of enough for a deployment, below those that the kernel gives to whoever connects from here."""
    for first in random.sample(range(20_000, 32_000, _PORTS), 100):
        with suppress(OSError), ExitStack() as taken:
            for port in range(first, first + _PORTS):
                taken.enter_context(socket.create_server(("127.0.0.1", port)))
            return first
    raise AssertionError("no ports are free")


@asynccontextmanager
async def a_site(directory: Path, database_url: str) -> AsyncIterator[Site]:
    root, port, tls = directory / "site", free_ports(), free_port()
    root.mkdir()
    share_environment(root)
    async with a_shell(directory, FIXES) as (solvebot, _, github):
        backups = directory / "backups"
        backups.mkdir()
        (backups / "monday").touch()
        own = {
            "DATABASE_URL": database_url, "PORT": str(port), "SWEEP_INTERVAL": "0", "DATA_DIR": str(root / "data"),
            "BACKUP_DIR": str(backups), "STOP_SECONDS": "5",
        }  # fmt: skip
        solvebot.env |= own
        code, _, err = await solvebot(
            "models", "add", "fixer", "simulated/fixer", "--provider", "simulator", "--input", "1", "--output", "4",
            "--prior", "0.75",
        )  # fmt: skip
        assert code == 0, err
        github.webhooks.url = f"http://127.0.0.1:{port}/webhook"
        async with caddy(directory / "caddy", tls, port) as ca:
            url = f"https://localhost:{tls}"
            site = Site(solvebot, github, root, url, ca)
            try:
                yield site
            finally:
                for pid in site.pids().values():
                    os.kill(pid, signal.SIGKILL)


@asynccontextmanager
async def caddy(home: Path, tls: str, port: int) -> AsyncIterator[Path]:
    """The Caddyfile as it is in deploy/, with Caddy's own CA. Yields the CA's certificate."""
    home.mkdir()
    text = (ROOT / "deploy/Caddyfile").read_text()
    options = "{\n\tadmin off\n\tauto_https disable_redirects\n\tskip_install_trust\n"
    (home / "Caddyfile").write_text(text.replace("{\n", options, 1))
    env = {
        "HOME": str(home), "XDG_DATA_HOME": str(home), "XDG_CONFIG_HOME": str(home), "PATH": os.environ["PATH"],
        "SOLVEBOT_HOST": f"https://localhost:{tls}", "SOLVEBOT_WEB": f"127.0.0.1:{port} 127.0.0.1:{port + 10}",
    }  # fmt: skip
    with (home / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
        program("caddy"), "run", "--config", str(home / "Caddyfile"), "--adapter", "caddyfile", env=env,
        stdout=asyncio.subprocess.DEVNULL, stderr=log,
    )  # fmt: skip
    ca = home / "caddy/pki/authorities/local/root.crt"
    try:
        async with asyncio.timeout(LISTENING):
            while not await _speaks_tls(int(tls), ca):  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.1)
        yield ca
    finally:
        process.terminate()
        await process.wait()


async def _speaks_tls(port: int, ca: Path) -> bool:
    """With a certificate, which takes it a moment."""
    try:
        trust = ssl.create_default_context(cafile=str(ca))
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trust, server_hostname="localhost")
    except OSError:
        return False
    writer.close()
    return True
