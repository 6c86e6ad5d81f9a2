"""FastAPI with all routes: the application below /api/v1."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.types import ASGIApp

from bot import __version__
from bot.web.api import configuration, documentation, following, operations, solves, steering
from bot.web.api.bodies import Bounded
from bot.web.api.caching import Tagged
from bot.web.api.problems import MOST_BYTES, RESPONSES, SCHEMA, handle_problems
from bot.web.api.services import Services

PREFIX = "/api/v1"
_ABOUT = """\
What Solvebot knows, for programs. Send an access token: `Authorization: Bearer sbt_…`.

You see the repositories that you may read on GitHub, and you may do what the same command in a comment takes. Errors
are problem documents (RFC 9457) that say what to do. Every POST takes an `Idempotency-Key`. Every GET has an ETag.
"""


def application(services: Services) -> FastAPI:
    app = FastAPI(
        title="Solvebot",
        version=__version__,
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        responses=RESPONSES,
        generate_unique_id_function=_name,
        max_body_size=MOST_BYTES,
        redirect_slashes=False,
    )
    app.state.services = services
    for router in (solves.router, following.router, steering.router, configuration.router, operations.router):
        app.include_router(router)
    documentation.add(app)
    handle_problems(app)
    app.openapi = lambda: _schema(app)  # type: ignore[method-assign]
    return app


def api(services: Services) -> ASGIApp:
    """To be mounted at /api/v1."""
    return Tagged(Bounded(application(services)))


def _name(route: APIRoute) -> str:
    return route.name


def _schema(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        made["servers"] = [{"url": PREFIX}]
        made["components"]["schemas"]["Problem"] = SCHEMA
        app.openapi_schema = made
    return app.openapi_schema
