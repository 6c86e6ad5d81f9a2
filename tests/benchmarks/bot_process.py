"""The bot as `serve` runs it, in a process of its own: `python -m tests.benchmarks.bot_process`, settings from outside.

Besides, it watches its own event loop: how late a timer comes.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from bot import logs
from bot.app import running
from bot.assembly import redactor
from bot.core.model import ModelSpec, Prices
from bot.ports import SandboxUnusable
from bot.settings import Settings, environment
from bot.web.beside import Beside
from bot.web.listening import taken
from bot.web.serving import Sockets, keep_for_good
from tests.benchmarks.child import Said, answering, say
from tests.benchmarks.scripts import SCRIPTS
from tests.stories.world import isolated_where_possible

_EVERY = 0.01  # seconds


class Lag:
    """How much later than asked for a timer comes, in seconds: what everything in the process has to wait."""

    def __init__(self) -> None:
        self.late: list[float] = []

    async def watch(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + _EVERY
            await asyncio.sleep(_EVERY)
            self.late.append(loop.time() - due)

    def take(self) -> list[float]:
        taken, self.late = self.late, []
        return taken


async def main() -> None:
    settings = await isolated_where_possible(Settings.from_env(environment()))
    logs.configure(format="json", level="WARNING", redact=redactor(settings))
    with taken("127.0.0.1", 0) as sockets:
        await _serve(settings, sockets, Lag())


async def _serve(settings: Settings, sockets: Sockets, lag: Lag) -> None:
    beside = Beside(settings, sockets)
    async with running(settings) as bot, beside.kept(bot.inbox):
        for name in SCRIPTS:
            spec = ModelSpec(name, settings.model_provider, f"simulated/{name}", prices=Prices(1.0, 4.0))
            await bot.bot.world.store.save_model(spec)
        keep_for_good()
        watching = asyncio.create_task(lag.watch())

        async def answer(_question: Said) -> Said:
            if bot.working.done():
                bot.working.result()
            return {"late": lag.take(), "tasks": len(asyncio.all_tasks())}

        url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
        say(url=url, isolated=not settings.run_untrusted_code_without_isolation)
        await answering(answer)
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except SandboxUnusable as unusable:
        sys.exit(f"{unusable} {unusable.remedy}")
