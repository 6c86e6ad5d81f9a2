"""Signing in with GitHub: the web flow of the App, with `state` and PKCE.

Who it is, is all that is asked with the token that comes of it; then it is given back, and kept nowhere. What a person
may do is asked as the App, each time anew.

Not with Authlib: for two requests its client would have to be led through our transport, and to learn that GitHub
answers errors with 200.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec
import structlog

from bot.core.model import Person
from bot.github.client import API_VERSION, JSON
from bot.ports import Denied, Rejected, Unavailable

log = structlog.get_logger()
T = TypeVar("T")

_CODE = re.compile(r"[A-Za-z0-9_-]{1,100}")
_TIMEOUT = aiohttp.ClientTimeout(total=15)
_WRONG_CLIENT = "Check GITHUB_CLIENT_ID and GITHUB_CLIENT_SECRET"
_WRONG_ADDRESS = "Enter the address that PUBLIC_URL and /signed-in make as a callback URL of the App"
LARGEST = 65_536  # bytes of an answer


@dataclass(frozen=True, slots=True)
class Client:
    """`redirect`: one of the App's callback URLs, letter for letter."""

    id: str
    secret: str = field(repr=False)
    redirect: str
    api_url: str
    server_url: str


class _Token(msgspec.Struct, frozen=True):
    """Errors come with the status 200, too."""

    access_token: str = ""
    error: str = ""

    def __repr__(self) -> str:
        return f"_Token({self.error!r})"


class _User(msgspec.Struct, frozen=True):
    login: str
    id: int
    type: str = "User"


class SignIn:
    def __init__(self, session: aiohttp.ClientSession, client: Client) -> None:
        self._session = session
        self._client = client

    def address(self, state: str, challenge: str) -> str:
        """Where the browser is sent. `challenge`: SHA-256 of the verifier, as RFC 7636 writes it."""
        asked = {
            "client_id": self._client.id,
            "redirect_uri": self._client.redirect,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._client.server_url.rstrip('/')}/login/oauth/authorize?{urlencode(asked)}"

    async def person(self, code: str, verifier: str) -> Person:
        """Whom GitHub sent back with this code, which is good once. Raises `Rejected`, `Denied` or `Unavailable`."""
        if not _CODE.fullmatch(code):
            raise Rejected("what came back is no code of GitHub's")
        token = await self._exchange(code, verifier)
        try:
            status, content = await self._ask("GET", "/user", {"Authorization": f"Bearer {token}"})
            if status != 200:
                raise Rejected(f"GitHub does not say who it is (HTTP {status})")
            user = _read(content, _User)
        finally:
            await self._give_back(token)
        return Person(user.login, user.id, is_bot=user.type != "User")

    async def _exchange(self, code: str, verifier: str) -> str:
        form = {
            "client_id": self._client.id,
            "client_secret": self._client.secret,
            "code": code,
            "redirect_uri": self._client.redirect,
            "code_verifier": verifier,
        }
        url = f"{self._client.server_url.rstrip('/')}/login/oauth/access_token"
        status, content = await self._send("POST", url, {"Accept": "application/json"}, data=form)
        if status == 404:
            raise Denied("GitHub does not know the App's client", remedy=_WRONG_CLIENT)
        token = _read(content, _Token)
        match token.error:
            case "" if token.access_token:
                return token.access_token
            case "incorrect_client_credentials":
                raise Denied("GitHub does not take the App's client secret", remedy=_WRONG_CLIENT)
            case "redirect_uri_mismatch":
                raise Denied("GitHub does not know the address to come back to", remedy=_WRONG_ADDRESS)
        raise Rejected("GitHub does not take the code")

    async def _give_back(self, token: str) -> None:
        """What nobody has, nobody can steal. It expires without that, too."""
        authorization = aiohttp.encode_basic_auth(self._client.id, self._client.secret)
        try:
            await self._ask(
                "DELETE",
                f"/applications/{self._client.id}/token",
                {"Authorization": authorization},
                json={"access_token": token},
            )
        except Unavailable as error:
            log.warning("sign_in.token_not_revoked", reason=str(error))

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], json: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        url = f"{self._client.api_url.rstrip('/')}{path}"
        usual = {"Accept": JSON, "X-GitHub-Api-Version": API_VERSION}
        return await self._send(method, url, {**usual, **headers}, json=json)

    async def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        data: Mapping[str, str] | None = None,
        json: Mapping[str, str] | None = None,
    ) -> tuple[int, bytes]:
        asked = {"User-Agent": "solvebot", **headers}
        try:
            async with self._session.request(
                method, url, headers=asked, data=data, json=json, timeout=_TIMEOUT, allow_redirects=False
            ) as answer:
                content = await answer.content.read(LARGEST)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Unavailable(f"GitHub did not answer ({type(error).__name__})") from None
        if answer.status >= 500:
            raise Unavailable(f"GitHub answered with HTTP {answer.status}")
        return answer.status, content


def _read(content: bytes, type: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=type)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Unavailable("GitHub's answer cannot be understood") from None  # its words may be half a token
