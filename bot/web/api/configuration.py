"""The configuration of a repository: another text of it is checked, and proposed as a pull request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from bot.core.model import IssueRef
from bot.core.render import problems
from bot.core.render.proposals import WHY_NOT, listed
from bot.core.trigger.config_values import Mistake
from bot.core.trigger.events import Wish
from bot.core.trigger.proposals import LONGEST_PROPOSAL, mistakes_in, tidied, unfit
from bot.web.api.authentication import Given, Somebody
from bot.web.api.problems import Refused
from bot.web.api.steering import Key, RequestView, put
from bot.web.asking import Asked
from bot.web.repositories import editable

router = APIRouter(tags=["repositories"])
Number = Annotated[int, Path(ge=1, le=2**53, description="As in `GET /repositories`.")]


class NewConfiguration(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=LONGEST_PROPOSAL, description="The whole file.")


@dataclass(frozen=True, slots=True)
class Findings:
    """Each mistake with its line and what to do. Without any, the bot would go by it."""

    mistakes: tuple[Mistake, ...]


@router.post("/repositories/{id}/configuration", status_code=202)
async def propose_a_configuration(
    id: Number, body: NewConfiguration, given: Given, principal: Somebody, key: Key, response: Response
) -> RequestView:
    """The bot opens a pull request with it. One with a mistake in it is refused at once."""
    repo = (await given.reading.known_repository(principal, id)).repo
    text = tidied(body.text)
    now = await editable(given.reading, given.github, repo)
    why = await asyncio.to_thread(unfit, text, now.text if now.is_there else None, given.redact(text))
    if why is not None:
        raise Refused(problems.unfit_configuration(f"{WHY_NOT[why]} {listed(mistakes_in(text))}".rstrip()))
    return await put(given, principal, key, Asked(Wish.CONFIGURE, IssueRef(repo, 0), text=text), response)


@router.post("/repositories/{id}/configuration/check")
async def check_a_configuration(
    id: Number, body: NewConfiguration, given: Given, principal: Somebody, key: Key
) -> Findings:
    """Nothing is changed by it."""
    await given.reading.known_repository(principal, id)
    found: Findings = given.redact.within(Findings(await asyncio.to_thread(mistakes_in, tidied(body.text))))
    return found
