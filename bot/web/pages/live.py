"""GET /solves/{id}/events: what happens to a solve, for a page that is open in a browser."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bot.core.access import Principal
from bot.core.model import Repo, SolveId
from bot.web.events import RECHECK, Feed, StillAllowed, stream
from bot.web.pages.desk import Desk, Looking
from bot.web.pages.sessions import Sessions
from bot.web.reading import NoSuchThing, NotAllowed, Reading

LONGEST_NUMBER = 18  # digits


class Live:
    def __init__(self, desk: Desk, reading: Reading, feed: Feed, sessions: Sessions) -> None:
        self._reading = reading
        self._feed = feed
        self._sessions = sessions
        self.routes = [Route("/solves/{id}/events", desk.open_to(self.follow))]

    async def follow(self, looking: Looking) -> Response:
        solve = SolveId(looking.part("id"))
        repo = await self._reading.repository_behind(looking.principal, solve)
        if self._feed.is_full:
            return Response(status_code=503, headers={"Retry-After": "60"})
        last = looking.request.headers.get("last-event-id", "")
        after = int(last) if last.isascii() and last.isdigit() and len(last) <= LONGEST_NUMBER else None
        told = self._paced(stream(self._feed, solve, after, self._still(looking.principal, repo)))
        return StreamingResponse(told, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    async def _paced(self, told: AsyncGenerator[bytes, None]) -> AsyncIterator[bytes]:
        """And how long the page shall wait before it is loaded anew, whenever that is another time."""
        pace = 0.0
        async with aclosing(told):
            async for text in told:
                if self._feed.pace != pace:
                    pace = self._feed.pace
                    yield f"event: pace\ndata: {pace}\n\n".encode()
                yield text

    def _still(self, principal: Principal, repo: Repo) -> StillAllowed:
        """Signed in, and permitted to: both are asked anew."""

        async def allowed() -> bool:
            try:
                await self._reading.check_repository(principal, repo, no_older_than=RECHECK)
            except (NoSuchThing, NotAllowed):
                return False
            return await self._sessions.lasts(principal)

        return allowed
