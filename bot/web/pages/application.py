"""All pages, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from bot.access_tokens import AccessTokens
from bot.core.choosing.experiments import ServerLimits
from bot.core.render import web_pages as say
from bot.ports import Clock
from bot.web.administrators import Administrators
from bot.web.asking import Asking
from bot.web.events import Feed
from bot.web.operating import Operating
from bot.web.pages.account_pages import AccountPages, Operated
from bot.web.pages.configuration_pages import ConfigurationPages
from bot.web.pages.desk import Desk
from bot.web.pages.headers import Guarded
from bot.web.pages.live import Live
from bot.web.pages.operator_pages import OperatorPages
from bot.web.pages.rendering import Renderer, static_route
from bot.web.pages.sessions import Sessions, WebSessions
from bot.web.pages.sign_in import SignInPages, SignsIn
from bot.web.pages.solve_pages import SolvePages
from bot.web.pages.steering_pages import SteeringPages
from bot.web.pages.token_pages import TokenPages
from bot.web.shown_settings import SettingView


@dataclass(frozen=True, slots=True)
class Place:
    """`url`: where people reach us. `site`: where they see repositories."""

    url: str
    site: str
    admins: tuple[str, ...] = ()
    api: str = ""  # its path, where it is switched on


@dataclass(frozen=True, slots=True)
class Needs:
    asking: Asking
    feed: Feed
    operated: Operated
    tokens: AccessTokens
    limits: ServerLimits
    settings: Sequence[SettingView]
    sessions: WebSessions
    github: SignsIn
    clock: Clock


def pages(needs: Needs, place: Place) -> ASGIApp:
    reading, clock = needs.asking.reading, needs.clock
    kept = Sessions(needs.sessions, clock, place.url, Administrators(needs.asking.github, clock, place.admins))
    desk = Desk(kept, Renderer(clock))

    async def not_found(request: Request, _error: Exception) -> Response:
        return desk.trouble(request, say.NOT_FOUND)

    app = Starlette(
        routes=[
            *SignInPages(kept, needs.github, desk.trouble).routes,
            *SolvePages(desk, needs.asking, place.site).routes,
            *SteeringPages(desk, needs.asking, needs.limits, place.site).routes,
            *Live(desk, reading, needs.feed, kept).routes,
            *AccountPages(desk, needs.asking, needs.operated).routes,
            *ConfigurationPages(desk, needs.asking, place.site).routes,
            *OperatorPages(desk, _operating(needs), needs.settings).routes,
            *TokenPages(desk, needs.tokens, clock, place.api).routes,
            Route("/static/{digest}/{name}", static_route),
        ],
        exception_handlers={404: not_found, 405: not_found},
    )
    return Guarded(app, secure=kept.secure)


def _operating(needs: Needs) -> Operating:
    it, asking = needs.operated, needs.asking
    return Operating(it.store, it.views, it.ledger, asking.inbox, asking.clock)
