"""Errors as problem documents (RFC 9457), with what to do about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any
from uuid import uuid4

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from bot.core.render import problems
from bot.core.render.problems import Problem
from bot.ports import Unavailable
from bot.web.reading import BadCursor, NoSuchThing, NotAllowed

log = structlog.get_logger()

MEDIA_TYPE = "application/problem+json"


class Refused(Exception):
    """A problem that a route has found itself."""

    def __init__(self, problem: Problem, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(problem.title)
        self.problem = problem
        self.headers = dict(headers or {})


def document(problem: Problem) -> dict[str, Any]:
    said = asdict(problem)
    return {"type": f"/api/v1/docs#problem-{said.pop('kind')}", **said}


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse(document(problem), problem.status, headers, media_type=MEDIA_TYPE)


def handle_problems(app: FastAPI) -> None:
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(NotAllowed, _not_allowed)
    app.add_exception_handler(NoSuchThing, lambda *_: answer(problems.not_found()))
    app.add_exception_handler(BadCursor, lambda *_: answer(problems.bad_cursor()))
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Unavailable, _away)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _broke)


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return answer(error.problem, error.headers)


def _not_allowed(_: Request, error: Exception) -> Response:
    assert isinstance(error, NotAllowed)
    problem = problems.not_allowed(error.verdict, error.needed, error.has)
    return answer(problem, {"WWW-Authenticate": "Bearer"} if problem.status == 401 else None)


def _invalid(_: Request, error: Exception) -> Response:
    """Where, and what; never what was sent."""
    assert isinstance(error, RequestValidationError)
    said = [f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}" for each in error.errors()[:5]]
    return answer(problems.invalid("; ".join(said)[:1000]))


def _away(_: Request, error: Exception) -> Response:
    assert isinstance(error, Unavailable)
    log.warning("api.unavailable", problem=str(error))
    after = str(int(error.retry_after)) if error.retry_after else "60"
    return answer(problems.away(error.remedy), {"Retry-After": after})


def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code in (404, 405):
        return answer(problems.no_such_route(error.status_code), error.headers)
    if error.status_code == 413:
        return answer(problems.too_large(MOST_BYTES))
    return answer(problems.bad_request())


def _broke(_: Request, error: Exception) -> Response:
    incident = uuid4().hex[:12]
    log.error("api.broke", incident=incident, exc_info=error)
    return answer(problems.broke(incident))


MOST_BYTES = 65_536  # of a body
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": title, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
    for status, title in (
        (400, "Unreadable"),
        (401, "Nobody is signed in"),
        (403, "Not allowed"),
        (404, "Not there, or not to be seen"),
        (405, "Not with this method"),
        (409, "In the way of another request"),
        (413, "Too large"),
        (422, "Not valid"),
        (429, "Too many requests"),
        (503, "Not available"),
    )
}
SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "remedy"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "remedy": {"type": "string", "description": "What to do about it."},
    },
}
