"""Who may use the pages: the browser that came first with the address that the terminal told, and nobody after it.

Loopback is shared with every program and every page of a browser on this machine. So the token in the address is good
once, and is changed for a cookie that no script reads and no other site's form brings along. What GitHub is sent away
with (`state`) is good once as well.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

COOKIE = "solvebot-setup"


@dataclass(slots=True)
class Door:
    token: str = field(default_factory=secrets.token_urlsafe, repr=False)
    _session: str = field(default_factory=secrets.token_urlsafe, repr=False)
    _states: set[str] = field(default_factory=set, repr=False)
    _is_used: bool = False

    def admits(self, token: str) -> bool:
        """Once."""
        if self._is_used or not _same(token, self.token):
            return False
        self._is_used = True
        return True

    def mark(self, response: Response) -> None:
        """`lax`: GitHub's redirect brings it along, a form of another site does not."""
        response.set_cookie(COOKIE, self._session, httponly=True, samesite="lax")

    def knows(self, request: Request) -> bool:
        """The same browser; and what changes something comes from a page of ours."""
        if not _same(request.cookies.get(COOKIE, ""), self._session):
            return False
        origin = request.headers.get("origin")
        return request.method == "GET" or origin is None or origin == f"http://{request.headers.get('host', '')}"

    def new_state(self) -> str:
        state = secrets.token_urlsafe()
        self._states.add(state)
        return state

    def take_state(self, state: str) -> bool:
        """Once each."""
        if state not in self._states:
            return False
        self._states.discard(state)
        return True


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())
