"""A real browser without a screen: Chromium, told what to do through its own debugging protocol, as a hand would."""

from __future__ import annotations

import asyncio
import itertools
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.tools import program

SECONDS = 120  # for anything that is waited for, on a machine that has much else to do
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--no-proxy-server",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0",
)  # fmt: skip
MIDDLE = """(() => {
  const found = document.querySelector(%s);
  if (!found || document.readyState !== 'complete') return null;
  found.scrollIntoView();
  const box = found.getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height / 2];
})()"""


@dataclass
class Chromium:
    """Counts what a hand did."""

    socket: aiohttp.ClientWebSocketResponse
    clicks: int = 0
    typed: list[str] = field(default_factory=list)
    _numbers: Any = field(default_factory=lambda: itertools.count(1))
    _waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict)

    async def listen(self) -> None:
        async for message in self.socket:
            answer = json.loads(message.data)
            if (waiting := self._waiting.pop(answer.get("id", 0), None)) is not None and not waiting.done():
                waiting.set_result(answer)

    async def call(self, method: str, session: str = "", /, **values: Any) -> Any:
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": values} | ({"sessionId": session} if session else {})
        await self.socket.send_json(message)
        async with asyncio.timeout(SECONDS):
            answer = await self._waiting[number]
        return answer.get("result", {})

    async def open(self, url: str) -> Tab:
        made = await self.call("Target.createTarget", url=url)
        return await self._attached(made["targetId"])

    async def other_tab(self, *known: Tab) -> Tab:
        """One that a page has opened."""
        async with asyncio.timeout(SECONDS):
            while True:
                targets = (await self.call("Target.getTargets"))["targetInfos"]
                ids = {target["targetId"] for target in targets if target["type"] == "page" and _is_web(target["url"])}
                for target in ids - {tab.target for tab in known}:
                    return await self._attached(target)
                await asyncio.sleep(0.05)

    async def _attached(self, target: str) -> Tab:
        session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        await self.call("Target.activateTarget", targetId=target)
        return Tab(self, target, session)


def _is_web(url: str) -> bool:
    return url.startswith("http")


@dataclass
class Tab:
    chromium: Chromium
    target: str
    session: str

    async def evaluate(self, script: str) -> Any:
        """None also where the page is just being changed for another."""
        answer = await self.chromium.call("Runtime.evaluate", self.session, expression=script, returnByValue=True)
        return answer.get("result", {}).get("value")

    async def shows(self, words: str) -> str:
        """Wait until these words are to be read; the whole text."""
        text = ""
        for _ in range(SECONDS * 20):
            text = str(await self.evaluate("document.body && document.body.innerText") or "")
            if words in text:
                return text
            await asyncio.sleep(0.05)
        raise AssertionError(f"{words!r} is not in what is shown: {text}")

    async def click(self, selector: str) -> None:
        x, y = await self._middle(selector)
        await self.chromium.call("Target.activateTarget", targetId=self.target)
        mouse = {"x": x, "y": y, "button": "left", "clickCount": 1}
        for kind in ("mousePressed", "mouseReleased"):
            await self.chromium.call("Input.dispatchMouseEvent", self.session, type=kind, **mouse)
        self.chromium.clicks += 1

    async def type(self, selector: str, text: str) -> None:
        """With the keyboard, which also leads from field to field: that is no click."""
        await self._middle(selector)
        await self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        await self.chromium.call("Input.insertText", self.session, text=text)
        self.chromium.typed.append(text)

    async def _middle(self, selector: str) -> tuple[float, float]:
        async with asyncio.timeout(SECONDS):
            while (place := await self.evaluate(MIDDLE % json.dumps(selector))) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return place[0], place[1]


@asynccontextmanager
async def chromium() -> AsyncIterator[Chromium]:
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as place:
        process = await asyncio.create_subprocess_exec(
            program("chromium"), *FLAGS, f"--user-data-dir={place}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL, env={"HOME": place, "TMPDIR": place},
        )  # fmt: skip
        try:
            port, path = await _address(Path(place) / "DevToolsActivePort")
            async with (
                aiohttp.ClientSession() as session,
                session.ws_connect(f"ws://127.0.0.1:{port}{path}", max_msg_size=0) as socket,
            ):
                found = Chromium(socket)
                listening = asyncio.create_task(found.listen())
                yield found
                await found.call("Browser.close")
                listening.cancel()
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def _address(file: Path) -> tuple[str, str]:
    """Chromium writes both lines once it listens."""
    async with asyncio.timeout(SECONDS):
        while not file.exists() or len(lines := file.read_text().split()) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return lines[0], lines[1]
