"""Puts deliveries until it is killed, and says which were acknowledged: `python -m tests.contracts.inbox_load URL`."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from datetime import UTC, datetime

from bot.inbox import Inbox, open_inbox

AT_ONCE = 64


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


async def put_forever(inbox: Inbox, who: int) -> None:
    for number in itertools.count():
        guid = f"{who}-{number}"
        await inbox.put(guid, "issues", b'{"action": "labeled"}')
        os.write(1, f"{guid}\n".encode())  # one call, so that a kill cannot leave half of it in a buffer


async def main(url: str) -> None:
    inbox = await open_inbox(url, SystemClock())
    await asyncio.gather(*(put_forever(inbox, who) for who in range(AT_ONCE)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
