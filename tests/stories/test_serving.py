"""`serve` and `web` where their address is not to be had, and where it is."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest
from structlog.testing import capture_logs

from bot.web.listening import CannotListen, listening
from tests.stories.shell import PATIENCE, Shell, a_shell
from tests.stories.world import FIXES, KEY, SECRET


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        yield other.getsockname()[1]


def _free_port(host: str) -> int:
    with closing(socket.create_server((host, 0))) as free:
        return int(free.getsockname()[1])


@pytest.mark.parametrize("command", ["serve", "web"])
async def test_a_taken_port_is_one_clear_sentence_before_anything_is_begun(
    command: str, taken: int, tmp_path: Path
) -> None:
    env = {
        "GITHUB_APP_ID": "1",
        "GITHUB_PRIVATE_KEY": KEY,
        "GITHUB_WEBHOOK_SECRET": SECRET,
        "MODEL_API_KEY": "sk-or-1",
        "PORT": str(taken),
    }
    code, _, err = await Shell(tmp_path, env)(command)
    assert code == 2
    assert len(err.splitlines()) == 2
    assert f"port {taken}: address already in use" in err
    assert "set PORT to a free one" in err
    assert list(tmp_path.iterdir()) == []


async def test_a_worker_tells_how_it_does_where_it_is_asked_to(tmp_path: Path) -> None:
    async with a_shell(tmp_path, FIXES) as (solvebot, _, _):
        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            solvebot.env["WORKER_PORT"] = str(free.getsockname()[1])
            code, _, err = await solvebot("worker")
            assert (code, "set WORKER_PORT to a free one" in err) == (2, True), err
        worker = await solvebot.start("worker")
        assert worker.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while b'"listening"' not in await worker.stderr.readline():
                pass
        async with aiohttp.ClientSession(f"http://127.0.0.1:{solvebot.env['WORKER_PORT']}") as client:
            async with asyncio.timeout(PATIENCE), client.get("/readyz") as ready:
                assert ready.status == 200
            async with client.get("/metrics") as metrics:
                assert "solvebot_database_answers 1.0" in await metrics.text()
            async with client.post("/webhook") as webhook:
                assert webhook.status == 404
        worker.terminate()
        assert await worker.wait() == 0


@pytest.mark.parametrize("command", ["serve", "web"])
async def test_strangers_are_told_nothing_but_that_it_lives(command: str, tmp_path: Path) -> None:
    async with a_shell(tmp_path, FIXES) as (solvebot, _, _):
        public, private = _free_port("127.0.0.1"), _free_port("127.0.0.2")
        solvebot.env |= {"PORT": str(public), "METRICS_HOST": "127.0.0.2", "METRICS_PORT": str(private)}
        server = await solvebot.start(command)
        assert server.stderr is not None
        async with asyncio.timeout(PATIENCE):
            for _ in range(2):
                while b'"listening"' not in await server.stderr.readline():
                    pass
            async with aiohttp.ClientSession() as client:
                for path, status in {"/healthz": 200, "/readyz": 404, "/metrics": 404, "/": 404, "/docs": 404}.items():
                    async with client.get(f"http://127.0.0.1:{public}{path}") as answer:
                        assert (path, answer.status) == (path, status)
                async with client.get(f"http://127.0.0.2:{private}/readyz") as answer:
                    assert await answer.json() == {"ready": True, "failing": {}}
                async with client.get(f"http://127.0.0.2:{private}/metrics") as answer:
                    assert "solvebot_database_answers 1.0" in await answer.text()
                async with client.post(f"http://127.0.0.2:{private}/webhook") as answer:
                    assert answer.status == 404
        server.terminate()
        assert await server.wait() == 0


async def test_a_taken_metrics_port_is_one_clear_sentence_too(taken: int, tmp_path: Path) -> None:
    async with a_shell(tmp_path, FIXES) as (solvebot, _, _):
        solvebot.env |= {"PORT": "0", "METRICS_PORT": str(taken)}
        code, _, err = await solvebot("serve")
    assert (code, "set METRICS_PORT to a free one" in err) == (2, True), err


@pytest.mark.parametrize(
    ("host", "port", "told"),
    [
        ("127.0.0.1", 70_000, "no such port"),  # which is 4464 to the resolver
        ("192.0.2.1", 8000, "cannot assign requested address"),
        ("no.such.host.invalid", 8000, "no such address"),
        ("a..b", 8000, "no such address"),
    ],
)
def test_what_is_no_address_of_this_machine(host: str, port: int, told: str) -> None:
    with pytest.raises(CannotListen, match=told) as refused, listening(host, port):
        pass
    assert "Set " in refused.value.remedy


def test_the_log_says_where() -> None:
    with capture_logs() as said, listening("127.0.0.1", 0) as [listener]:
        port = listener.getsockname()[1]
    assert said == [{"event": "listening", "log_level": "info", "host": "127.0.0.1", "port": port}]


def test_it_listens_at_once_and_nobody_else_gets_the_port() -> None:
    with listening("127.0.0.1", 0) as [listener]:
        port = listener.getsockname()[1]
        with closing(socket.create_connection(("127.0.0.1", port))):
            pass
        with pytest.raises(CannotListen, match="in use"), listening("127.0.0.1", port):
            pass
        assert listener.proto == socket.IPPROTO_TCP  # or asyncio leaves Nagle's algorithm on
    with listening("127.0.0.1", port):
        pass
