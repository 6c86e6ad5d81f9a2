"""What a request is given, how it reads what was sent, and how it is answered."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from bot.simulators.e2b.faults import Failure
from bot.simulators.e2b.sandboxes import Sandbox
from bot.simulators.e2b.stage import Stage


class Refusal(Exception):
    """An answer that says no. `code`: a name of the Connect protocol; None: the number of the status."""

    def __init__(self, status: int, message: str, code: str | None = None, **more: object) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.more = more

    def answer(self) -> Response:
        body = {**self.more, "code": self.code or self.status, "message": self.message}
        return json_answer(body, self.status)


@dataclass(slots=True)
class Call:
    """One request. `sandbox`: the running one whose operation it is, or the one that was made."""

    request: Request
    stage: Stage
    failure: Failure | None
    parameters: Mapping[str, str]
    body: bytes = b""
    sandbox: Sandbox | None = None

    def fields(self, *known: str) -> Fields:
        """Of the JSON object that was sent; nothing sent is an empty one."""
        try:
            sent = json.loads(self.body or b"{}")
        except ValueError as error:
            raise Refusal(400, f"Invalid JSON: {error}") from error
        if not isinstance(sent, dict):
            raise Refusal(400, "Invalid JSON: not an object")
        if unknown := sorted(sent.keys() - set(known)):
            self.stage.errors.append(f"{self.request.scope['path']}: unknown or not simulated: {', '.join(unknown)}")
            raise Refusal(400, f"property {unknown[0]!r} is unsupported")
        return Fields(sent)

    def query(self, name: str, default: str = "") -> str:
        return self.request.query_params.get(name, default)


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object, read strictly."""

    sent: Mapping[str, Any] = field(default_factory=dict)

    def text(self, name: str, default: str | None = None) -> str:
        value = self.sent.get(name, default)
        return value if isinstance(value, str) else self._wrong(name, "string")

    def flag(self, name: str, default: bool) -> bool:
        value = self.sent.get(name, default)
        return value if isinstance(value, bool) else self._wrong(name, "boolean")

    def number(self, name: str, default: int | None = None) -> int:
        value = self.sent.get(name, default)
        return value if isinstance(value, int) and not isinstance(value, bool) else self._wrong(name, "integer")

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.sent.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self._wrong(name, "array of strings")
        return tuple(value)

    def mapping(self, name: str) -> Mapping[str, str]:
        value = self.sent.get(name) or {}
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            self._wrong(name, "object of strings")
        return dict(value)

    def part(self, name: str) -> Fields:
        value = self.sent.get(name) or {}
        return Fields(value) if isinstance(value, dict) else self._wrong(name, "object")

    def _wrong(self, name: str, wanted: str) -> Any:
        raise Refusal(400, f'Error at "/{name}": value must be a {wanted}')


Handler = Callable[[Call], Awaitable[ASGIApp]]


@dataclass(frozen=True, slots=True)
class Route:
    """`path` as Starlette writes it. `operation` is what faults and the journal call it."""

    method: str
    path: str
    operation: str
    handler: Handler


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json.dumps(body), status, headers, "application/json")


NO_CONTENT = 204


def no_content() -> Response:
    return Response(status_code=NO_CONTENT)
