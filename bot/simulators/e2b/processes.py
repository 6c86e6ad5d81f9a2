"""envd's process service: commands are started, followed, fed and signalled."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.simulators.e2b import guest_messages
from bot.simulators.e2b.calls import Call, Fields, Refusal, Route, json_answer
from bot.simulators.e2b.commands import Chunk, Command, Cut, End, Event, Invocation, Left, Listener
from bot.simulators.e2b.connect import STREAM, chunk, deadline, end_frame, frame, read_message, refuse, translated
from bot.simulators.e2b.faults import Kind
from bot.simulators.e2b.machine import GuestError, MachineGone
from bot.simulators.e2b.people import HOMES, caller, resolve
from bot.simulators.e2b.sandboxes import Sandbox

KEEPALIVE = 90.0  # seconds, when the caller does not say
_SIGNALS = {"SIGNAL_SIGKILL": 9, "SIGNAL_SIGTERM": 15}


async def start(call: Call) -> ASGIApp:
    try:
        sandbox, invocation = _sandbox(call), _invocation(call)
        command, listener = await _start(sandbox, invocation)
    except Refusal as refusal:
        return _refused(refusal)
    return ProcessStream(call, sandbox, command, listener, ends_leader=True)


async def connect(call: Call) -> ASGIApp:
    try:
        sandbox = _sandbox(call)
        command = _selected(call, read_message(call, "process"), ended=True)
    except Refusal as refusal:
        return _refused(refusal)
    return ProcessStream(call, sandbox, command, command.listen(), ends_leader=False)


def _sandbox(call: Call) -> Sandbox:
    assert call.sandbox is not None  # the server found it
    return call.sandbox


def _refused(refusal: Refusal) -> Response:
    """On a stream an error is its last message."""
    return Response(end_frame(refusal.code or "unknown", refusal.message), media_type=STREAM)


def _invocation(call: Call) -> Invocation:
    sandbox, sent = _sandbox(call), read_message(call, "process", "stdin", "tag", "pty")
    if sent.sent.get("pty"):
        call.stage.errors.append("start: terminals are not simulated")
        raise refuse("unimplemented", "terminals are not simulated")
    user, process = caller(call), sent.part("process")
    host, home = call.stage.host, HOMES[user]
    known = {
        "PATH": host.path,
        "HOME": host.inside(sandbox.root, home),
        "USER": user,
        "LOGNAME": user,
        "E2B_SANDBOX": "true",
        "E2B_SANDBOX_ID": sandbox.id,
        "E2B_TEMPLATE_ID": sandbox.wanted.template,
    }
    envs = process.mapping("envs")
    return Invocation(
        cmd=process.text("cmd"),
        args=process.texts("args"),
        envs=envs,
        cwd=host.inside(sandbox.root, resolve(process.text("cwd", ""), user)),
        env={**known, **sandbox.wanted.envs, **envs},
        stdin=sent.flag("stdin", False),
        tag=sent.text("tag", "") or None,
    )


async def _start(sandbox: Sandbox, invocation: Invocation) -> tuple[Command, Listener]:
    try:
        return await sandbox.commands.start(sandbox.running_machine(), invocation)
    except GuestError as error:
        if error.number in (2, 20):
            raise refuse("invalid_argument", f"cwd '{invocation.cwd}' does not exist") from error
        raise translated(error, "error starting process") from error
    except ValueError as error:
        raise refuse("invalid_argument", str(error)) from error
    except MachineGone as error:
        raise _ended_before(sandbox) from error


def _ended_before(sandbox: Sandbox) -> Refusal:
    return refuse("unavailable", f"the connection to sandbox {sandbox.id} ended before the stream completed")


def _selected(call: Call, sent: Fields, *, ended: bool = False) -> Command:
    selector = sent.part("process")
    pid = selector.number("pid") if "pid" in selector.sent else None
    tag = selector.text("tag") if "tag" in selector.sent else None
    command = _sandbox(call).commands.find(pid=pid, tag=tag, ended=ended)
    if command is None:
        raise refuse("not_found", f"process with pid {pid} not found" if tag is None else f"no process with tag {tag}")
    return command


async def list_processes(call: Call) -> Response:
    read_message(call)
    return json_answer({"processes": [_shown(command) for command in _sandbox(call).commands.running]})


def _shown(command: Command) -> dict[str, Any]:
    asked = command.invocation
    config = {"cmd": asked.cmd, "args": list(asked.args), "envs": dict(asked.envs), "cwd": asked.cwd}
    return {"pid": command.pid, "config": config, **({"tag": asked.tag} if asked.tag else {})}


async def send_signal(call: Call) -> Response:
    sent = read_message(call, "process", "signal")
    number = _SIGNALS.get(sent.text("signal"))
    if number is None:
        raise refuse("unimplemented", f"invalid signal: {sent.text('signal')}")
    command = _selected(call, sent)
    try:
        await command.machine.ask(guest_messages.SIGNAL, str(command.pid), str(number))
    except GuestError as error:
        raise refuse("not_found", f"process with pid {command.pid} not found") from error
    return json_answer({})


async def send_input(call: Call) -> Response:
    sent = read_message(call, "process", "input")
    await _feed(_selected(call, sent), sent.part("input"))
    return json_answer({})


async def _feed(command: Command, input: Fields) -> None:
    if not command.invocation.stdin:
        raise refuse("internal", "error writing to stdin: stdin not enabled or closed")
    try:
        data = base64.b64decode(input.text("stdin"), validate=True)
    except binascii.Error as error:
        raise refuse("invalid_argument", "stdin is not base64") from error
    await command.machine.write(command.id + 3, data)


async def close_stdin(call: Call) -> Response:
    command = _selected(call, read_message(call, "process"))
    if not command.invocation.stdin:
        raise refuse("internal", "error closing stdin: stdin not enabled or closed")
    command.machine.end(command.id + 3)
    return json_answer({})


class ProcessStream:
    """What happens to a command, as it happens, until its end or the caller's deadline."""

    def __init__(
        self, call: Call, sandbox: Sandbox, command: Command, listener: Listener, *, ends_leader: bool
    ) -> None:
        self._call = call
        self._sandbox = sandbox
        self._command = command
        self._listener = listener
        self._ends_leader = ends_leader
        self._keepalive = float(call.request.headers.get("keepalive-ping-interval", KEEPALIVE))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", STREAM.encode())]})
        watching = asyncio.create_task(self._watch(receive))
        outlet = _Outlet(send)
        try:
            await outlet.send(frame({"event": {"start": {"pid": self._command.pid}}}))
            if self._is(Kind.VANISH):
                self._call.stage.sandboxes.kill(self._sandbox)
            if self._is(Kind.CUT_AT_START) or self._is(Kind.VANISH):
                scope["state"]["transport"].close()
                return
            async with asyncio.timeout(deadline(self._call)):
                await self._follow(scope, outlet)
        except TimeoutError:
            if self._ends_leader:
                await self._end_leader()
            await outlet.finish(end_frame("deadline_exceeded", "context deadline exceeded"))
        finally:
            watching.cancel()
            self._listener.close()

    def abandon(self) -> None:
        """Instead of calling it: nobody follows the command."""
        self._listener.close()

    def _is(self, kind: Kind) -> bool:
        return self._call.failure is not None and self._call.failure.kind is kind

    async def _follow(self, scope: Scope, outlet: _Outlet) -> None:
        while True:
            match await self._next():
                case None:
                    await outlet.send(frame({"event": {"keepalive": {}}}))
                case Chunk(stream, data):
                    piece = chunk(stream, data)
                    if self._is(Kind.CUT_IN_OUTPUT):
                        await outlet.send(piece[: len(piece) // 2])
                        scope["state"]["transport"].close()
                        return None
                    await outlet.send(piece)
                case End() as end:
                    await outlet.send(frame({"event": {"end": _end(end)}}))
                    return await outlet.finish(end_frame())
                case Cut():
                    lost = _ended_before(self._sandbox)
                    return await outlet.finish(end_frame(lost.code or "", lost.message))
                case Left():
                    return None

    async def _next(self) -> Event | None:
        """None: nothing happened for as long as the caller wants to wait for a sign of life."""
        try:
            async with asyncio.timeout(self._keepalive) as limit:
                return await self._listener.next()
        except TimeoutError:
            if not limit.expired():
                raise
            return None

    async def _end_leader(self) -> None:
        """Its children are nobody's business here, as in the service."""
        with suppress(GuestError, MachineGone):  # it was faster
            await self._command.machine.ask(guest_messages.SIGNAL, str(self._command.pid), "9")

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._listener.tell(Left())


@dataclass(frozen=True, slots=True)
class _Outlet:
    _send: Send

    async def send(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def finish(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": False})


def _end(end: End) -> dict[str, Any]:
    """A program that was killed has no code."""
    code = -1 if end.signal else end.code
    shown: dict[str, Any] = {"exitCode": code, "exited": not end.signal, "status": end.status}
    return shown if code == 0 else {**shown, "error": end.status}


def unimplemented(operation: str) -> Callable[[Call], Any]:
    async def handler(call: Call) -> Response:
        call.stage.errors.append(f"{operation} is not simulated")
        return refuse("unimplemented", f"{operation} is not simulated").answer()

    return handler


ROUTES = (
    Route("POST", "/process.Process/Start", "start", start),
    Route("POST", "/process.Process/Connect", "connect_process", connect),
    Route("POST", "/process.Process/List", "list_processes", list_processes),
    Route("POST", "/process.Process/SendSignal", "signal", send_signal),
    Route("POST", "/process.Process/SendInput", "send_input", send_input),
    Route("POST", "/process.Process/CloseStdin", "close_stdin", close_stdin),
    Route("POST", "/process.Process/StreamInput", "stream_input", unimplemented("stream_input")),
    Route("POST", "/process.Process/Update", "update_process", unimplemented("update_process")),
)
