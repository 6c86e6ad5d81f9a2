"""Templates to pages. All that goes into one is escaped, whatever it is; and nothing in them is marked as safe."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot import __version__
from bot.core.render import web_pages as say
from bot.core.render.text import count, dollars, duration, shortened
from bot.core.text.terminal_text import as_shown
from bot.core.views import EventKind
from bot.ports import Clock
from bot.web.pages.sessions import Visitor

STATIC: Mapping[str, str] = {
    "pages.css": "text/css; charset=utf-8",
    "live.mjs": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_YEAR = 31_536_000
_PLACES = (("/", "Solves"), ("/repositories", "Repositories"), ("/money", "Money"), ("/start", "Start one"))
_FOR_ADMINS = (("/operations", "Operations"),)


class Renderer:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._templates = Environment(
            loader=PackageLoader("bot.web.pages"),
            autoescape=True,  # whatever a template is called
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= {
            "static": static_path,
            "version": __version__,
            "kinds": " ".join(EventKind),
            "every_scope": say.SCOPES,
        }
        self._templates.filters |= {
            "brief": shortened,
            "clock_time": lambda at: f"{at:%H:%M:%S}",
            "first_line": lambda text: text.strip().partition("\n")[0][:200],
            "is_link": lambda url: url.startswith(("https://", "http://")),
            "ago": lambda at: say.ago(at, clock.now()),
            "count": count,
            "day": lambda at: f"{at:%Y-%m-%d}",
            "dollars": dollars,
            "duration": duration,
            "moment": _moment,
            "output_of": say.output_of,
            "percent": lambda chance: f"{chance:.0%}",
            "pill_of_solve": say.solve_pill,
            "pill_of_run": say.run_pill,
            "shown": as_shown,
            "term": lambda name: say.TERMS.get(name, name),
        }

    def page(
        self, name: str, visitor: Visitor, request: Request, values: Mapping[str, Any], status: int = 200
    ) -> Response:
        path = request.scope["path"]
        places: Sequence[tuple[str, str]] = (*_PLACES, *(_FOR_ADMINS if visitor.is_admin else ()))
        usual = {"visitor": visitor, "here": path, "places": places, "now": self._clock.now()}
        text = self._templates.get_template(name).render({**usual, **values})
        return HTMLResponse(text, status)

    def trouble(self, visitor: Visitor, request: Request, trouble: say.Trouble) -> Response:
        return self.page("trouble.html", visitor, request, {"trouble": trouble}, trouble.status)


@cache
def static_file(name: str) -> bytes:
    return files("bot.web.pages").joinpath("static", name).read_bytes()


@cache
def static_path(name: str) -> str:
    """With a part of its digest, so that browsers may keep it for ever."""
    return f"/static/{hashlib.sha256(static_file(name)).hexdigest()[:12]}/{name}"


async def static_route(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in STATIC:
        return Response(status_code=404)
    headers = {"Cache-Control": f"public, max-age={_YEAR}, immutable"}
    return Response(static_file(name), media_type=STATIC[name], headers=headers)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
