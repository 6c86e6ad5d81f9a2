"""Signing in with the App: the pages that a person clicks through, and the code that becomes a token once.

As strict as GitHub is: the address to come back to is one of the App's, letter for letter; a code is good for ten
minutes and once, with the client's secret, the same address and the verifier of its challenge (S256 only).
https://docs.github.com/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from bot.simulators.github.auth import AsUser
from bot.simulators.github.stage import Stage
from bot.simulators.github.state import Account

CODE_LIFETIME = timedelta(minutes=10)
TOKEN_SECONDS = 28_800
COOKIE = "user_session"
WRONG_CODE = {"error": "bad_verification_code", "error_description": "The code passed is incorrect or expired."}
WRONG_CLIENT = {
    "error": "incorrect_client_credentials",
    "error_description": "The client_id and/or client_secret passed are incorrect.",
}
WRONG_ADDRESS = {
    "error": "redirect_uri_mismatch",
    "error_description": "The redirect_uri MUST match the registered callback URL for this application.",
}
DENIED = {"error": "access_denied", "error_description": "The user has denied your application access."}
WRONG_CHALLENGE = {"error": "invalid_request", "error_description": "code_challenge_method must be S256."}


@dataclass(frozen=True, slots=True)
class Code:
    user: Account
    redirect: str
    challenge: str
    made_at: datetime


class SignIn:
    """Who is signed in is a cookie of the browser, as on GitHub."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._browsers: dict[str, Account] = {}
        self._codes: dict[str, Code] = {}
        self._authorized: set[int] = set()
        self.routes = [
            Route("/favicon.ico", self.no_icon),
            Route("/login", self.ask_who, methods=["GET"]),
            Route("/login", self.sign_in, methods=["POST"]),
            Route("/login/oauth/authorize", self.authorize, methods=["GET", "POST"]),
            Route("/login/oauth/access_token", self.exchange, methods=["POST"]),
        ]

    async def no_icon(self, _request: Request) -> Response:
        """Browsers ask for one."""
        return Response(status_code=204)

    async def ask_who(self, request: Request) -> Response:
        to = escape(request.query_params.get("return_to", "/"))
        return _page(
            f'<form method="post" action="/login"><input type="hidden" name="return_to" value="{to}">'
            '<label>Username <input name="login"></label><button>Sign in</button></form>'
        )

    async def sign_in(self, request: Request) -> Response:
        form = await _form(request)
        to, session = form.get("return_to", "/"), secrets.token_hex(20)
        self._browsers[session] = self._stage.state.account(form["login"])
        response = RedirectResponse(to if to.startswith("/login/") else "/", 302)
        response.set_cookie(COOKIE, session, httponly=True, samesite="lax")
        return response

    async def authorize(self, request: Request) -> Response:
        """The first time with a page and a click; afterwards the browser is sent back at once."""
        query, app = request.query_params, self._stage.app
        if query.get("client_id") != app.client_id or not app.callback_urls:
            return _page("404", status=404)
        redirect = query.get("redirect_uri", app.callback_urls[0])
        if redirect not in app.callback_urls:
            return _back(app.callback_urls[0], query, WRONG_ADDRESS)
        if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
            return _back(redirect, query, WRONG_CHALLENGE)
        user = self._browsers.get(request.cookies.get(COOKIE, ""))
        if user is None:
            return RedirectResponse(f"/login?{urlencode({'return_to': _local(request)})}", 302)
        if request.method == "POST":
            if (await _form(request)).get("authorize") != "1":
                return _back(redirect, query, DENIED)
            self._authorized.add(user.id)
        if user.id not in self._authorized:
            return _page(_question(_local(request), app.name, user.login))
        code = secrets.token_hex(10)
        self._codes[code] = Code(user, redirect, query.get("code_challenge", ""), self._stage.state.now())
        return _back(redirect, query, {"code": code})

    async def exchange(self, request: Request) -> Response:
        """Errors are answered with 200, which naive clients take for success."""
        sent = await _form(request)
        answer = self._exchanged(sent)
        if "application/json" in request.headers.get("accept", ""):
            return JSONResponse(answer)
        return Response(urlencode(answer), media_type="application/x-www-form-urlencoded")

    def _exchanged(self, sent: Mapping[str, str]) -> Mapping[str, str | int]:
        app = self._stage.app
        secret = sent.get("client_secret", "")
        if sent.get("client_id") != app.client_id or not hmac.compare_digest(secret, app.client_secret):
            return WRONG_CLIENT
        code = self._codes.pop(sent.get("code", ""), None)
        if code is None or self._stage.state.now() - code.made_at > CODE_LIFETIME:
            return WRONG_CODE
        if sent.get("redirect_uri", code.redirect) != code.redirect:
            return WRONG_ADDRESS
        if code.challenge and _challenge(sent.get("code_verifier", "")) != code.challenge:
            return WRONG_CODE
        token = f"ghu_{secrets.token_hex(18)}"
        self._stage.authority.user_tokens[token] = AsUser(code.user, token)
        return {
            "access_token": token,
            "expires_in": TOKEN_SECONDS,
            "refresh_token": f"ghr_{secrets.token_hex(38)}",
            "refresh_token_expires_in": 15_811_200,
            "scope": "",
            "token_type": "bearer",
        }


def is_client(stage: Stage, authorization: str) -> bool:
    """Does the header hold the App's client id and secret?"""
    scheme, _, value = authorization.partition(" ")
    try:
        said = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return False
    return scheme.lower() == "basic" and said == f"{stage.app.client_id}:{stage.app.client_secret}"


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _local(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}"


def _back(redirect: str, query: Mapping[str, str], said: Mapping[str, str]) -> Response:
    state = {"state": query["state"]} if "state" in query else {}
    return RedirectResponse(f"{redirect}?{urlencode({**said, **state})}", 302)


def _question(action: str, app: str, login: str) -> str:
    return (
        f'<form method="post" action="{escape(action)}"><p>{escape(app)} by octocat would like permission to verify '
        f'your GitHub identity ({escape(login)}).</p><input type="hidden" name="authorize" value="1">'
        f"<button>Authorize {escape(app)}</button></form>"
    )


async def _form(request: Request) -> dict[str, str]:
    """Of either kind that GitHub reads."""
    body = (await request.body()).decode()
    if "application/json" in request.headers.get("content-type", ""):
        return {name: value for name, value in json.loads(body).items() if isinstance(value, str)}
    return {name: values[0] for name, values in parse_qs(body).items()}


def _page(body: str, status: int = 200) -> Response:
    return HTMLResponse(f"<!doctype html><title>GitHub, simulated</title>{body}", status)
