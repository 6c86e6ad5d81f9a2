"""The process of `serve` that receives, as it sees itself; bot/web/beside.py is how the other one sees it.

API and pages are behind the receiver, loaded beside the loop when somebody first asks for them.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from importlib import import_module

from starlette.types import ASGIApp

from bot import logs
from bot.clock import SYSTEM_CLOCK
from bot.core.text.outgoing import Redactor
from bot.inbox import Inbox, open_inbox
from bot.settings import Settings
from bot.web.beside import LENGTH
from bot.web.receiving import for_anybody, known_heads
from bot.web.serving import Sockets, keep_for_good, served


async def api_alone(settings: Settings, inbox: Inbox, stack: AsyncExitStack) -> ASGIApp:
    """Loaded beside the loop, when somebody first asks for it."""
    onlookers = await asyncio.to_thread(import_module, "bot.onlookers")
    app: ASGIApp = await onlookers.open_api_alone(settings, inbox, stack)
    return app


async def pages_alone(settings: Settings, inbox: Inbox, stack: AsyncExitStack) -> ASGIApp:
    opening = await asyncio.to_thread(import_module, "bot.pages")
    app: ASGIApp = await opening.open_pages_alone(settings, inbox, stack)
    return app


def main(numbers: Sequence[str]) -> None:
    import uvloop  # here: it is not for the process that works, which starts others

    settings = _told(sys.stdin.fileno())
    logs.configure(format=settings.log_format, level=settings.log_level, redact=Redactor(settings.secrets))
    uvloop.run(_receive(settings, [socket.socket(fileno=int(number)) for number in numbers]))


def _told(pipe: int) -> Settings:
    with open(pipe, "rb", buffering=0, closefd=False) as told:
        length = int.from_bytes(_exactly(told.fileno(), LENGTH), "big")
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
    async with AsyncExitStack() as stack:
        inbox = await open_inbox(settings.store_url, SYSTEM_CLOCK, written=_said)
        stack.push_async_callback(inbox.close)
        alone = asyncio.create_task(_alone(sys.stdin.fileno()), name="alone")
        os.set_blocking(sys.stdout.fileno(), False)
        api = partial(api_alone, settings, inbox, stack)
        pages = partial(pages_alone, settings, inbox, stack)
        heads = known_heads(settings, inbox)
        await stack.enter_async_context(heads.kept_fresh())
        keep_for_good()
        await served([(for_anybody(settings, inbox, api, pages, heads=heads), sockets)], alone)


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
