"""Who looks at a page: a cookie that no script reads and no other site's form brings along, and what is kept of it."""

from __future__ import annotations

import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import parse_qsl, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from bot.core.access import Means, Principal
from bot.core.model import Person
from bot.core.web_session import LIFETIME, LONGEST_SECRET, WebSession, begun, digest, form_token, is_form_token
from bot.ports import Clock
from bot.web.administrators import Administrators
from bot.web.together import Together

MOST_FORM = 131_072  # bytes
MOST_FIELDS = 50
FORM_TOKEN = "form_token"


class WebSessions(Protocol):
    """Where they are kept."""

    async def begin(self, session: WebSession) -> None: ...

    async def find(self, digest: str, now: datetime) -> WebSession | None: ...

    async def valid(self, digests: Collection[str], now: datetime) -> frozenset[str]:
        """Those of them that are neither over nor ended."""

    async def end(self, digest: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody with a browser. `principal`: None while nobody is signed in. `form_token`: for forms on their pages."""

    principal: Principal | None = None
    form_token: str = ""

    @property
    def login(self) -> str:
        return self.principal.person.login if self.principal else ""

    @property
    def is_admin(self) -> bool:
        return self.principal is not None and self.principal.is_admin


STRANGER = Visitor()


class Sessions:
    """`url`: where people reach us, which decides what kind of cookie it can be."""

    def __init__(self, kept: WebSessions, clock: Clock, url: str, admins: Administrators) -> None:
        self._kept = kept
        self._clock = clock
        self._admins = admins
        self._still = Together(lambda digests: kept.valid(digests, clock.now()))
        parts = urlsplit(url)
        self.secure = parts.scheme == "https"
        self._origin = f"{parts.scheme}://{parts.netloc}"
        # A browser takes the prefix only from the host itself, over TLS: no neighbouring host can set such a cookie.
        self.cookie = "__Host-solvebot" if self.secure else "solvebot"

    async def visitor(self, request: Request) -> Visitor:
        secret = request.cookies.get(self.cookie, "")
        if not 0 < len(secret) <= LONGEST_SECRET:
            return STRANGER
        session = await self._kept.find(digest(secret), self._clock.now())
        if session is None:
            return STRANGER
        person = session.person
        principal = Principal(person, Means.SESSION, session.digest, is_admin=await self._admins.have(person.login))
        return Visitor(principal, form_token(secret))

    async def lasts(self, principal: Principal) -> bool:
        """For what goes on after its beginning: whether they are still signed in."""
        return await self._still.holds(principal.id)

    async def sign_in(self, person: Person, response: Response) -> None:
        secret = secrets.token_urlsafe(32)
        await self._kept.begin(begun(secret, person, self._clock.now()))
        self.set_cookie(response, self.cookie, secret, int(LIFETIME.total_seconds()))

    async def sign_out(self, request: Request, response: Response) -> None:
        await self._kept.end(digest(request.cookies.get(self.cookie, "")))
        self.drop_cookie(response, self.cookie)

    def set_cookie(self, response: Response, name: str, value: str, seconds: int) -> None:
        response.set_cookie(name, value, seconds, path="/", secure=self.secure, httponly=True, samesite="lax")

    def drop_cookie(self, response: Response, name: str) -> None:
        response.delete_cookie(name, path="/", secure=self.secure, httponly=True, samesite="lax")

    async def form(self, request: Request) -> dict[str, str] | None:
        """What a form of ours sent. None where it is none of ours, or larger than any."""
        if request.headers.get("origin", self._origin) != self._origin:
            return None
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > MOST_FORM:
                return None
        try:
            fields = dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS))
        except ValueError:
            return None
        secret = request.cookies.get(self.cookie, "")
        return fields if is_form_token(fields.pop(FORM_TOKEN, ""), secret) else None
