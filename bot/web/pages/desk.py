"""What every page has in common: who is looking, and what is answered where there is nothing to show."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response

from bot.core.access import Principal, Verdict
from bot.core.render import web_pages as say
from bot.ports import WorldError
from bot.web.pages.rendering import Renderer
from bot.web.pages.sessions import STRANGER, Sessions, Visitor
from bot.web.reading import BadCursor, NoSuchThing, NotAllowed

log = structlog.get_logger()

Handler = Callable[["Looking"], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


class Looking:
    """A request of somebody who is signed in."""

    def __init__(self, request: Request, visitor: Visitor, principal: Principal, renderer: Renderer) -> None:
        self.request = request
        self.visitor = visitor
        self.principal = principal
        self._renderer = renderer

    def asked(self, name: str, most: int = 200) -> str:
        """A parameter of the address, without white space around it."""
        return self.request.query_params.get(name, "")[:most].strip()

    def part(self, name: str) -> str:
        """Of the path."""
        return str(self.request.path_params[name])

    def page(self, template: str, **values: Any) -> Response:
        return self._renderer.page(template, self.visitor, self.request, values)

    def trouble(self, trouble: say.Trouble) -> Response:
        return self._renderer.trouble(self.visitor, self.request, trouble)


class Desk:
    def __init__(self, sessions: Sessions, renderer: Renderer) -> None:
        self.sessions = sessions
        self._renderer = renderer

    def open_to(self, handler: Handler) -> Endpoint:
        """For those who are signed in. Everybody else is asked to, whatever there may be at the address."""

        async def answer(request: Request) -> Response:
            try:
                visitor = await self.sessions.visitor(request)
            except WorldError as error:
                log.error("pages.away", path=request.url.path, reason=str(error))
                return self.trouble(request, say.AWAY)
            if visitor.principal is None:
                return self._renderer.page("sign_in.html", visitor, request, {"to": _address(request)})
            looking = Looking(request, visitor, visitor.principal, self._renderer)
            return await self._answered(handler, looking)

        return answer

    async def _answered(self, handler: Handler, looking: Looking) -> Response:
        try:
            return await handler(looking)
        except (NoSuchThing, BadCursor):
            return looking.trouble(say.NOT_FOUND)
        except NotAllowed as refusal:
            return looking.trouble(_WHY_NOT.get(refusal.verdict, say.MAY_NOT))
        except WorldError as error:
            log.error("pages.away", path=looking.request.url.path, reason=str(error))
            return looking.trouble(say.AWAY)
        except Exception:  # the edge: whatever it was, people see a page, and the log has the rest
            log.exception("pages.broke", path=looking.request.url.path)
            return looking.trouble(say.BROKEN)

    def trouble(self, request: Request, trouble: say.Trouble) -> Response:
        return self._renderer.trouble(STRANGER, request, trouble)


_WHY_NOT: Mapping[Verdict, say.Trouble] = {Verdict.ADMIN: say.NOT_ALLOWED, Verdict.HIDDEN: say.NOT_FOUND}


def _address(request: Request) -> str:
    return f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
