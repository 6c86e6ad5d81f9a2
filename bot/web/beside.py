"""`serve` receives in a process of its own: what the work does to its event loop, no delivery waits for.

The process that works starts it and keeps it: it hands over the sockets, which both hold, so that nobody is refused
while it is started again, and the settings through a pipe. That pipe stays open: whoever is at its end when it closes
is alone, and ends. Through another one the receiver says that something is written; what was written goes through the
database, as between machines.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

from bot import logs
from bot.clock import SYSTEM_CLOCK
from bot.core.text.outgoing import Redactor
from bot.inbox import Inbox, open_inbox
from bot.ports import AlarmClock, HostBroken
from bot.settings import Settings
from bot.web.receiving import for_anybody, known_heads
from bot.web.serving import Sockets, keep_for_good, served

log: structlog.stdlib.BoundLogger = structlog.get_logger()

MOST_PAUSE = 30.0  # seconds between two starts
LONG_LIFE = 60.0  # seconds, after which the next death is the first again
STOP_SECONDS = 10.0  # for the deliveries under way
_LENGTH = 8  # bytes
_HERE = str(Path(__file__).resolve().parents[2])
_START = "import sys; sys.path.insert(0, sys.argv[1]); from bot.web.beside import main; main(sys.argv[2:])"


def pause(deaths: int) -> float:
    """Seconds until it is started again after so many deaths in a row: at once, then ever more rarely."""
    return min(2.0 ** (deaths - 2), MOST_PAUSE) if deaths > 1 else 0.0


class Beside:
    """The receiver, as the process that works sees it."""

    def __init__(self, settings: Settings, sockets: Sockets, clock: AlarmClock = SYSTEM_CLOCK) -> None:
        self._settings = settings
        self._sockets = sockets
        self._clock = clock
        self.pid = 0

    async def answers(self) -> None:
        """A readiness check. Raises `HostBroken`."""
        address = self._sockets[0].getsockname()[:2]
        try:
            reader, writer = await asyncio.open_connection(*address)
            try:
                writer.write(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
                answer = await reader.readline()
            finally:
                writer.close()
        except OSError as error:
            raise HostBroken(f"the process that receives: {error}", remedy="Look at the log.") from error
        if b" 200 " not in answer:
            raise HostBroken(f"the process that receives answers {answer!r}", remedy="Look at the log.")

    @asynccontextmanager
    async def kept(self, inbox: Inbox) -> AsyncIterator[asyncio.Task[None]]:
        """The task is over when the receiver was asked to end, by somebody else. At the end it is ended."""
        keeping = asyncio.create_task(self._keep(inbox), name="receiver")
        try:
            yield keeping
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    async def _keep(self, inbox: Inbox) -> None:
        deaths, loop = 0, asyncio.get_running_loop()
        while True:
            born = loop.time()
            code = await self._live(inbox)
            if code == 0:
                return
            deaths = 1 if loop.time() - born >= LONG_LIFE else deaths + 1
            log.error("receiver.died", code=code, starts_again_in=pause(deaths))
            await self._clock.sleep(pause(deaths))

    async def _live(self, inbox: Inbox) -> int:
        numbers = [each.fileno() for each in self._sockets]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-c", _START, _HERE, *map(str, numbers),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, pass_fds=numbers,
        )  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        self.pid = process.pid
        try:
            told = pickle.dumps(self._settings)
            process.stdin.write(len(told).to_bytes(_LENGTH, "big") + told)
            while await process.stdout.read(4096):
                inbox.arrived()
            return await process.wait()
        finally:
            await _ended(process)


async def _ended(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


# --------------------------------------------------------------------------------------------------- the process itself


def main(numbers: Sequence[str]) -> None:
    import uvloop  # here: it is not for the process that works, which starts others

    settings = _told(sys.stdin.fileno())
    logs.configure(format=settings.log_format, level=settings.log_level, redact=Redactor(settings.secrets))
    uvloop.run(_receive(settings, [socket.socket(fileno=int(number)) for number in numbers]))


def _told(pipe: int) -> Settings:
    with open(pipe, "rb", buffering=0, closefd=False) as told:
        length = int.from_bytes(_exactly(told.fileno(), _LENGTH), "big")
        settings = pickle.loads(_exactly(told.fileno(), length))
    assert isinstance(settings, Settings)
    return settings


def _exactly(pipe: int, length: int) -> bytes:
    parts = b""
    while len(parts) < length:
        part = os.read(pipe, length - len(parts))
        if not part:
            sys.exit(1)  # whoever started us is gone
        parts += part
    return parts


async def _receive(settings: Settings, sockets: Sockets) -> None:
    inbox = await open_inbox(settings.store_url, SYSTEM_CLOCK, written=_said)
    alone = asyncio.create_task(_alone(sys.stdin.fileno()), name="alone")
    os.set_blocking(sys.stdout.fileno(), False)
    try:
        heads = known_heads(settings, inbox)
        async with heads.kept_fresh():
            keep_for_good()
            await served([(for_anybody(settings, inbox, heads=heads), sockets)], alone)
    finally:
        await inbox.close()


def _said() -> None:
    """Nobody has to hear it: a full pipe says the same already, and who works looks from time to time."""
    with suppress(BlockingIOError, BrokenPipeError):
        os.write(sys.stdout.fileno(), b".")


async def _alone(pipe: int) -> None:
    closed = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(pipe, closed.set)
    await closed.wait()
    loop.remove_reader(pipe)
