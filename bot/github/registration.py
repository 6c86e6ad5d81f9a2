"""The App about itself: how it comes to be, where it is installed, what it may do, and where its deliveries go."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import files

import aiohttp
import msgspec

from bot.github import responses
from bot.github.client import API_VERSION, JSON, Call, Client, Credentials, encoded
from bot.github.deliveries import listed
from bot.ports import Rejected, Unavailable

_CODE = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TIMEOUT = aiohttp.ClientTimeout(total=30)
_HEADERS = {"Accept": JSON, "User-Agent": "solvebot", "X-GitHub-Api-Version": API_VERSION}


def manifest() -> str:
    """app.yml."""
    return files("bot").joinpath("app.yml").read_text()


class Registered(msgspec.Struct, frozen=True):
    """What GitHub tells once. Its text is never shown: it is full of secrets."""

    id: int
    slug: str
    html_url: str
    client_id: str
    client_secret: str
    pem: str
    webhook_secret: str | None = None

    def __repr__(self) -> str:
        return f"Registered({self.slug!r})"


async def convert(session: aiohttp.ClientSession, api_url: str, code: str) -> Registered:
    """The code that GitHub sent a browser back with, for the App. Works once. Raises `Rejected` or `Unavailable`."""
    if not _CODE.fullmatch(code):
        raise Rejected("what came back is no code of GitHub's")
    url = f"{api_url.rstrip('/')}{encoded('app-manifests', code, 'conversions')}"
    try:
        async with session.post(url, headers=_HEADERS, timeout=_TIMEOUT, allow_redirects=False) as answer:
            status, content = answer.status, await answer.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise Unavailable(f"GitHub did not answer ({type(error).__name__})") from None
    if status >= 500:
        raise Unavailable(f"GitHub answered with HTTP {status}")
    if status != 201:
        raise Rejected(f"GitHub does not take the code (HTTP {status})")
    try:
        return msgspec.json.decode(content, type=Registered)
    except msgspec.DecodeError:
        raise Unavailable("GitHub's answer cannot be understood") from None  # its words may be half a secret


class OwnApp:
    """As it is registered. Methods raise `WorldError`."""

    def __init__(self, client: Client, credentials: Credentials) -> None:
        self._client = client
        self._credentials = credentials

    async def app(self) -> responses.App:
        return (await self._client.call(Call("GET", "/app"), self._credentials)).read(responses.App)

    async def installations(self) -> Sequence[responses.Installation]:
        call = Call("GET", "/app/installations", query={"per_page": "100"})
        return (await self._client.call(call, self._credentials)).read(list[responses.Installation])

    async def webhook(self) -> responses.HookConfig:
        return (await self._client.call(Call("GET", "/app/hook/config"), self._credentials)).read(responses.HookConfig)

    async def change_webhook(self, changes: Mapping[str, str]) -> None:
        await self._client.call(Call("PATCH", "/app/hook/config", changes, repeatable=True), self._credentials)

    async def deliveries(self, since: datetime) -> list[responses.HookDelivery]:
        """Oldest first."""
        return await listed(self._client, self._credentials, since)


async def give_up(_seconds: float) -> None:
    """For those who would rather know than wait: as `Client`'s sleep."""
    await asyncio.sleep(0)
