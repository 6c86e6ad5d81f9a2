"""GET /solves/{id}/events: what happens, while it happens, as server-sent events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header
from starlette.responses import StreamingResponse

from bot.core.access import Principal
from bot.core.model import Repo, SolveId
from bot.core.render import problems
from bot.web.api.authentication import Given, Somebody
from bot.web.api.problems import Refused
from bot.web.api.services import Services
from bot.web.api.solves import Id
from bot.web.events import RECHECK, StillAllowed, stream
from bot.web.reading import NoSuchThing, NotAllowed

router = APIRouter(tags=["solves"])

_NUMBER = r"^\d{1,18}$"


@router.get(
    "/solves/{id}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}},
)
async def follow_a_solve(
    id: Id,
    given: Given,
    principal: Somebody,
    last_event_id: Annotated[str | None, Header(pattern=_NUMBER, description="Go on behind this event.")] = None,
) -> StreamingResponse:
    """Events of the solve, from now on or from behind `Last-Event-ID`.

    `reload`: you were too slow, and have missed some. `end`: you may not see the solve any more.
    """
    solve = SolveId(id)
    repo = await given.reading.repository_behind(principal, solve)
    if given.feed.is_full:
        raise Refused(problems.too_many(60), {"Retry-After": "60"})
    after = int(last_event_id) if last_event_id else None
    told = stream(given.feed, solve, after, _still(given, principal, repo))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(told, media_type="text/event-stream", headers=headers)


def _still(given: Services, principal: Principal, repo: Repo) -> StillAllowed:
    async def allowed() -> bool:
        try:
            await given.reading.check_repository(principal, repo, no_older_than=RECHECK)
        except (NoSuchThing, NotAllowed):
            return False
        return await given.still_valid.holds(principal.id)

    return allowed
