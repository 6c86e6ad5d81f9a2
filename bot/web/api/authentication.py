"""From the header of a request to who asks. A token in an address is none: addresses are written into logs."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from bot.core.access import Deed, Means, Principal, is_token, token_id
from bot.core.render import problems
from bot.web.api.problems import Refused
from bot.web.api.rates import TooOften
from bot.web.api.services import Services
from bot.web.reading import allowed

_bearer = HTTPBearer(auto_error=False, description="An access token, made with `solvebot tokens create`.")


def services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


Given = Annotated[Services, Depends(services)]


async def somebody(
    request: Request,
    given: Given,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    """Whose valid token it is. Raises `NotAllowed`; who shows none is counted by address."""
    try:
        principal = await _owner(given, credentials.credentials) if credentials else None
        if principal is None:
            await given.rates.stranger(request.client.host if request.client else "")
        else:
            await given.rates.person(principal.id, principal.person.id)
    except TooOften as often:
        raise Refused(problems.too_many(often.seconds), {"Retry-After": str(often.seconds)}) from often
    return allowed(principal, Deed.ANY)


async def admin(principal: Annotated[Principal, Depends(somebody)]) -> Principal:
    return allowed(principal, Deed.OPERATE)


Somebody = Annotated[Principal, Depends(somebody)]
Admin = Annotated[Principal, Depends(admin)]


async def _owner(given: Services, text: str) -> Principal | None:
    id = token_id(text)
    found = await given.tokens.find(id) if id is not None else None
    if found is None:
        return None
    token, digest = found
    now = given.clock.now()
    if not is_token(text, digest) or not token.is_valid(now):
        return None
    await given.tokens.used(token.id, now)
    return Principal(token.owner, Means.TOKEN, token.id, token.scopes, await given.admins.have(token.owner.login))
