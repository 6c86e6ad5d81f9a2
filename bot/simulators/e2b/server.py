"""From bytes to an operation and back: outages, faults, keys and tokens, limits, the journal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route as Path
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.simulators.e2b import control, files, processes
from bot.simulators.e2b.calls import Call, Refusal, Route
from bot.simulators.e2b.faults import Fault, Kind
from bot.simulators.e2b.machine import MachineGone
from bot.simulators.e2b.sandboxes import Inside, Sandbox, SandboxState
from bot.simulators.e2b.stage import Logged, Stage
from bot.simulators.serving import drop

PORT = "49983"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OPERATIONS = frozenset(route.operation for route in (*control.ROUTES, *processes.ROUTES, *files.ROUTES))

_Answer = Callable[[Call, Route], Awaitable[ASGIApp]]


class Server:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._requests = stage.window(stage.plan.requests, 30.0)
        self._sandbox_requests = stage.window(stage.plan.sandbox_requests, 60.0)
        self.app = Starlette(
            routes=[
                *(self._path(route, self._control) for route in control.ROUTES),
                *(self._path(route, self._inside) for route in (*processes.ROUTES, *files.ROUTES)),
                Path("/{path:path}", self._unknown, methods=list(METHODS)),
            ],
            exception_handlers={Exception: self._broken},
        )

    def _path(self, route: Route, answer: _Answer) -> Path:
        return Path(route.path, _Endpoint(self._stage, route, answer), methods=[route.method])

    async def _control(self, call: Call, route: Route) -> ASGIApp:
        if call.request.headers.get("x-api-key") != self._stage.key:
            raise Refusal(401, "Invalid API key")
        if not self._requests.take():
            raise Refusal(429, "Rate limit exceeded, please try again later")
        try:
            return await route.handler(call)
        except MachineGone as error:  # killed meanwhile
            raise Refusal(404, f"Sandbox {call.parameters.get('id')} not found") from error

    async def _inside(self, call: Call, route: Route) -> ASGIApp:
        if not self._sandbox_requests.take():
            raise Refusal(429, "Rate limit exceeded, please try again later")
        call.sandbox = sandbox = await self._reached(call)
        if sandbox.inside is Inside.SILENT:
            await sandbox.over.wait()
            raise _not_found(sandbox.id)
        if sandbox.inside is Inside.CLOSED or call.request.headers.get("e2b-sandbox-port", PORT) != PORT:
            raise Refusal(502, "The sandbox is running but port is not open", sandboxId=sandbox.id)
        signed = "signature" in call.request.query_params
        if route.operation != "health" and not signed and call.request.headers.get("x-access-token") != sandbox.token:
            raise Refusal(401, "unauthorized: invalid or missing access token")
        try:
            return await route.handler(call)
        except MachineGone as error:
            raise _not_found(sandbox.id) from error

    async def _reached(self, call: Call) -> Sandbox:
        """The running sandbox that is meant; one that asked for it is woken up."""
        sandboxes = self._stage.sandboxes
        if "signature" in call.request.query_params:
            sandboxes.find("")  # whose time is over is not there
            signed = (sandbox for sandbox in sandboxes.running.values() if files.is_signed(call, sandbox))
            sandbox = next(signed, None)
            if sandbox is None:
                raise Refusal(401, "invalid signature")
            return sandbox
        id = call.request.headers.get("e2b-sandbox-id", "")
        found = sandboxes.find(id)
        if found is None:
            raise _not_found(id)
        if found.state is SandboxState.PAUSED:
            if not found.wanted.auto_resume:
                raise _not_found(id)
            async with found.changing:
                if found.state is SandboxState.PAUSED:
                    await sandboxes.resume(found, found.wanted.timeout)
        return found

    async def _unknown(self, request: Request) -> Response:
        self._stage.errors.append(f"no such route: {request.method} {request.scope['path']}")
        return Refusal(404, "no such route").answer()

    async def _broken(self, request: Request, error: Exception) -> Response:
        """A defect of the simulator: the client sees a 500, the test fails."""
        self._stage.errors.append(f"{request.method} {request.scope['path']} broke the simulator: {error!r}")
        return Response(status_code=500)


def _not_found(id: str) -> Refusal:
    return Refusal(502, "The sandbox was not found", sandboxId=id)


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """One route, and all that may go wrong on purpose around it."""

    stage: Stage
    route: Route
    answer: _Answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        id = request.headers.get("e2b-sandbox-id") or request.path_params.get("id", "")
        fault = None if self.stage.unavailable else self.stage.faults.take(self.route.operation, id)
        call = Call(request, self.stage, fault.failure if fault else None, request.path_params, body)
        answer = await self._meet(call, fault)
        status = 0 if answer is None else getattr(answer, "status_code", 200)  # streams have 200 and none to look at
        id = call.sandbox.id if call.sandbox else id
        self.stage.journal.append(Logged(self.route.operation, id, status, self.stage.clock.time()))
        if answer is None:
            await drop(request)
        else:
            await answer(scope, receive, send)

    async def _meet(self, call: Call, fault: Fault | None) -> ASGIApp | None:
        """None: no answer."""
        if self.stage.unavailable:
            return Refusal(503, "Service unavailable").answer()
        if fault is None:
            return await self._answer(call)
        await fault.wait()
        failure = fault.failure
        match failure.kind:
            case Kind.ANSWER:
                return Response(failure.body, failure.status, dict(failure.headers), failure.media_type)
            case Kind.DROP_BEFORE:
                return None
            case Kind.DROP_AFTER:
                if self.route.method != "GET":  # or there is no effect to have
                    answer = await self._answer(call)
                    if isinstance(answer, processes.ProcessStream):
                        answer.abandon()
                return None
            case Kind.VANISH if self.route.operation != "start":
                self._vanish(call)
        return await self._answer(call)

    def _vanish(self, call: Call) -> None:
        id = call.request.headers.get("e2b-sandbox-id") or call.parameters.get("id", "")
        if sandbox := self.stage.sandboxes.find(id):
            self.stage.sandboxes.kill(sandbox)

    async def _answer(self, call: Call) -> ASGIApp:
        try:
            return await self.answer(call, self.route)
        except Refusal as refusal:
            return refusal.answer()
