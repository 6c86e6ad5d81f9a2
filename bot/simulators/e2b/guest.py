"""What runs inside of a simulated sandbox, as its first process: it starts commands and touches files for the host.

A script of its own for `python3 -I -S`, with imports that take next to no time: host.py makes one file of it and of
guest_messages.py, guest_files.py and guest_streams.py. Everything that a path could lead astray happens here, where
there is nothing but the sandbox.
"""

from __future__ import annotations

import _socket
import errno
import os
import select
import sys

from bot.simulators.e2b.guest_files import demand_regular, entries, entry, make_directory, remove
from bot.simulators.e2b.guest_messages import (
    ACCEPT,
    CHUNK,
    CREDIT,
    DATA,
    DROP,
    EOF,
    EXIT,
    FREEZE,
    HEADER,
    LIST,
    LISTEN,
    MAKE_DIR,
    MOVE,
    OURS,
    READ,
    READY,
    REMOVE,
    SIGNAL,
    START,
    STAT,
    THAW,
    WRITE,
)
from bot.simulators.e2b.guest_streams import Streams

_SIGSTOP, _SIGCONT = 19, 18
_IGNORED_BY_PYTHON = (13, 25)  # SIGPIPE, SIGXFSZ: commands expect the defaults
_LIMITS = {2: 4 << 30, 4: 0, 7: 4096}  # data, core, nofile: numbers of Linux
_PROCESSES = {6: 1024}  # nproc: in a namespace of users of our own nobody else counts
_QUIET = select.POLLIN | select.POLLOUT  # anything else is an error or an end


class Guest(Streams):
    def __init__(self, control: int) -> None:
        super().__init__(control)
        self._received = bytearray()
        self._commands: dict[int, tuple[int, int]] = {}  # pid -> id, pidfd
        self._listeners: dict[int, tuple[_socket.socket, bytes]] = {}
        self._next = OURS

    def run(self) -> None:
        self._send(READY, 0)
        while True:
            for fd, events in self._poll.poll():
                if fd == self._control:
                    self._receive()
                elif fd in self._listeners:
                    self._accept(fd)
                elif fd in self._sources and events & ~select.POLLOUT:
                    self._forward(self._sources[fd])
                elif fd in self._sinks:
                    self._flush(self._sinks[fd], broken=bool(events & ~_QUIET))
            self._reap()

    # ---------------------------------------------------------------------------------------------- messages

    def _receive(self) -> None:
        data = os.read(self._control, 4 * CHUNK)
        if not data:
            os._exit(0)  # the host is gone, and with us everything in here goes
        self._received += data
        while len(self._received) >= HEADER:
            end = HEADER + int.from_bytes(self._received[5:HEADER], "big")
            if len(self._received) < end:
                return
            kind, id = self._received[0], int.from_bytes(self._received[1:5], "big")
            payload = bytes(self._received[HEADER:end])
            del self._received[:end]
            try:
                self._handle(kind, id, payload)
            except OSError as error:
                self._failed(id, error)
            except (ValueError, RecursionError):  # a variable without a name, a tree too deep
                self._failed(id, OSError(errno.EINVAL, ""))

    def _handle(self, kind: int, id: int, payload: bytes) -> None:
        if kind == DATA:
            self._take(id, payload)
        elif kind == EOF:
            self._end(id)
        elif kind == CREDIT:
            self._grant(id, int(payload))
        elif kind == DROP:
            self._drop(id)
        else:
            self._act(kind, id, payload.split(b"\0")[:-1])

    def _act(self, kind: int, id: int, fields: list[bytes]) -> None:
        if kind == START:
            self._start(id, fields)
        elif kind == READ:
            self._read(id, fields[0])
        elif kind == WRITE:
            self._write(id, fields[0])
        elif kind == SIGNAL:
            self._signal(int(fields[0]), int(fields[1]))
            self._done(id)
        elif kind == LISTEN:
            self._listen(set(fields))
            self._done(id)
        elif kind in (FREEZE, THAW):
            self._signal_all(_SIGSTOP if kind == FREEZE else _SIGCONT)
            self._done(id)
        else:
            self._done(id, *self._touch(kind, *fields))

    # ---------------------------------------------------------------------------------------------- commands

    def _start(self, id: int, fields: list[bytes]) -> None:
        """Fields: "1" if it has an input, its directory, the number of variables, these, the command's words."""
        with_input, directory, count = fields[0] == b"1", fields[1], int(fields[2])
        env = dict(variable.split(b"=", 1) for variable in fields[3 : 3 + count])
        words = fields[3 + count :]
        output, errors = os.pipe(), os.pipe()
        input = os.pipe() if with_input else (os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC), -1)
        try:
            pid = _spawn(words, env, directory, (input[0], output[1], errors[1]))
        except OSError:
            for fd in (output[0], errors[0], input[1]):
                if fd != -1:
                    os.close(fd)
            raise
        finally:
            for fd in (output[1], errors[1], input[0]):
                os.close(fd)
        pidfd = os.pidfd_open(pid)
        self._poll.register(pidfd, select.POLLIN)
        self._commands[pid] = id, pidfd
        self._done(id, str(pid).encode())
        self._add_source(id + 1, output[0])
        self._add_source(id + 2, errors[0])
        if with_input:
            self._add_sink(id + 3, input[1], socket=False)

    def _reap(self) -> None:
        """Our commands, and whatever lost its parent."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._commands:
                id, pidfd = self._commands.pop(pid)
                self._poll.unregister(pidfd)
                os.close(pidfd)
                killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
                self._send(EXIT, id, f"{os.WEXITSTATUS(status)}\0{killed}\0".encode())

    def _signal(self, pid: int, number: int) -> None:
        """That process alone: what it started goes on."""
        if pid not in self._commands:
            raise ProcessLookupError(errno.ESRCH, "no such command")
        os.kill(pid, number)

    def _signal_all(self, number: int) -> None:
        """Outside of a namespace of processes: only the commands themselves."""
        for pid in [-1] if os.getpid() == 1 else list(self._commands):
            try:  # noqa: SIM105  (contextlib takes longer to import than all of this)
                os.kill(pid, number)
            except ProcessLookupError:
                pass  # nobody there

    # ------------------------------------------------------------------------------------------------- files

    def _read(self, id: int, path: bytes) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(fd)
            demand_regular(found)
        except OSError:
            os.close(fd)
            raise
        self._done(id, str(found.st_size).encode())
        self._add_source(id + 1, fd)

    def _write(self, id: int, path: bytes) -> None:
        os.makedirs(os.path.dirname(path) or b"/", exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
        try:
            demand_regular(os.fstat(fd))
            os.ftruncate(fd, 0)
        except OSError:
            os.close(fd)
            raise
        self._files[id + 1] = fd
        self._done(id)

    def _touch(self, kind: int, path: bytes, other: bytes = b"") -> list[bytes]:
        if kind == STAT:
            return entry(path)
        if kind == LIST:
            return entries(path, int(other))
        if kind == MAKE_DIR:
            make_directory(path)
        elif kind == MOVE:
            os.lstat(path)
            os.makedirs(os.path.dirname(other), exist_ok=True)
            os.rename(path, other)
            return entry(other)
        elif kind == REMOVE:
            remove(path)
        return []

    # ----------------------------------------------------------------------------------------------- network

    def _listen(self, wanted: set[bytes]) -> None:
        """Places are "address:port". What is not wanted any more is closed; the host ends its connections."""
        for fd, (listener, place) in list(self._listeners.items()):
            if place not in wanted:
                self._poll.unregister(fd)
                del self._listeners[fd]
                listener.close()
        for place in wanted - {place for _, place in self._listeners.values()}:
            address, _, port = place.decode().partition(":")
            listener = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
            listener.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
            listener.bind((address, int(port)))
            listener.listen(64)
            self._listeners[listener.fileno()] = listener, place
            self._poll.register(listener.fileno(), select.POLLIN)

    def _accept(self, fd: int) -> None:
        """A connection is read under its id, and written under the next one."""
        listener, place = self._listeners[fd]
        connection, _ = listener._accept()  # type: ignore[attr-defined]
        id, self._next = self._next, self._next + 2
        os.set_blocking(connection, False)
        self._send(ACCEPT, id, place + b"\0")
        self._add_source(id, connection)
        self._add_sink(id + 1, os.dup(connection), socket=True)


def _spawn(words: list[bytes], env: dict[bytes, bytes], directory: bytes, standard: tuple[int, int, int]) -> int:
    """In our process group: like the service's, it is nobody's leader."""
    os.chdir(directory)
    try:
        actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate(standard)]
        spawn = os.posix_spawn if b"/" in words[0] else os.posix_spawnp
        return spawn(words[0], words, env, file_actions=actions, setsigdef=_IGNORED_BY_PYTHON)
    finally:
        os.chdir("/")


def _limit(file_bytes: int) -> None:
    """For us and all that we start."""
    import resource

    own = _PROCESSES if os.getpid() == 1 else {}
    for number, limit in {**_LIMITS, **own, resource.RLIMIT_FSIZE: file_bytes}.items():
        _, hard = resource.getrlimit(number)
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(number, (limit, limit))


def main() -> None:
    """Arguments: the descriptor of the socket to the host, and the most bytes that a file may have."""
    control = int(sys.argv[1])
    os.set_inheritable(control, False)
    os.umask(0o022)
    _limit(int(sys.argv[2]))
    try:
        Guest(control).run()
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
