"""Who is in a team of an organisation: asked with a token for that alone, of the installation there."""

from __future__ import annotations

import msgspec

from bot.github.client import Call, Client, encoded
from bot.github.tokens import AppCredentials, Purpose, Tokens

ACTIVE = "active"  # the other one is pending: invited, and not there yet


class _Installation(msgspec.Struct, frozen=True):
    id: int


class _Membership(msgspec.Struct, frozen=True):
    state: str


class Teams:
    def __init__(self, client: Client, app: AppCredentials, tokens: Tokens) -> None:
        self._client = client
        self._app = app
        self._tokens = tokens

    async def have(self, team: str, login: str) -> bool:
        """`team`: `organisation/team`. Members of teams below it count, as GitHub says.

        Raises `Gone` where the App is not installed there, and `Denied` where it may not read members.
        """
        organisation, _, slug = team.partition("/")
        where = await self._client.call(Call("GET", f"/orgs{encoded(organisation)}/installation"), self._app)
        credentials = self._tokens.of_account(where.read(_Installation).id, Purpose.MEMBERS)
        path = f"/orgs{encoded(organisation)}/teams{encoded(slug)}/memberships{encoded(login)}"
        answer = await self._client.call(Call("GET", path, expect=(404,)), credentials)
        return answer.status != 404 and answer.read(_Membership).state == ACTIVE
