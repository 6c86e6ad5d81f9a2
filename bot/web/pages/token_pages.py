"""Access tokens of one's own: made here, shown once, and ended here."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.access_tokens import AccessTokens
from bot.core.access import Scope
from bot.core.render import web_pages as say
from bot.core.token_wish import MOST_DAYS, USUAL_DAYS, BadWish, read_wish
from bot.ports import Clock
from bot.web.pages.desk import Desk, Looking
from bot.web.reading import NoSuchThing

USUAL = {"name": "", "days": str(USUAL_DAYS), "read": "yes", "steer": "", "operate": ""}


class TokenPages:
    """`api`: where programs ask; "" where it is switched off."""

    def __init__(self, desk: Desk, tokens: AccessTokens, clock: Clock, api: str) -> None:
        self._desk = desk
        self._tokens = tokens
        self._clock = clock
        self._api = api
        self.routes = [
            Route("/tokens", desk.open_to(self.list), methods=["GET"]),
            Route("/tokens", desk.open_to(self.create), methods=["POST"]),
            Route("/tokens/{id}/revoke", desk.open_to(self.revoke), methods=["POST"]),
        ]

    async def list(self, looking: Looking) -> Response:
        return await self._page(looking, USUAL)

    async def create(self, looking: Looking) -> Response:
        fields = await self._desk.sessions.form(looking.request)
        if fields is None:
            return looking.trouble(say.WRONG_FORM)
        somebody, now = looking.principal, self._clock.now()
        wish = read_wish(
            fields.get("name", ""),
            [scope.value for scope in Scope if fields.get(scope.value) == "yes"],
            fields.get("days", "").strip(),
            is_admin=somebody.is_admin,
            owned=await self._tokens.tokens.owned(somebody.person.id),
            now=now,
        )
        if isinstance(wish, BadWish):
            return await self._page(looking, {name: fields.get(name, "") for name in USUAL}, problem=wish.why)
        _, text = await self._tokens.create(wish, somebody.person, somebody.person.login, now)
        return await self._page(looking, USUAL, text=text)

    async def revoke(self, looking: Looking) -> Response:
        if await self._desk.sessions.form(looking.request) is None:
            return looking.trouble(say.WRONG_FORM)
        person = looking.principal.person
        if not await self._tokens.revoke(looking.part("id"), person.login, self._clock.now(), owner=person.id):
            raise NoSuchThing
        return RedirectResponse("/tokens", 303)

    async def _page(
        self, looking: Looking, fields: Mapping[str, str], *, text: str = "", problem: str = ""
    ) -> Response:
        owned = await self._tokens.tokens.owned(looking.principal.person.id)
        return looking.page(
            "tokens.html",
            tokens=owned,
            fields=fields,
            text=text,
            problem=problem,
            api=self._api,
            most_days=MOST_DAYS,
            scopes=[(name, words) for name, words in say.SCOPES if name != "operate" or looking.principal.is_admin],
        )
