"""What the operator does on the page of operations, and what is set."""

from __future__ import annotations

import re
from collections.abc import Sequence

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.core.access import Deed
from bot.core.render import web_pages as say
from bot.web.operating import Operating
from bot.web.pages.desk import Desk, Looking
from bot.web.reading import NoSuchThing, allowed
from bot.web.shown_settings import SettingView

_GUID = re.compile(r"[\w-]{1,80}")
_PROVIDER = re.compile(r"[\w.:-]{1,200}")


class OperatorPages:
    def __init__(self, desk: Desk, operating: Operating, settings: Sequence[SettingView]) -> None:
        self._desk = desk
        self._operating = operating
        self._settings = settings
        self.routes = [
            Route("/settings", desk.open_to(self.settings)),
            Route("/deliveries/{guid}/redeliver", desk.open_to(self.redeliver), methods=["POST"]),
            Route("/providers/{name}/reset", desk.open_to(self.reset), methods=["POST"]),
        ]

    async def settings(self, looking: Looking) -> Response:
        allowed(looking.principal, Deed.OPERATE)
        return looking.page("settings.html", settings=self._settings)

    async def redeliver(self, looking: Looking) -> Response:
        return await self._do(looking, "guid", _GUID)

    async def reset(self, looking: Looking) -> Response:
        return await self._do(looking, "name", _PROVIDER)

    async def _do(self, looking: Looking, part: str, like: re.Pattern[str]) -> Response:
        if await self._desk.sessions.form(looking.request) is None:
            return looking.trouble(say.WRONG_FORM)
        named = looking.part(part)
        if not like.fullmatch(named):
            raise NoSuchThing
        do = self._operating.redeliver if part == "guid" else self._operating.reset
        await do(looking.principal, named, "page")
        return RedirectResponse("/operations", 303)
