"""`serve` and `web` where their address is not to be had, and where it is."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.web.listening import CannotListen, listening
from tests.stories.shell import Shell
from tests.stories.world import KEY, SECRET


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that another program listens on."""
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        yield other.getsockname()[1]


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
