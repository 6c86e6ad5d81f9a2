"""One machine: a long-lived first process behind bubblewrap's walls, and what it and the host say to each other.

What comes from inside is as untrusted as everything there: it is small fields and bytes, bounded, and never a path
that is opened here.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from bot.sandbox.local.spawn import Descriptors, memory_file
from bot.simulators.e2b import guest_messages
from bot.simulators.e2b.host import Host

Receiver = Callable[[int, bytes], None]
LOST = 0  # the kind of message that a receiver gets when the machine is gone

_GRACE = 1.0  # seconds
_BOOT = 30.0  # seconds on a machine that has much else to do
_MOST = 4 * 1024**2  # bytes that may come unasked
_LARGEST = 64 * 1024**2  # bytes of one message: a list of very many files


class GuestError(Exception):
    """The system inside said no: its number and words."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number


class MachineGone(Exception):
    """It ended, was ended, or could not be started."""


class Machine:
    """Made by `boot`. `ended` is done when nothing of it runs any more."""

    def __init__(self, process: subprocess.Popen[bytes], *, isolated: bool, accept: Receiver) -> None:
        """`accept` is told of connections: their id, and where."""
        self._process = process
        self._isolated = isolated
        self._accept = accept
        self._wire = _Wire(self._on_message, self._on_lost)
        self._ids = itertools.count(4, 4)
        self._answers: dict[int, asyncio.Future[list[bytes]]] = {}
        self._receivers: dict[int, Receiver] = {}
        self._unread: defaultdict[int, int] = defaultdict(int)  # bytes that came and were not granted back
        self._written: defaultdict[int, int] = defaultdict(int)  # bytes that went and were not taken yet
        self._room: defaultdict[int, asyncio.Event] = defaultdict(asyncio.Event)
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.gone = False
        self._watch()

    @classmethod
    async def boot(cls, host: Host, root: Path, uid: int | None, accept: Receiver) -> Machine:
        """On the event loop's own thread: the kernel ends a machine together with the thread that started it.

        Raises `MachineGone`, with what bubblewrap said.
        """
        ours, theirs = socket.socketpair()
        said = memory_file()
        with Descriptors() as fds, theirs:
            command = host.command(root, uid, theirs.fileno(), fds)
            process = subprocess.Popen(  # noqa: ASYNC220  (milliseconds, and no other thread may start it)
                command,
                env={},
                cwd="/" if host.isolated else root,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                pass_fds=[theirs.fileno(), *fds.inherited],
                start_new_session=not host.isolated,  # bubblewrap makes one of its own
            )
        machine = cls(process, isolated=host.isolated, accept=accept)
        try:
            await machine._greet(ours)
        except (TimeoutError, MachineGone) as error:
            await machine.stop()
            raise MachineGone(os.pread(said, 4096, 0).decode("utf-8", "replace") or "does not answer") from error
        except BaseException:
            machine.kill()
            raise
        finally:
            os.close(said)
        return machine

    async def _greet(self, control: socket.socket) -> None:
        ready = self._answers[0] = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(_BOOT):
            await asyncio.get_running_loop().create_unix_connection(lambda: self._wire, sock=control)
            await ready

    # ------------------------------------------------------------------------------------------------ asking

    def reserve(self) -> int:
        """An id, and three more after it."""
        return next(self._ids)

    async def ask(self, kind: int, *fields: str | bytes, id: int | None = None) -> list[bytes]:
        """The fields of the answer. Raises `GuestError`, `MachineGone`; `ValueError` for a NUL in a field."""
        encoded = [os.fsencode(field) for field in fields]
        if any(b"\0" in field for field in encoded):
            raise ValueError("contains a NUL byte")
        return await self._answer(kind, self.reserve() if id is None else id, b"".join(f + b"\0" for f in encoded))

    async def finish(self, id: int) -> None:
        """End what is written under `id`, a file, and hear whether that went well."""
        try:
            await self._answer(guest_messages.EOF, id, b"")
        finally:
            self._forget(id)

    async def _answer(self, kind: int, id: int, payload: bytes) -> list[bytes]:
        if self.gone:
            raise MachineGone
        answer: asyncio.Future[list[bytes]] = asyncio.get_running_loop().create_future()
        self._answers[id] = answer
        self._wire.send(kind, id, payload)
        try:
            return await answer
        finally:
            self._answers.pop(id, None)

    # ----------------------------------------------------------------------------------------- bytes in and out

    def receive(self, id: int, receiver: Receiver) -> None:
        """What comes under `id` goes there, until its end."""
        self._receivers[id] = receiver

    def grant(self, id: int, size: int) -> None:
        """So many bytes were read: as many more may come."""
        if id in self._unread:
            self._unread[id] -= size
            self._send(guest_messages.CREDIT, id, str(size).encode())

    def drop(self, id: int) -> None:
        """Nobody reads, or writes, under `id` any more."""
        self._forget(id)
        self._send(guest_messages.DROP, id)

    async def write(self, id: int, data: bytes) -> None:
        """Waits while too much is under way. Raises `MachineGone`."""
        for start in range(0, len(data), guest_messages.CHUNK):
            while self._written[id] >= guest_messages.WINDOW and not self.gone:
                self._room[id].clear()
                await self._room[id].wait()
            if self.gone:
                raise MachineGone
            chunk = data[start : start + guest_messages.CHUNK]
            self._written[id] += len(chunk)
            self._send(guest_messages.DATA, id, chunk)

    def end(self, id: int) -> None:
        """Of an input or a connection; `finish` is for files."""
        self._send(guest_messages.EOF, id)

    def _send(self, kind: int, id: int, payload: bytes = b"") -> None:
        if not self.gone:
            self._wire.send(kind, id, payload)

    def _forget(self, id: int) -> None:
        for table in (self._receivers, self._unread, self._written, self._room):
            table.pop(id, None)

    # ------------------------------------------------------------------------------------------------- hearing

    def _on_message(self, kind: int, id: int, payload: bytes) -> None:
        fields = payload.split(b"\0")[:-1]
        match kind:
            case guest_messages.DATA | guest_messages.EOF | guest_messages.EXIT if receiver := self._receivers.get(id):
                self._count(kind, id, len(payload))
                receiver(kind, payload)
                if kind != guest_messages.DATA:
                    self._forget(id)
            case guest_messages.CREDIT if id in self._written:
                self._written[id] -= int(payload)
                self._room[id].set()
            case guest_messages.ACCEPT:
                self._accept(id, fields[0])
            case guest_messages.READY | guest_messages.DONE | guest_messages.FAILED if (
                answer := self._answers.get(id)
            ) and not answer.done():
                if kind == guest_messages.FAILED:
                    answer.set_exception(GuestError(int(fields[0]), fields[1].decode()))
                else:
                    answer.set_result(fields)

    def _count(self, kind: int, id: int, size: int) -> None:
        if kind == guest_messages.DATA:
            self._unread[id] += size
            if self._unread[id] > _MOST:
                self.kill()  # it does not keep to the protocol

    def _on_lost(self) -> None:
        """Told once, by whoever notices first: the socket or the process."""
        if self.gone:
            return
        self.gone = True
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(MachineGone())
        for receiver in list(self._receivers.values()):
            receiver(LOST, b"")
        for room in self._room.values():
            room.set()
        self._receivers.clear()

    # ------------------------------------------------------------------------------------------------- ending

    def kill(self) -> None:
        """The guest ends when its socket does, and everything inside with it; bubblewrap then reaps it, which nobody
        may do in its place. Killed is only who takes too long."""
        self._wire.close()
        self._on_lost()
        if not self._isolated or not self._wire.was_open:
            self._kill_now()
        elif self._process.returncode is None:
            asyncio.get_running_loop().call_later(_GRACE, self._kill_now)

    def _kill_now(self) -> None:
        if self._process.returncode is not None:
            return
        if self._isolated:
            self._process.kill()
        else:
            os.killpg(self._process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        self.kill()
        await self.ended

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        pidfd = os.pidfd_open(self._process.pid)

        def over() -> None:
            loop.remove_reader(pidfd)
            os.close(pidfd)
            self._process.wait()
            self._wire.close()
            self._on_lost()
            if not self.ended.done():
                self.ended.set_result(None)

        loop.add_reader(pidfd, over)


class _Wire(asyncio.Protocol):
    """Messages on the socket between host and guest."""

    def __init__(self, on_message: Callable[[int, int, bytes], None], on_lost: Callable[[], None]) -> None:
        self._on_message = on_message
        self._on_lost = on_lost
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        start = 0
        try:
            while len(self._received) - start >= guest_messages.HEADER:
                size = int.from_bytes(self._received[start + 5 : start + guest_messages.HEADER], "big")
                body = start + guest_messages.HEADER
                if size > _LARGEST:
                    raise ValueError("a message too large")
                if len(self._received) < body + size:
                    break
                id = int.from_bytes(self._received[start + 1 : start + 5], "big")
                kind, payload = self._received[start], bytes(self._received[body : body + size])
                start = body + size
                self._on_message(kind, id, payload)
        except (ValueError, IndexError):  # it does not keep to the protocol
            self.close()
        del self._received[:start]

    def connection_lost(self, error: Exception | None) -> None:
        self._on_lost()

    def send(self, kind: int, id: int, payload: bytes) -> None:
        if self._transport is not None:
            header = bytes((kind,)) + id.to_bytes(4, "big") + len(payload).to_bytes(4, "big")
            self._transport.write(header + payload)

    @property
    def was_open(self) -> bool:
        return self._transport is not None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
