"""Sockets, and servers on them until a signal."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from bot.settings import Settings
from bot.web.connection import BoundedProtocol
from bot.web.listening import OPERATORS, listening

Sockets = list[socket.socket]
ENDINGS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def both_ports(settings: Settings) -> Iterator[tuple[Sockets, Sockets]]:
    """The one for anybody and the operator's. Raises `CannotListen`."""
    with (
        listening(settings.host, settings.port) as public,
        listening(settings.metrics_host, settings.own_metrics_port, OPERATORS) as private,
    ):
        yield public, private


async def served(apps: Sequence[tuple[ASGIApp, Sockets]], *work: asyncio.Task[None]) -> None:
    """Until a signal, or until one of these or of `work` is over."""
    servers = [Server(app) for app, _ in apps]
    serving = [
        asyncio.create_task(server.serve(sockets), name="web")
        for server, (_, sockets) in zip(servers, apps, strict=True)
    ]
    await asyncio.wait([*serving, *work], return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*serving)


def keep_for_good() -> None:
    """A server never lets go of what it has loaded. Looking through that takes the collector 0.1 s, and all wait."""
    gc.collect()
    gc.freeze()


class Server(uvicorn.Server):
    """Ends in peace at a signal. uvicorn's own raises the signal once more, and nothing around it gets closed."""

    def __init__(self, app: ASGIApp) -> None:
        config = uvicorn.Config(
            app,
            http=BoundedProtocol,
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=5,
        )
        super().__init__(config)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in ENDINGS:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield
