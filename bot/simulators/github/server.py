"""From bytes to an endpoint and back: faults, authentication, limits, permissions, ETags, the log of requests."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import format_datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bot.simulators.github.auth import Anyone, BadCredentials, Caller, Suspended, Token, UnknownIssuer
from bot.simulators.github.calls import Answer, Call, Endpoint, Table
from bot.simulators.github.faults import PRIMARY_LIMIT, Fault
from bot.simulators.github.oauth import SignIn
from bot.simulators.github.pages import Pages
from bot.simulators.github.refusals import Refusal
from bot.simulators.github.smart_http import SmartHttp
from bot.simulators.github.stage import Stage

API_VERSIONS = frozenset({"2022-11-28", "2026-03-10"})
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
KEPT_REQUESTS, KEPT_BODY = 20_000, 16_384  # the latest ones; bytes
CUT_OFF = Answer(status=0)  # the connection is closed in the middle of the answer


@dataclass(frozen=True, slots=True)
class Logged:
    """One request that was made. `permissions` are those of the token; empty for the App itself and for nobody."""

    method: str
    path: str
    status: int
    permissions: Mapping[str, str]
    body: Mapping[str, Any]  # empty when there was none, or a long one


@dataclass(slots=True)
class Exchange:
    """A request and what has been learned about it so far."""

    request: Request
    caller: Caller | None = None
    sent: dict[str, Any] = field(default_factory=dict)


class Truncated(Response):
    """An answer that stops in the middle, which makes the server close the connection."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-length", b"1000"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


class Server:
    def __init__(self, stage: Stage, endpoints: Iterable[Endpoint]) -> None:
        self.requests: deque[Logged] = deque(maxlen=KEPT_REQUESTS)
        self._stage = stage
        self._table = Table(endpoints)
        git, pages = SmartHttp(stage), Pages(stage)
        self.app = Starlette(
            routes=[
                Route("/{owner}/{repo}.git/info/refs", git.advertise),
                Route("/{owner}/{repo}.git/git-upload-pack", git.upload_pack, methods=["POST"]),
                *pages.routes,
                *SignIn(stage).routes,
                Route("/{path:path}", self._handle, methods=list(METHODS)),
            ],
            exception_handlers={Exception: self._broken},
        )

    async def _broken(self, request: Request, error: Exception) -> Response:
        """A defect of the simulator: the client sees a 500, the test fails, the traceback is in uvicorn's log."""
        self._stage.state.errors.append(f"{request.method} {request.scope['path']} broke the simulator: {error!r}")
        return Response(status_code=500)

    async def _handle(self, request: Request) -> Response:
        method, path, exchange = request.method, request.scope["path"], Exchange(request)
        fault = self._stage.faults.take(method, path)
        try:
            body = await request.body()
        except ClientDisconnect:
            return Response(status_code=400)  # to nobody
        if fault is not None:
            self._stage.state.changes.notify()
            await fault.wait()
        if fault is not None and fault.replaces_the_effect:
            answer = _canned(fault)
        else:
            answer = await self._answer(exchange)
        if fault is not None and fault.drop_answer:
            answer = _canned(fault)
        caller = exchange.caller
        permissions = caller.permissions if isinstance(caller, Token) else {}
        kept = exchange.sent if len(body) <= KEPT_BODY else {}
        self.requests.append(Logged(method, path, answer.status, permissions, kept))
        return self._respond(request, answer, caller)

    async def _answer(self, exchange: Exchange) -> Answer:
        request = exchange.request
        try:
            endpoint, parameters = self._find(request)
            caller = exchange.caller = self._recognise(request, endpoint)
            exchange.sent = _read_json(await request.body())
            if not self._stage.limits.take(caller.bucket):
                raise Refusal(self._stage.limits.status, PRIMARY_LIMIT.format(caller.bucket))
            call = Call(request, self._stage, endpoint, parameters, caller, exchange.sent)
            call.authorize()
            return await endpoint.handler(call)
        except Refusal as refusal:
            return Answer(refusal.body, refusal.status, refusal.headers)

    def _recognise(self, request: Request, endpoint: Endpoint) -> Caller:
        authorization = request.headers.get("authorization", "")
        if not request.headers.get("user-agent"):
            raise Refusal(403, "Request forbidden by administrative rules. A User-Agent header is needed.")
        if endpoint.needs == "nobody":
            return Anyone()
        try:
            return self._stage.authority.recognise(authorization)
        except UnknownIssuer as error:
            raise Refusal(404, str(error)) from error
        except Suspended as error:
            raise Refusal(403, str(error)) from error
        except BadCredentials as error:
            raise Refusal(401, str(error) if authorization else "Requires authentication") from error

    def _find(self, request: Request) -> tuple[Endpoint, dict[str, Any]]:
        version = request.headers.get("x-github-api-version", "2022-11-28")
        if version not in API_VERSIONS:
            raise Refusal(400, f"{version} is not a supported version")
        found = self._table.find(request.method, request.scope["path"])
        if found is None:
            self._stage.state.errors.append(f"unknown route: {request.method} {request.scope['path']}")
            raise Refusal(404, "Not Found")
        return found

    def _respond(self, request: Request, answer: Answer, caller: Caller | None) -> Response:
        if answer is CUT_OFF:
            return Truncated()
        stage, body = self._stage, _encode(answer.body)
        bucket = Anyone.bucket if caller is None else caller.bucket
        headers = {
            "X-GitHub-Request-Id": uuid.uuid4().hex[:20].upper(),
            "X-GitHub-Media-Type": "github.v3; format=json",
            "Date": format_datetime(stage.state.time(), usegmt=True),
            "Server": "github.com",
        }
        if request.method == "GET" and answer.status == 200:
            headers["ETag"] = f'W/"{hashlib.sha256(body).hexdigest()}"'
            if request.headers.get("if-none-match") == headers["ETag"]:
                stage.limits.give_back(bucket)
                return Response(status_code=304, headers=headers | stage.limits.headers(bucket))
        headers |= stage.limits.headers(bucket)
        headers |= answer.headers
        if not body:
            return Response(status_code=answer.status, headers=headers)
        return Response(body, answer.status, headers, answer.media_type)


def _canned(fault: Fault) -> Answer:
    if fault.status is None:
        return CUT_OFF
    if isinstance(fault.body, str):
        return Answer(fault.body.encode(), fault.status, fault.headers, "text/html")
    return Answer({"message": "Server Error"} if fault.body is None else fault.body, fault.status, fault.headers)


def _encode(body: object) -> bytes:
    match body:
        case None:
            return b""
        case bytes():
            return body
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _read_json(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        sent = json.loads(body)
        json.dumps(sent, ensure_ascii=False).encode()  # half a surrogate pair is not text
    except ValueError as error:
        raise Refusal(400, "Problems parsing JSON") from error
    if not isinstance(sent, dict):
        raise Refusal(400, "Body should be a JSON object")
    return sent
