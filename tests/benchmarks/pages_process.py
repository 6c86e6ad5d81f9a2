"""Pages with a solve that many follow, in a process of its own: `python -m tests.benchmarks.pages_process`.

It signs somebody in, says where it is, and then does what it is told: `write` events, and say what was asked.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bot import logs
from bot.core.text.outgoing import Redactor
from bot.store.migrate import migrate
from tests.benchmarks.child import Said, answering, say
from tests.browser import Browser
from tests.contracts.pages_world import PUBLIC, PagesWorld, pages_world
from tests.contracts.test_pages_size import counted

COOKIE = "solvebot"


class Server:
    def __init__(self, world: PagesWorld, asked: list[str]) -> None:
        self._world = world
        self._asked = asked

    async def answer(self, said: Said) -> Said:
        """`write`: so many events, `every` so many seconds; each with a text of its own."""
        for number in range(said.get("write", 0)):
            await self._world.store.noted(PUBLIC, f"{said['mark']}-{number}.")
            await asyncio.sleep(said["every"])
        return {"questions": len(self._asked), "about_events": sum("FROM events" in each for each in self._asked)}


async def main() -> None:
    logs.configure(format="json", level="ERROR", redact=Redactor())
    with ExitStack() as stack:
        directory = stack.enter_context(tempfile.TemporaryDirectory())
        url = f"sqlite:///{directory}/store.sqlite"
        migrate(url)
        async with pages_world(Path(directory), url) as world, Browser() as browser:
            await world.enter(browser, "rita")
            asked = stack.enter_context(counted())
            say(url=world.url, solve=PUBLIC, cookie=browser.cookie(world.url, COOKIE))
            await answering(Server(world, asked).answer)


if __name__ == "__main__":
    asyncio.run(main())
