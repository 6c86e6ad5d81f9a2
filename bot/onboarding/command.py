"""`solvebot setup`: listens on loopback, tells the address, and waits until all is done."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from bot.core.render import onboarding as render
from bot.onboarding.door import Door
from bot.onboarding.pages import Pages, Say
from bot.onboarding.settings_file import SettingsFile
from bot.onboarding.steps import Steps
from bot.web.listening import SETUP, taken
from bot.web.serving import served

LOOPBACK = "127.0.0.1"


async def set_up(file: Path, environment: Callable[[], Mapping[str, str]], port: int, say: Say) -> int:
    """Until all is done, or a signal; 1 when something is left to do. Raises `CannotListen` and `SettingsError`."""
    steps, door = Steps(SettingsFile(file), environment), Door()
    steps.settings  # noqa: B018 - what cannot be read is said before anything is begun
    with taken(LOOPBACK, port, SETUP) as sockets:
        url = f"http://{LOOPBACK}:{_port_of(sockets)}"
        pages = Pages(steps, door, url, say, str(file.absolute()))
        if names := steps.overruled():
            say(render.overruled(names))
        say(render.address(f"{url}/?token={door.token}", _port_of(sockets)))
        finished = asyncio.create_task(_until(pages.finished), name="set up")
        try:
            await served([(pages.app, sockets)], finished)
        finally:
            finished.cancel()
            with suppress(asyncio.CancelledError):
                await finished
    return 0 if pages.finished.is_set() else 1


async def _until(happened: asyncio.Event) -> None:
    await happened.wait()


def _port_of(sockets: list[socket.socket]) -> int:
    return int(sockets[0].getsockname()[1])
