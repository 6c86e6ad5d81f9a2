"""Bytes in and out of a simulated sandbox, under ids, each no faster than it is read."""

from __future__ import annotations

import _socket
import errno
import os
import select

from bot.simulators.e2b.guest_messages import (
    CHUNK,
    CREDIT,
    DATA,
    DONE,
    EOF,
    FAILED,
    WINDOW,
)


class Source:
    """Something that is read and sent. `left`: bytes that may still be sent."""

    def __init__(self, id: int, fd: int) -> None:
        self.id, self.fd, self.left = id, fd, WINDOW


class Sink:
    """Something that is written. Bytes wait here until it takes them; `ending`: then it is closed."""

    def __init__(self, id: int, fd: int, *, socket: bool) -> None:
        self.id, self.fd, self.socket = id, fd, socket
        self.waiting = bytearray()
        self.ending = False


class Streams:
    def __init__(self, control: int) -> None:
        self._control = control
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._sources: dict[int, Source] = {}  # by descriptor
        self._sinks: dict[int, Sink] = {}
        self._by_id: dict[int, Source | Sink] = {}
        self._files: dict[int, int] = {}  # being written: id -> descriptor
        self._broken: dict[int, OSError] = {}  # files that could not be written

    def _send(self, kind: int, id: int, payload: bytes = b"") -> None:
        message = memoryview(bytes((kind,)) + id.to_bytes(4, "big") + len(payload).to_bytes(4, "big") + payload)
        while message:
            message = message[os.write(self._control, message) :]

    def _done(self, id: int, *fields: bytes) -> None:
        self._send(DONE, id, b"".join(field + b"\0" for field in fields))

    def _failed(self, id: int, error: OSError) -> None:
        number = error.errno or errno.EIO
        self._send(FAILED, id, f"{number}\0{os.strerror(number)}\0".encode())

    def _add_source(self, id: int, fd: int) -> None:
        source = self._sources[fd] = self._by_id[id] = Source(id, fd)
        self._poll.register(source.fd, select.POLLIN)

    def _add_sink(self, id: int, fd: int, *, socket: bool) -> None:
        os.set_blocking(fd, False)
        self._sinks[fd] = self._by_id[id] = Sink(id, fd, socket=socket)

    def _forward(self, source: Source) -> None:
        try:
            data = os.read(source.fd, min(CHUNK, source.left))
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._send(EOF, source.id)
            self._drop(source.id)
            return
        source.left -= len(data)
        if source.left == 0:
            self._poll.unregister(source.fd)
        self._send(DATA, source.id, data)

    def _grant(self, id: int, size: int) -> None:
        source = self._by_id.get(id)
        if isinstance(source, Source):
            if source.left == 0:
                self._poll.register(source.fd, select.POLLIN)
            source.left += size

    def _take(self, id: int, data: bytes) -> None:
        """Bytes for a file, an input or a connection."""
        if id in self._files:
            try:
                view = memoryview(data)
                while view and id not in self._broken:
                    view = view[os.write(self._files[id], view) :]
            except OSError as error:
                self._broken[id] = error
            self._send(CREDIT, id, str(len(data)).encode())
            return
        sink = self._by_id.get(id)
        if isinstance(sink, Sink):
            sink.waiting += data
            self._flush(sink, broken=False)
        else:
            self._send(CREDIT, id, str(len(data)).encode())  # nobody is there any more

    def _flush(self, sink: Sink, *, broken: bool) -> None:
        written = 0
        try:
            while sink.waiting and not broken:
                size = os.write(sink.fd, sink.waiting)
                del sink.waiting[:size]
                written += size
        except BlockingIOError:
            pass
        except OSError:
            broken = True
        if broken:
            written += len(sink.waiting)
            sink.waiting.clear()
        if written:
            self._send(CREDIT, sink.id, str(written).encode())
        if broken or (sink.ending and not sink.waiting):
            self._close_sink(sink)
        else:
            self._watch(sink)

    def _watch(self, sink: Sink) -> None:
        if sink.waiting:
            self._poll.register(sink.fd, select.POLLOUT)
        else:
            self._unregister(sink.fd)

    def _close_sink(self, sink: Sink) -> None:
        if sink.socket:
            half = _socket.socket(fileno=os.dup(sink.fd))
            try:  # noqa: SIM105
                half.shutdown(_socket.SHUT_WR)
            except OSError:
                pass  # the other side was faster
            half.close()
        self._unregister(sink.fd)
        os.close(sink.fd)
        del self._sinks[sink.fd]
        self._by_id.pop(sink.id, None)

    def _end(self, id: int) -> None:
        if id in self._files:
            self._finish_file(id)
            return
        sink = self._by_id.get(id)
        if isinstance(sink, Sink):
            sink.ending = True
            self._flush(sink, broken=False)

    def _drop(self, id: int) -> None:
        """Nobody wants to read it, or there is nothing more to read; a file is left as far as it was written."""
        if id in self._files:
            os.close(self._files.pop(id))
            self._broken.pop(id, None)
        held = self._by_id.pop(id, None)
        if isinstance(held, Source):
            self._unregister(held.fd)
            del self._sources[held.fd]
            os.close(held.fd)
        elif held is not None:
            self._close_sink(held)

    def _unregister(self, fd: int) -> None:
        try:  # noqa: SIM105
            self._poll.unregister(fd)
        except KeyError:
            pass  # it was waiting for credit, or had nothing to write

    def _finish_file(self, id: int) -> None:
        os.close(self._files.pop(id))
        error = self._broken.pop(id, None)
        if error is None:
            self._done(id)
        else:
            self._failed(id, error)
