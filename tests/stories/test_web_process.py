"""`solvebot web` as a process: what it loads, and what it does with a database that is not up to date."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import socket
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from bot.store.schema import found_revision, newest_revision
from tests.stories.shell import PATIENCE, Command, FreshProcess, Shell
from tests.stories.world import KEY, SECRET

TOO_HEAVY = {"dbos", "sqlalchemy", "alembic", "githubkit", "minisweagent", "e2b", "httpx", "cryptography", "psycopg"}
TOO_HEAVY |= {
    "bot.app",
    "bot.assembly",
    "bot.adapters",
    "bot.engine",
    "bot.agent",
    "bot.sandbox",
    "bot.solve",
    "bot.intake",
    "bot.github.client",
}
_IMPORTED = re.compile(rb"import time: +\d+ \| +\d+ \| *([\w.]+)$", re.MULTILINE)


def a_free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def solvebot(tmp_path: Path) -> Shell:
    env = {
        "GITHUB_APP_ID": "1",
        "GITHUB_PRIVATE_KEY": KEY,
        "GITHUB_WEBHOOK_SECRET": SECRET,
        "MODEL_API_KEY": "sk-or-1",
        "DATA_DIR": str(tmp_path / "data"),
        "PORT": str(a_free_port()),
        "METRICS_PORT": str(a_free_port()),
    }
    return FreshProcess(tmp_path, env)


def signed(event: str, body: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "X-GitHub-Delivery": f"guid-of-{event}",
        "X-GitHub-Event": event,
        "X-Hub-Signature-256": f"sha256={hmac.new(SECRET.encode(), body, 'sha256').hexdigest()}",
    }


async def answers(solvebot: Shell) -> dict[str, str]:
    """What each address says of a bot that has just been started."""
    public, private = solvebot.env["PORT"], solvebot.env["METRICS_PORT"]
    body = json.dumps({"action": "labeled", "issue": {"number": 1}, "label": {"name": "solve-me"}}).encode()
    found = {}
    async with aiohttp.ClientSession() as client, asyncio.timeout(PATIENCE):
        async with client.post(f"http://127.0.0.1:{public}/webhook", data=body, headers=signed("issues", body)) as said:
            found["webhook"] = f"{said.status} {await said.text()}"
        for port, path in ((public, "/healthz"), (private, "/readyz"), (private, "/metrics")):
            async with client.get(f"http://127.0.0.1:{port}{path}") as said:
                found[path] = await said.text()
    return found


async def listening(process: Command) -> bytes:
    assert process.stderr is not None
    said = b""
    async with asyncio.timeout(PATIENCE):
        while said.count(b'"listening"') < 2:
            line = await process.stderr.readline()
            assert line, said.decode()
            said += line
    return said


async def test_it_loads_nothing_that_only_work_needs(solvebot: Shell) -> None:
    """The interpreter itself tells what is imported, from the start to the end."""
    code, _, err = await solvebot("migrate")
    assert code == 0, err
    solvebot.env["PYTHONPROFILEIMPORTTIME"] = "1"
    web = await solvebot.start("web")
    said = await listening(web)
    found = await answers(solvebot)
    web.terminate()
    _, rest = await web.communicate()
    assert web.returncode == 0, rest.decode()
    loaded = {name.decode() for name in _IMPORTED.findall(said + rest)}
    assert {"bot.web.webhook", "bot.inbox", "uvicorn.server", "prometheus_client"} <= loaded  # so that it does look
    assert {name for name in loaded if not TOO_HEAVY.isdisjoint({name, *above(name)})} == set()
    assert found["webhook"] == "202 accepted\n"
    assert found["/healthz"] == "ok\n"
    assert json.loads(found["/readyz"]) == {"ready": True, "failing": {}}
    assert "solvebot_database_answers 1.0" in found["/metrics"]
    assert "solvebot_deliveries_waiting 1.0" in found["/metrics"]
    assert f'schema="{newest_revision()}"' in found["/metrics"]


def above(name: str) -> set[str]:
    """bot.engine.steps -> bot.engine, bot"""
    parts = name.split(".")
    return {".".join(parts[:length]) for length in range(1, len(parts))}


async def test_a_database_that_is_not_there_yet_is_made(solvebot: Shell, tmp_path: Path) -> None:
    web = await solvebot.start("web")
    await listening(web)
    assert (await answers(solvebot))["webhook"] == "202 accepted\n"
    assert found_revision(f"sqlite:///{tmp_path / 'data/solvebot.sqlite'}") == newest_revision()
    web.terminate()
    _, rest = await web.communicate()
    assert web.returncode == 0, rest.decode()
