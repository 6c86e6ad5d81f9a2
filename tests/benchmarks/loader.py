"""Signed deliveries as fast as they are answered: `python -m tests.benchmarks.loader`, told what by its standard input.

Written on the protocol level, because a loader that takes longer than what it loads measures itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import re
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import uvloop

from bot.simulators.github import GitHubSimulator
from tests.benchmarks.child import Said, answering, say
from tests.benchmarks.simulated_world import SECRET

_ENDS = re.compile(rb"HTTP/1\.1 (\d+) .*?content-length: (\d+).*?\r\n\r\n", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Kind:
    """A delivery but for its GUID."""

    event: str
    body: bytes

    def request(self, guid: str) -> bytes:
        signature = hmac.new(SECRET.encode(), self.body, hashlib.sha256).hexdigest()
        head = (
            f"POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"User-Agent: GitHub-Hookshot/044aadd\r\nX-GitHub-Event: {self.event}\r\nX-GitHub-Delivery: {guid}\r\n"
            f"X-Hub-Signature-256: sha256={signature}\r\nContent-Length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


async def kinds() -> dict[str, Kind]:
    """As GitHub's simulator sends them: a label that starts a solve, talk without a command, and somebody's check."""
    with TemporaryDirectory() as directory:
        github = GitHubSimulator(Path(directory), webhook_secret=SECRET)
        repo = github.repository("octo/greet", files={"README.md": "# greet\n"}, by="ann")
        repo.grant("ann", "write")
        github.webhooks.url = "http://127.0.0.1:9/nobody"
        issue = await repo.open_issue("No name, no greeting", "It should greet the world.\n" * 40, by="sam")
        await issue.comment("I have seen this too.", by="sam")
        await issue.label("solve-me", by="ann")
        sent = {(delivery.event, delivery.action): delivery.payload for delivery in github.webhooks.deliveries}
        await github.webhooks.stop()
    label, talk = sent["issues", "labeled"], sent["issue_comment", "created"]
    return {"label": Kind("issues", label), "talk": Kind("issue_comment", talk), "check": Kind("check_run", talk)}


@dataclass(slots=True)
class Window:
    """So many requests over so many connections, each sent when the last one of its connection is answered."""

    requests: Iterator[bytes]
    left: int
    took: list[float] = field(default_factory=list)
    refused: int = 0
    done: asyncio.Event = field(default_factory=asyncio.Event)


class _Connection(asyncio.Protocol):
    def __init__(self, window: Window) -> None:
        self._window = window
        self._got = b""
        self._sent_at = 0.0
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's say only in their methods what they are
        self._next()

    def data_received(self, data: bytes) -> None:
        self._got += data
        head = _ENDS.match(self._got)
        if head is None or len(self._got) < head.end() + int(head[2]):
            return
        self._got = b""
        self._window.took.append(time.perf_counter() - self._sent_at)
        self._window.refused += head[1] != b"202"
        self._next()

    def _next(self) -> None:
        request = next(self._window.requests, None)
        if request is not None:
            self._sent_at = time.perf_counter()
            self._transport.write(request)
            return
        self._transport.close()
        self._window.left -= 1
        if not self._window.left:
            self._window.done.set()


async def fire(url: str, requests: Sequence[bytes], connections: int) -> Said:
    window = Window(iter(requests), connections)
    host, _, port = url.removeprefix("http://").partition(":")
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: _Connection(window), host, int(port))
    await asyncio.wait_for(window.done.wait(), 60)
    took = sorted(window.took)
    return {
        "seconds": time.perf_counter() - started,
        "p50": took[len(took) // 2],
        "p99": took[int(len(took) * 0.99)],
        "refused": window.refused,
    }


async def main() -> None:
    kind = await kinds()
    mixes = {"relevant": ["label"], "usual": ["label", *["talk"] * 4, *["check"] * 5]}
    numbers = itertools.count()

    async def answer(question: Said) -> Said:
        names = itertools.islice(itertools.cycle(mixes[question["mix"]]), question["count"])
        requests = [kind[name].request(f"{next(numbers):08}-bench") for name in names]
        return await fire(question["url"], requests, question["connections"])

    say(bytes={name: len(made.body) for name, made in kind.items()})
    await answering(answer)


if __name__ == "__main__":
    uvloop.run(main())
