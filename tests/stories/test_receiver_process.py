"""`serve` is two processes: one works, one receives. Each is ended, killed and left alone in turn."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from bot.store import tally
from bot.web.beside import LONG_LIFE, MOST_PAUSE, pause
from tests.stories.lives import children
from tests.stories.shell import PATIENCE, Command, FreshProcess, Shell, a_shell
from tests.stories.test_web_process import a_free_port, signed
from tests.stories.test_web_process import listening as has_taken_its_ports
from tests.stories.world import FIXES


class Served:
    """A `serve`, and what can be done to it from outside."""

    def __init__(self, process: Command, shell: Shell, client: aiohttp.ClientSession) -> None:
        self.process = process
        self.shell = shell
        self._client = client

    @property
    def public(self) -> str:
        return f"http://127.0.0.1:{self.shell.env['PORT']}"

    async def get(self, path: str, port: str = "METRICS_PORT") -> tuple[int, str]:
        async with self._client.get(f"http://127.0.0.1:{self.shell.env[port]}{path}") as answer:
            return answer.status, await answer.text()

    async def deliver(self, event: str = "ping") -> int:
        body = b'{"zen": "Design for failure."}'
        async with self._client.post(f"{self.public}/webhook", data=body, headers=signed(event, body)) as answer:
            return answer.status

    def receiver(self) -> int:
        """The only process that it keeps."""
        [child] = children(self.process.pid)
        return child

    async def waits_for(self, what: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not what():
                await self.get("/healthz")

    async def line(self, event: str) -> dict[str, object]:
        """The next line of the log with that event."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while line := await self.process.stderr.readline():
                assert line.startswith(b"{"), line + await self.process.stderr.read(3000)
                said: dict[str, object] = json.loads(line)
                if said["event"] == event:
                    return said
        raise AssertionError(f"{event} was never said")


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def over(pid: int) -> None:
    """Until that process has ended, if it has not yet."""
    try:
        ending = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(ending, ended.set)
    async with asyncio.timeout(PATIENCE):
        await ended.wait()
    asyncio.get_running_loop().remove_reader(ending)
    os.close(ending)


def a_client() -> aiohttp.ClientSession:
    """With a connection for each request: those of a receiver that is killed are gone."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))


@asynccontextmanager
async def serving(directory: Path, **more: str) -> AsyncIterator[Served]:
    async with a_shell(directory, FIXES, FreshProcess) as (solvebot, _, _), a_client() as client:
        solvebot.env |= {"PORT": str(a_free_port()), "METRICS_PORT": str(a_free_port()), **more}
        process = await solvebot.start("serve")
        try:
            await has_taken_its_ports(process)
            served = Served(process, solvebot, client)
            assert (await served.get("/healthz", "PORT"))[0] == 200
            yield served
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def test_it_receives_in_another_process_and_works_what_came_off_at_once(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        assert served.receiver() != served.process.pid
        assert await served.deliver() == 202
        assert await served.get("/readyz") == (200, '{"ready":true,"failing":{}}')
        store = f"sqlite:///{served.shell.env['DATA_DIR']}/solvebot.sqlite"
        await served.waits_for(lambda: in_the_inbox(store) == 0)
        served.process.terminate()
        _, rest = await served.process.communicate()
        assert served.process.returncode == 0, rest.decode()
        assert b"Traceback" not in rest


def in_the_inbox(store: str) -> int:
    return tally.look(store, datetime.now(UTC)).waiting


async def test_a_receiver_that_dies_is_started_again_and_nobody_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        before = served.receiver()
        os.kill(before, signal.SIGKILL)
        assert await served.deliver() == 202  # it waits in the queue of the socket, which the other process holds
        assert await served.line("receiver.died") | {"timestamp": ""} == {
            "event": "receiver.died",
            "level": "error",
            "code": -signal.SIGKILL,
            "starts_again_in": 0.0,
            "timestamp": "",
        }
        assert served.receiver() != before
        assert (await served.get("/readyz"))[0] == 200


async def test_what_is_behind_the_receiver_is_there_where_it_is_wanted(tmp_path: Path) -> None:
    async with serving(tmp_path, API="true") as served:
        assert (await served.get("/api/v1/solves", "PORT"))[0] == 401
        assert (await served.get("/api/v1/solves"))[0] == 404  # where operators ask


async def test_a_receiver_that_hangs_is_not_ready(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        os.kill(served.receiver(), signal.SIGSTOP)
        status, said = await served.get("/readyz")
        assert (status, list(json.loads(said)["failing"])) == (503, ["receiver"])
        os.kill(served.receiver(), signal.SIGCONT)
        assert (await served.get("/readyz"))[0] == 200


async def test_a_receiver_that_is_told_to_end_ends_the_other_in_order(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        os.kill(served.receiver(), signal.SIGTERM)
        _, rest = await served.process.communicate()
        assert served.process.returncode == 0, rest.decode()
        assert b"receiver.died" not in rest


async def test_a_receiver_that_is_alone_ends_and_lets_go_of_the_port(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        receiver = served.receiver()
        served.process.kill()
        await served.process.wait()
        again = await served.shell.start("serve")
        await has_taken_its_ports(again)
        await over(receiver)
        assert (await served.get("/healthz"))[0] == 200  # of the new one
        again.terminate()
        _, rest = await again.communicate()
        assert again.returncode == 0, rest.decode()


async def test_a_signal_to_both_as_a_terminal_sends_it_ends_both(tmp_path: Path) -> None:
    async with serving(tmp_path) as served:
        receiver = served.receiver()
        for pid in (receiver, served.process.pid):
            os.kill(pid, signal.SIGINT)
        _, rest = await served.process.communicate()
        assert served.process.returncode == 0, rest.decode()
        assert not lives(receiver)
        assert b"receiver.died" not in rest


@pytest.mark.parametrize(("deaths", "seconds"), [(1, 0.0), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (1000, 30.0)])
def test_pauses_grow_and_stay_bounded(deaths: int, seconds: float) -> None:
    assert pause(deaths) == seconds
    assert seconds <= MOST_PAUSE < LONG_LIFE
