"""How a repository is reached: under its present name, with the least token that will do, one write at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from bot.core.model import Repo
from bot.github import responses
from bot.github.client import GRAPHQL, Answer, Call, Client, Credentials, Sleep, encoded
from bot.github.refusals import Moved, Uncertain, lacks
from bot.github.tokens import Purpose, Tokens
from bot.github.write_pacing import Turns
from bot.ports import Denied, Gone, Rejected, Unavailable, WorldError

T = TypeVar("T")

_MOST_TRIES = 3
_LOOK_AGAIN_AFTER = 1.0  # seconds; what was just written is not to be seen everywhere at once


class Access:
    """The paths of calls are relative to the repository: `/issues/7`."""

    def __init__(self, client: Client, app: Credentials, tokens: Tokens, turns: Turns, sleep: Sleep) -> None:
        self._client = client
        self._app = app
        self._tokens = tokens
        self._turns = turns
        self._sleep = sleep
        self._names: dict[int, str] = {}  # repository id -> its name, where that differs from what we were told
        self._bot: responses.Account | None = None
        self._asking_for_bot = asyncio.Lock()

    def name(self, repo: Repo) -> str:
        return self._names.get(repo.id, repo.name)

    async def look_up(self, repo: Repo) -> responses.Repository:
        """By id, which outlives renames and transfers."""
        credentials = self._tokens.of(repo, Purpose.READ)
        answer = await self._client.call(Call("GET", f"/repositories/{repo.id}"), credentials)
        found = answer.read(responses.Repository)
        self._names[repo.id] = found.full_name
        return found

    async def ask(self, repo: Repo, purpose: Purpose, call: Call) -> Answer:
        """A redirect did nothing, so where it was the repository that moved, its present name is asked instead."""
        credentials = self._tokens.of(repo, purpose)
        asked = self.name(repo)
        try:
            return await self._client.call(_within(asked, call), credentials)
        except Moved:
            if (await self.look_up(repo)).full_name == asked:
                raise
            return await self._client.call(_within(self.name(repo), call), credentials)

    async def list(self, repo: Repo, purpose: Purpose, call: Call, type: type[T]) -> list[T]:
        """All pages."""
        call = replace(call, query={"per_page": "100", **call.query})
        first = await self.ask(repo, purpose, call)
        pages = self._client.pages(first, self._tokens.of(repo, purpose))
        return [item async for page in pages for item in page.read(list[type])]  # type: ignore[valid-type]

    async def write(self, repo: Repo, purpose: Purpose, call: Call) -> Answer:
        """Something that people see. Waits for its turn."""
        async with self._turns.turn(repo.installation):
            return await self.ask(repo, purpose, call)

    async def graphql(self, repo: Repo, purpose: Purpose, text: str, variables: Mapping[str, Any], type: type[T]) -> T:
        """The data of an operation. Raises `Gone`, `Denied` or `Rejected` for what GitHub says with a 200."""
        call = Call("POST", GRAPHQL, {"query": text, "variables": variables}, repeatable=True)
        answer = await self._client.call(call, self._tokens.of(repo, purpose))
        found = answer.read(_GraphQL)
        if found.errors:
            raise _graphql_error(found.errors[0], purpose)
        return msgspec.convert(found.data, type)

    async def find_or_make(self, find: Callable[[], Awaitable[T | None]], make: Callable[[], Awaitable[T]]) -> T:
        """Look first; and where nobody knows whether it was made, look again before making it once more."""
        for _ in range(_MOST_TRIES - 1):
            found = await find()
            if found is not None:
                return found
            try:
                return await make()
            except Uncertain:
                await self._sleep(_LOOK_AGAIN_AFTER)
        return await find() or await make()

    async def ourselves(self, repo: Repo, purpose: Purpose) -> responses.Account:
        """The account that what we write is by. It stays the same, so it is asked for once."""
        async with self._asking_for_bot:
            if self._bot is None:
                app = (await self._client.call(Call("GET", "/app"), self._app)).read(responses.App)
                call = Call("GET", encoded("users", f"{app.slug}[bot]"))
                answer = await self._client.call(call, self._tokens.of(repo, purpose))
                self._bot = answer.read(responses.Account)
            return self._bot

    async def account(self, repo: Repo, login: str) -> responses.Account:
        """Anybody's; `repo` only says whose token is used. Raises `Gone`."""
        answer = await self._client.call(Call("GET", encoded("users", login)), self._tokens.of(repo, Purpose.READ))
        return answer.read(responses.Account)


class _GraphQLError(msgspec.Struct, frozen=True):
    message: str = ""
    type: str = ""


class _GraphQL(msgspec.Struct, frozen=True):
    data: dict[str, Any] | None = None
    errors: list[_GraphQLError] = []


def _graphql_error(error: _GraphQLError, purpose: Purpose) -> WorldError:
    text = f"POST /graphql: {error.type} {error.message}"
    match error.type:
        case "NOT_FOUND":
            return Gone(text)
        case "FORBIDDEN" | "INSUFFICIENT_SCOPES":
            return Denied(text, remedy=lacks(None, purpose.value))
        case "RATE_LIMIT" | "RATE_LIMITED":
            return Unavailable(text, retry_after=60.0)
    return Rejected(text, remedy=f"GitHub says: {error.message}")


def _within(name: str, call: Call) -> Call:
    return replace(call, path=f"/repos{encoded(*name.split('/'))}{call.path}")
