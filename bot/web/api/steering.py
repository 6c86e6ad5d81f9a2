"""What may be asked of the bot: it goes into the inbox, as a comment's command would, and is as durable.

The answer is 202 once that is on the disk. What came of it is told by `GET /requests/{id}`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.core.access import Principal
from bot.core.choosing.approval import MAX_WHY
from bot.core.estimate import Estimate
from bot.core.model import IssueRef, SolveFacts, SolveId, SolveOptions
from bot.core.render import problems
from bot.core.trigger.api_requests import options_of
from bot.core.trigger.commands import Misread
from bot.core.trigger.events import Wish
from bot.core.trigger.options import BadOption
from bot.ports import Request
from bot.web.api.authentication import Given, Somebody
from bot.web.api.problems import Refused
from bot.web.api.services import Services
from bot.web.api.solves import Id
from bot.web.asking import Asked, Asking, KeyReused, NoSuchIssue
from bot.web.estimates import Estimates
from bot.web.reading import NoSuchThing

router = APIRouter(tags=["steering"])

LONGEST_TEXT = 20_000
_NAME = r"^([\w.-]{1,100}/[\w.-]{1,100})?$"
_ISSUE = re.compile(r"/([\w.-]{1,100}/[\w.-]{1,100})/issues/(\d{1,9})/?(?:[#?].*)?")
Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="A new random text for each request; the same one where you repeat it.",
    ),
]
_Model = Annotated[str, Field(pattern=r"^[^\s,]{1,100}$")]


class Options(BaseModel):
    """As in a comment: `/solve model=a,b attempts=3 budget=2.50 time=30m`. What is left out, the repository says."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    models: list[_Model] = Field(default=[], max_length=8)
    attempts: int | None = Field(default=None, ge=1, le=8)
    temperatures: list[float] = Field(default=[], max_length=8)
    strategies: list[str] = Field(default=[], max_length=8)
    budget: float | None = Field(default=None, gt=0, description="Dollars.")
    minutes: int | None = Field(default=None, ge=1, le=1440)
    base: str | None = Field(default=None, max_length=200)
    repro: str | None = Field(default=None, max_length=2000)
    draft: bool = False


class NewSolve(BaseModel):
    model_config = ConfigDict(extra="forbid")

    issue: str = Field(default="", max_length=400, description="Its address: https://github.com/owner/name/issues/7")
    repository: str = Field(default="", pattern=_NAME, description="owner/name, for a bug that has no issue yet.")
    title: str = Field(default="", max_length=250, description="Of the issue that is opened for it.")
    text: str = Field(default="", max_length=LONGEST_TEXT, description="What is wrong.")
    options: Options = Options()

    @model_validator(mode="after")
    def is_one_or_the_other(self) -> NewSolve:
        described = bool(self.repository and self.title.strip())
        if bool(self.issue) == described or (self.issue and (self.repository or self.title or self.text)):
            raise ValueError("give either `issue`, or `repository`, `title` and `text`")
        return self


class Again(BaseModel):
    model_config = ConfigDict(extra="forbid")

    options: Options | None = Field(default=None, description="Left out: those of the solve before.")


class Choice(BaseModel):
    model_config = ConfigDict(extra="forbid")

    candidate: str = Field(pattern="^[A-Za-z]$", description="What it is called: B.")


class Approved(BaseModel):
    model_config = ConfigDict(extra="forbid")

    candidate: str = Field(
        default="", pattern="^[A-Za-z]?$", description="What it is called: B. Left out: the champion."
    )


class Rejected(BaseModel):
    model_config = ConfigDict(extra="forbid")

    why: str = Field(default="", max_length=MAX_WHY, description="What speaks against it, for those who read it.")


class Change(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=LONGEST_TEXT, description="What is to be changed.")


class State(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RequestView:
    """`answer`: what a comment would be answered, as Markdown. `solve`: the one that it started, or is about."""

    id: str
    state: State
    solve: SolveId | None
    answer: str
    asked_at: datetime
    answered_at: datetime | None


@router.post("/solves", status_code=202)
async def start_a_solve(body: NewSolve, given: Given, principal: Somebody, key: Key, response: Response) -> RequestView:
    """Of an issue in a repository that the App is installed in; or of a bug without one, for which one is opened."""
    options = _options(body.options)
    if not body.issue:
        repo = await given.reading.repository(principal, body.repository)
        told = Asked(Wish.SOLVE, IssueRef(repo, 0), options=options, title=body.title.strip(), text=body.text)
        return await put(given, principal, key, told, response)
    found = _ISSUE.fullmatch(body.issue.removeprefix(given.site))
    if found is None:
        raise Refused(problems.no_issue())
    repo = await given.reading.repository(principal, found[1])
    asked = Asked(Wish.SOLVE, IssueRef(repo, int(found[2])), options=options)
    return await put(given, principal, key, asked, response)


@router.get("/repositories/{id}/estimate", tags=["repositories"])
async def estimate_a_solve(
    id: Annotated[int, Path(ge=1, le=2**53, description="As in `GET /repositories`.")],
    given: Given,
    principal: Somebody,
    models: Annotated[list[_Model], Query(max_length=8)] = [],  # noqa: B006  FastAPI copies it
    attempts: Annotated[int | None, Query(ge=1, le=8)] = None,
    budget: Annotated[float | None, Query(gt=0, allow_inf_nan=False, description="Dollars.")] = None,
) -> Estimate:
    """What a solve there would cost and take, by the record of runs like those that would be planned."""
    options = _options(Options(models=models, attempts=attempts, budget=budget))
    repo = (await given.reading.known_repository(principal, id)).repo
    found = await Estimates(given.reading, given.github, given.limits).of(principal, repo, options, given.clock.now())
    if isinstance(found, Misread):
        raise Refused(problems.bad_option(found.what, found.remedy))
    return found


@router.post("/solves/{id}/cancel", status_code=202)
async def cancel_a_solve(id: Id, given: Given, principal: Somebody, key: Key, response: Response) -> RequestView:
    """Its runs stop, and what they have found so far is kept."""
    facts = await given.reading.facts(principal, SolveId(id))
    return await put(given, principal, key, Asked(Wish.CANCEL, facts.solve.issue, facts.id), response)


@router.post("/solves/{id}/retry", status_code=202)
async def retry_a_solve(
    id: Id, given: Given, principal: Somebody, key: Key, response: Response, body: Again | None = None
) -> RequestView:
    """Again from the beginning; where only the publication had failed, only that."""
    facts = await given.reading.facts(principal, SolveId(id))
    options = _options(body.options) if body and body.options else None
    return await put(given, principal, key, Asked(Wish.RETRY, facts.solve.issue, facts.id, options), response)


@router.post("/solves/{id}/use", status_code=202)
async def use_another_candidate(
    id: Id, body: Choice, given: Given, principal: Somebody, key: Key, response: Response
) -> RequestView:
    """Its patch becomes the content of the open pull request, by one commit on top."""
    facts = await given.reading.facts(principal, SolveId(id))
    asked = Asked(Wish.USE, facts.solve.issue, facts.id, candidate=_number(body.candidate))
    return await put(given, principal, key, asked, response)


@router.post("/solves/{id}/revise", status_code=202)
async def revise_a_pull_request(
    id: Id, body: Change, given: Given, principal: Somebody, key: Key, response: Response
) -> RequestView:
    """What you say is changed in the solve's open pull request, by one commit on top."""
    facts = await given.reading.facts(principal, SolveId(id))
    asked = Asked(Wish.REVISE, _pull_of(facts), facts.id, text=body.text)
    return await put(given, principal, key, asked, response)


@router.post("/solves/{id}/approve", status_code=202)
async def approve_a_champion(
    id: Id, given: Given, principal: Somebody, key: Key, response: Response, body: Approved | None = None
) -> RequestView:
    """Where the repository says `publish: after-approval`: the champion, or the one you name, is published."""
    facts = await given.reading.facts(principal, SolveId(id))
    number = _number(body.candidate) if body and body.candidate else 0
    return await put(
        given, principal, key, Asked(Wish.APPROVE, facts.solve.issue, facts.id, candidate=number), response
    )


@router.post("/solves/{id}/reject", status_code=202)
async def reject_a_champion(
    id: Id, given: Given, principal: Somebody, key: Key, response: Response, body: Rejected | None = None
) -> RequestView:
    """Nothing of what waits for approval is published, and the solve ends with your reason."""
    facts = await given.reading.facts(principal, SolveId(id))
    asked = Asked(Wish.REJECT, facts.solve.issue, facts.id, text=body.why if body else "")
    return await put(given, principal, key, asked, response)


@router.get("/requests/{id}")
async def show_a_request(
    id: Annotated[str, Path(pattern="^api-[0-9a-f]{32}$")], given: Given, principal: Somebody
) -> RequestView:
    """What came of something that you have asked for."""
    found = await given.requests.request(id)
    if found is None or found.user != principal.person.id:
        raise NoSuchThing
    return _view(found)


# ----------------------------------------------------------------------------------------------------- into the inbox


async def put(given: Services, principal: Principal, key: str, asked: Asked, response: Response) -> RequestView:
    asking = Asking(given.reading, given.github, given.requests, given.inbox, given.clock)
    try:
        kept = await asking.ask(principal, key, asked)
    except NoSuchIssue:
        raise Refused(problems.no_issue()) from None
    except KeyReused:
        raise Refused(problems.key_reused()) from None
    response.headers["Location"] = f"/api/v1/requests/{kept.id}"
    return _view(kept)


def _number(letter: str) -> int:
    """Of the run whose candidate is called so."""
    return ord(letter.upper()) - ord("A") + 1


def _options(body: Options) -> SolveOptions:
    given: Mapping[str, Any] = {
        "model": body.models,
        "attempts": body.attempts,
        "temperature": body.temperatures,
        "strategy": body.strategies,
        "budget": body.budget,
        "time": body.minutes,
        "base": body.base,
        "repro": body.repro,
    }
    try:
        return options_of(given, draft=body.draft)
    except BadOption as bad:
        raise Refused(problems.bad_option(bad.what, bad.remedy)) from bad


def _pull_of(facts: SolveFacts) -> IssueRef:
    if facts.pull_request is None or not facts.pull_request.number:
        raise Refused(problems.no_pull_request())
    return IssueRef(facts.solve.issue.repo, facts.pull_request.number)


def _view(request: Request) -> RequestView:
    state = State.PENDING if request.answered_at is None else State.REFUSED if request.refused else State.ACCEPTED
    return RequestView(request.id, state, request.solve, request.answer, request.asked_at, request.answered_at)
