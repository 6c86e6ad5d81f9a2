"""GET /sign-in leads to GitHub, GET /signed-in is where GitHub leads back to, POST /sign-out ends it.

What GitHub was sent away with (`state`, the verifier of PKCE, where to go on) waits in a cookie of the same browser for
ten minutes, and is gone with the first answer: strangers write nothing into our database, and nobody is signed in as
somebody else by a link.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.core.model import Person
from bot.core.render import web_pages as say
from bot.core.trigger.app_manifest import CALLBACK
from bot.core.web_session import challenge, local_path
from bot.ports import Rejected, WorldError
from bot.web.pages.sessions import Sessions

log = structlog.get_logger()

SECONDS = 600
LONGEST_PARAMETER = 200
Trouble = Callable[[Request, say.Trouble], Response]


class SignsIn(Protocol):
    """GitHub's side of it (github/oauth.py)."""

    def address(self, state: str, challenge: str) -> str: ...

    async def person(self, code: str, verifier: str) -> Person: ...


@dataclass(frozen=True, slots=True)
class _Waiting:
    state: str
    verifier: str
    to: str


class SignInPages:
    def __init__(self, sessions: Sessions, github: SignsIn, trouble: Trouble) -> None:
        self._sessions = sessions
        self._github = github
        self._trouble = trouble
        self._cookie = f"{sessions.cookie}-sign-in"
        self.routes = [
            Route("/sign-in", self.begin),
            Route(CALLBACK, self.come_back),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]

    async def begin(self, request: Request) -> Response:
        waiting = _Waiting(
            secrets.token_urlsafe(24), secrets.token_urlsafe(48), local_path(request.query_params.get("to", "/"))
        )
        response = RedirectResponse(self._github.address(waiting.state, challenge(waiting.verifier)), 303)
        self._sessions.set_cookie(response, self._cookie, _written(waiting), SECONDS)
        return response

    async def come_back(self, request: Request) -> Response:
        response = await self._come_back(request)
        self._sessions.drop_cookie(response, self._cookie)
        return response

    async def _come_back(self, request: Request) -> Response:
        waiting, query = _read(request.cookies.get(self._cookie, "")), request.query_params
        if waiting is None or not _same(query.get("state", ""), waiting.state):
            return self._trouble(request, say.NOT_ASKED)
        if why := query.get("error", "")[:LONGEST_PARAMETER]:
            log.info("sign_in.refused", error=why)
            return self._trouble(request, say.SIGN_IN_REFUSED)
        try:
            person = await self._github.person(query.get("code", "")[:LONGEST_PARAMETER], waiting.verifier)
        except Rejected as refusal:
            log.warning("sign_in.rejected", reason=str(refusal))
            return self._trouble(request, say.NOT_ASKED)
        except WorldError as error:
            log.error("sign_in.broken", reason=str(error), remedy=error.remedy)
            return self._trouble(request, say.SIGN_IN_BROKEN)
        if person.is_bot:
            return self._trouble(request, say.ROBOT)
        response = RedirectResponse(waiting.to, 303)
        await self._sessions.sign_in(person, response)
        log.info("sign_in", login=person.login)
        return response

    async def sign_out(self, request: Request) -> Response:
        if await self._sessions.form(request) is None:
            return self._trouble(request, say.WRONG_FORM)
        response = RedirectResponse("/", 303)
        await self._sessions.sign_out(request, response)
        return response


def _written(waiting: _Waiting) -> str:
    to = base64.urlsafe_b64encode(waiting.to.encode()).decode()
    return f"{waiting.state}.{waiting.verifier}.{to}"


def _read(cookie: str) -> _Waiting | None:
    match cookie.split("."):
        case [state, verifier, to] if state and verifier:
            try:
                path = base64.urlsafe_b64decode(to.encode()).decode()
            except (binascii.Error, UnicodeError, ValueError):
                return None
            return _Waiting(state, verifier, local_path(path))
    return None


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode("utf-8", "replace"))
