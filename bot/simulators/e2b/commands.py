"""Commands of one machine: who listens to them, and how they ended.

Output that nobody listens to is dropped, as in the service. Output that somebody listens to slowly waits in the
command's own pipe. The end is remembered for 30 seconds; after that there was no such command.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from bot.simulators.e2b import guest_messages
from bot.simulators.e2b.clock import Clock
from bot.simulators.e2b.machine import LOST, Machine

REMEMBERED = 30.0  # seconds


@dataclass(frozen=True, slots=True)
class Invocation:
    """What was asked for. `cwd` is a place inside; `env` all variables that the command sees."""

    cmd: str
    args: Sequence[str]
    envs: Mapping[str, str]
    cwd: str
    env: Mapping[str, str]
    stdin: bool = False
    tag: str | None = None


@dataclass(slots=True)
class Chunk:
    """A piece of output. It was read when nobody's claim is left."""

    stream: str  # "stdout" or "stderr"
    data: bytes
    id: int
    claims: int


@dataclass(frozen=True, slots=True)
class End:
    """`signal` 0: it ended by itself, with `code`."""

    code: int
    signal: int

    @property
    def status(self) -> str:
        if self.signal:
            return f"signal: {(signal.strsignal(self.signal) or str(self.signal)).lower()}"
        return f"exit status {self.code}"


@dataclass(frozen=True, slots=True)
class Cut:
    """The machine is gone, or was paused: how it goes on is not known."""


@dataclass(frozen=True, slots=True)
class Left:
    """Whoever listened is not there any more."""


Event = Chunk | End | Cut | Left


class Listener:
    """What happens to a command from now on."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._open: Chunk | None = None

    def tell(self, event: Event) -> None:
        self._events.put_nowait(event)

    async def next(self) -> Event:
        """What was given out before counts as read now."""
        self._read()
        event = await self._events.get()
        if isinstance(event, Chunk):
            self._open = event
        return event

    def close(self) -> None:
        self._read()
        self._command.forget(self)
        while not self._events.empty():
            event = self._events.get_nowait()
            if isinstance(event, Chunk):
                self._command.was_read(event)

    def _read(self) -> None:
        if self._open is not None:
            self._command.was_read(self._open)
            self._open = None


@dataclass(slots=True)
class Command:
    """It has ended when its leader has, and nobody holds its output any more."""

    machine: Machine
    invocation: Invocation
    id: int
    over: Callable[[Command], None]
    pid: int = 0
    end: End | None = None
    _listeners: list[Listener] = field(default_factory=list)
    _open: int = 2  # ends of output that did not come yet
    _exit: End | None = None

    def listen(self) -> Listener:
        listener = Listener(self)
        if self.end is not None:
            listener.tell(self.end)
        else:
            self._listeners.append(listener)
        return listener

    @property
    def has_listeners(self) -> bool:
        return bool(self._listeners)

    def forget(self, listener: Listener) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)

    def cut(self) -> None:
        """Everybody who listens loses it; the command itself goes on, if it can."""
        for listener in self._listeners:
            listener.tell(Cut())
        self._listeners.clear()

    def was_read(self, chunk: Chunk) -> None:
        chunk.claims -= 1
        if chunk.claims == 0:
            self.machine.grant(chunk.id, len(chunk.data))

    def on_exit(self, kind: int, payload: bytes) -> None:
        if kind == LOST:
            self.cut()
            return
        code, killed = (int(number) for number in payload.split(b"\0")[:2])
        self._exit = End(code, killed)
        self._finish()

    def on_output(self, stream: str, id: int, kind: int, payload: bytes) -> None:
        if kind == guest_messages.EOF:
            self._open -= 1
            self._finish()
        elif kind == guest_messages.DATA:
            self._pass_on(Chunk(stream, payload, id, len(self._listeners)))

    def _pass_on(self, chunk: Chunk) -> None:
        for listener in self._listeners:
            listener.tell(chunk)
        if not self._listeners:
            self.machine.grant(chunk.id, len(chunk.data))

    def _finish(self) -> None:
        if self._open or self._exit is None:
            return
        self.end = self._exit
        for listener in self._listeners:
            listener.tell(self.end)
        self._listeners.clear()
        self.over(self)


class Commands:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._running: dict[int, Command] = {}
        self._ended: dict[int, tuple[float, Command]] = {}  # pid -> until when it is remembered

    async def start(self, machine: Machine, invocation: Invocation) -> tuple[Command, Listener]:
        """Listened to from its first byte. Raises what `Machine.ask` does."""
        id = machine.reserve()
        command = Command(machine, invocation, id, self._over)
        listener = command.listen()
        machine.receive(id, command.on_exit)
        for number, stream in ((id + 1, "stdout"), (id + 2, "stderr")):
            machine.receive(number, partial(command.on_output, stream, number))
        fields = ["1" if invocation.stdin else "", invocation.cwd, str(len(invocation.env))]
        fields += [f"{name}={value}" for name, value in invocation.env.items()]
        try:
            answer = await machine.ask(guest_messages.START, *fields, invocation.cmd, *invocation.args, id=id)
        except BaseException:
            for number in (id, id + 1, id + 2):
                machine.drop(number)
            raise
        command.pid = int(answer[0])
        self._ended.pop(command.pid, None)
        if command.end is None:
            self._running[command.pid] = command
        else:
            self._over(command)
        return command, listener

    def _over(self, command: Command) -> None:
        if command.pid == 0:
            return  # ended before we know what it is called: `start` says it again
        self._running.pop(command.pid, None)
        self._ended[command.pid] = (self._clock.time() + REMEMBERED, command)

    @property
    def running(self) -> list[Command]:
        return list(self._running.values())

    def find(self, *, pid: int | None = None, tag: str | None = None, ended: bool = False) -> Command | None:
        """`ended`: also those that are remembered."""
        now = self._clock.time()
        self._ended = {number: entry for number, entry in self._ended.items() if entry[0] > now}
        candidates = self.running
        if ended:
            candidates += [command for _, command in self._ended.values()]
        for command in candidates:
            if command.pid == pid or (tag is not None and command.invocation.tag == tag):
                return command
        return None

    def cut(self) -> None:
        for command in self.running:
            command.cut()

    def clear(self) -> None:
        self._running.clear()
        self._ended.clear()
