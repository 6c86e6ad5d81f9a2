"""What there is to know about solves and their runs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import PlainTextResponse, Response

from bot.core.conversation import Turn
from bot.core.listing import LARGEST_PAGE, LONGEST_CURSOR, LONGEST_SEARCH, PAGE, Page, SolveFilter, State
from bot.core.model import Evidence, SolveId
from bot.core.views import DecisionView, RunDetail, SolveDetail, SolveSummary
from bot.web.api.authentication import Given, Somebody
from bot.web.reading import NoSuchThing

router = APIRouter(tags=["solves"])

Id = Annotated[str, Path(max_length=200, pattern=r"^[\w.-]+$", description="A solve's id, as in `GET /solves`.")]
Letter = Annotated[str, Path(pattern="^[A-Za-z]$", description="What the run's candidate is called.")]
Size = Annotated[int, Query(ge=1, le=LARGEST_PAGE, description="The most rows of a page.")]
After = Annotated[str, Query(max_length=LONGEST_CURSOR, description="`next` of the page before.")]
_Name = Annotated[str, Query(max_length=140, pattern=r"^[\w./-]*$")]
_GZIP = "application/gzip"


@router.get("/solves")
async def list_solves(
    given: Given,
    principal: Somebody,
    repository: _Name = "",
    person: _Name = "",
    state: State | None = None,
    search: Annotated[str, Query(max_length=LONGEST_SEARCH)] = "",
    since: datetime | None = None,
    until: datetime | None = None,
    after: After = "",
    size: Size = PAGE,
) -> Page[SolveSummary]:
    """The newest first, of repositories that you may read."""
    wanted = SolveFilter(repository, person, state, search, _with_zone(since), _with_zone(until))
    return await given.reading.solves(principal, wanted, after, size)


@router.get("/solves/{id}")
async def show_a_solve(id: Id, given: Given, principal: Somebody) -> SolveDetail:
    """All about a solve but what its runs said and did."""
    return await given.reading.solve(principal, SolveId(id))


@router.get("/solves/{id}/decision")
async def show_the_decision(id: Id, given: Given, principal: Somebody) -> DecisionView:
    """What was decided, and what each kind of evidence counted."""
    found = (await given.reading.solve(principal, SolveId(id))).decision
    if found is None:
        raise NoSuchThing
    return found


@router.get("/solves/{id}/runs/{letter}")
async def show_a_run(id: Id, letter: Letter, given: Given, principal: Somebody) -> RunDetail:
    """Its patch, its evidence, and its conversation once it is over."""
    return await given.reading.run(principal, SolveId(id), letter)


@router.get("/solves/{id}/runs/{letter}/patch", response_class=PlainTextResponse)
async def get_the_patch(id: Id, letter: Letter, given: Given, principal: Somebody) -> Response:
    """As git applies it."""
    found = await given.reading.run(principal, SolveId(id), letter)
    if not found.patch:
        raise NoSuchThing
    return PlainTextResponse(found.patch)


@router.get("/solves/{id}/runs/{letter}/evidence")
async def show_the_evidence(id: Id, letter: Letter, given: Given, principal: Somebody) -> Evidence:
    """What was seen when it was run."""
    found = (await given.reading.run(principal, SolveId(id), letter)).evidence
    if found is None:
        raise NoSuchThing
    return found


@router.get("/solves/{id}/runs/{letter}/log")
async def show_the_log(id: Id, letter: Letter, given: Given, principal: Somebody) -> tuple[Turn, ...]:
    """Its conversation: what was said, what was run, what came of it."""
    return (await given.reading.run(principal, SolveId(id), letter)).conversation


@router.get(
    "/solves/{id}/runs/{letter}/trajectory",
    response_class=Response,
    responses={200: {"content": {_GZIP: {"schema": {"type": "string", "format": "binary"}}}}},
)
async def get_the_trajectory(id: Id, letter: Letter, given: Given, principal: Somebody) -> Response:
    """Gzipped JSON in the format mini-swe-agent-1.1."""
    return Response(await given.reading.trajectory(principal, SolveId(id), letter), media_type=_GZIP)


def _with_zone(at: datetime | None) -> datetime | None:
    """A time without a zone is UTC."""
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at
