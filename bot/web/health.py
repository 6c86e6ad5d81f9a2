"""GET /healthz: the process answers. GET /readyz: what it needs answers too, each within its time.

The first is for anybody. The second asks the database and says what is wrong with us, so it has the address of the
metrics.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from bot.ports import WorldError

Check = Callable[[], Awaitable[None]]
"""Returns when all is well. Raises a `WorldError` when it is not; its `remedy` may be shown."""

log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(slots=True)
class Leaving:
    """Has it been told to end? The proxy is to ask somebody else then, while we still answer."""

    seconds: float = 0.0
    begun: bool = False


def alive_route(leaving: Leaving | None = None) -> Route:
    async def alive(request: Request) -> Response:
        if leaving is not None and leaving.begun:
            return PlainTextResponse("leaving\n", 503)
        return PlainTextResponse("ok\n")

    return Route("/healthz", alive)


def health_routes(checks: Mapping[str, Check], *, timeout: float = 2.0) -> list[Route]:
    """Both. `timeout` in seconds is for each check; they run side by side."""

    async def ready(request: Request) -> Response:
        problems = await asyncio.gather(*(_problem(name, check, timeout) for name, check in checks.items()))
        failing = {name: problem for name, problem in zip(checks, problems, strict=True) if problem}
        return JSONResponse({"ready": not failing, "failing": failing}, 503 if failing else 200)

    return [alive_route(), Route("/readyz", ready)]


async def _problem(name: str, check: Check, timeout: float) -> str:
    """What stands against being ready, for people; "" when nothing does. Details are for the log."""
    try:
        async with asyncio.timeout(timeout):
            await check()
    except TimeoutError:
        return f"no answer within {timeout:g} s"
    except WorldError as error:
        log.warning("health.failing", check=name, problem=str(error))
        return error.remedy or f"does not work ({type(error).__name__})"
    return ""
