"""`solvebot check` against a bot that serves: on loopback, and behind something that speaks TLS."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bot.sandbox.local.certificate_authority import Authority
from tests.stories.shell import PATIENCE, Shell, a_shell
from tests.stories.world import FIXES


def free_port() -> str:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return str(free.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Served:
    solvebot: Shell
    url: str
    operators: str

    async def checked(self, url: str, *options: str) -> tuple[int, dict[str, Any]]:
        code, out, err = await self.solvebot("check", url, "--operators", self.operators, "--json", *options)
        assert out, err
        found = json.loads(out)
        assert found["exit_code"] == code
        return code, {suite["name"]: suite for suite in found["suites"]}


@asynccontextmanager
async def served(directory: Path) -> AsyncIterator[Served]:
    async with a_shell(directory, FIXES) as (solvebot, _, _):
        (directory / "backups").mkdir()
        (directory / "backups" / "monday").touch()
        solvebot.env |= {"PORT": free_port(), "METRICS_PORT": free_port(), "BACKUP_DIR": str(directory / "backups")}
        server = await solvebot.start("serve")
        at = Served(
            solvebot, f"http://127.0.0.1:{solvebot.env['PORT']}", f"http://127.0.0.1:{solvebot.env['METRICS_PORT']}"
        )
        assert server.stderr is not None
        async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as client:
            for _ in range(2):
                while b'"listening"' not in await server.stderr.readline():
                    pass
            async with client.get(f"{at.operators}/readyz") as ready:
                assert ready.status == 200
        try:
            yield at
        finally:
            server.terminate()
            await server.wait()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def tls(authority: Authority, port: int) -> AsyncIterator[str]:
    """TLS in front of a port, and nothing else that a proxy should do."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(_pipe(reader, behind[1]), _pipe(behind[0], writer))

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=authority.context("localhost"))
    async with server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"


async def test_what_works_what_does_not_and_what_nobody_could_look_at(tmp_path: Path) -> None:
    async with served(tmp_path) as at:
        code, found = await at.checked(at.url)
        assert {name: suite["verdict"] for name, suite in found.items()} == {
            "tls": "unseen",
            "health": "good",
            "surface": "good",
            "webhook": "good",
            "metrics": "good",
            "database": "good",
            "engine": "good",
            "sandboxes": "bad" if at.solvebot.env["RUN_UNTRUSTED_CODE_WITHOUT_ISOLATION"] == "True" else "good",
            "models": "unseen",
            "backups": "good",
        }, found
        assert code == (1 if found["sandboxes"]["verdict"] == "bad" else 3)

        authority = Authority()
        (tmp_path / "ca.pem").write_bytes(authority.certificate)
        at.solvebot.env["GITHUB_WEBHOOK_SECRET"] = "another secret than the bot's own"
        async with tls(authority, int(at.solvebot.env["PORT"])) as url:
            code, found = await at.checked(url, "--ca", str(tmp_path / "ca.pem"))
            assert code == 1
            told = [each["said"] for each in found["tls"]["findings"] if each["verdict"] == "bad"]
            assert told == ["Strict-Transport-Security is missing or short"]
            told = [each["said"] for each in found["webhook"]["findings"] if each["verdict"] != "good"]
            assert told == ["a signed ping gets 401, not 202"]
            code, found = await at.checked(url)
            assert "Certificate" in found["tls"]["findings"][0]["said"]


async def test_nobody_there_and_no_address(tmp_path: Path) -> None:
    solvebot = Shell(tmp_path, {})
    code, out, _ = await solvebot("check", f"http://127.0.0.1:{free_port()}")
    assert code == 1
    assert "/healthz does not answer" in out
    assert "Something is broken." in out
    code, _, err = await solvebot("check", "bot.example.com")
    assert (code, "starts with https://" in err) == (2, True), err
