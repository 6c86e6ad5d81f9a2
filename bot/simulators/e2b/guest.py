"""What runs inside of a simulated sandbox, as its first process: it starts commands and touches files for the host.

A script of its own for `python3 -I -S`, with imports that take next to no time; the host imports the numbers of the
messages. Everything that a path could lead astray happens here, where there is nothing but the sandbox.

A message, in both directions, is a header (kind: 1 byte, id: 4, length: 4, big-endian) and a payload: raw bytes for
`DATA`, else fields that each end with a NUL, which no path, argument or name can hold. Ids are given out by the side
that asks, the guest's with the highest bit set. A command that was started under `id` has its output under `id + 1`,
its errors under `id + 2`, its input under `id + 3`.

Nobody sends more than `WINDOW` bytes under one id that were not granted back with `CREDIT`: what nobody reads waits
where it was made.
"""

from __future__ import annotations

import _socket
import errno
import os
import select
import sys

HEADER = 9  # bytes
CHUNK = 65_536
WINDOW = 1_048_576  # bytes under way under one id
OURS = 1 << 31  # ids of what starts in here: connections

READY, DONE, FAILED, DATA, EOF, CREDIT, EXIT, ACCEPT = range(1, 9)
START, SIGNAL, READ, WRITE, STAT, LIST, MAKE_DIR, MOVE, REMOVE, LISTEN, FREEZE, THAW, DROP = range(20, 33)

_SIGSTOP, _SIGCONT = 19, 18
_IGNORED_BY_PYTHON = (13, 25)  # SIGPIPE, SIGXFSZ: commands expect the defaults
_LIMITS = {2: 4 << 30, 4: 0, 7: 4096}  # data, core, nofile: numbers of Linux
_PROCESSES = {6: 1024}  # nproc: in a namespace of users of our own nobody else counts
_TYPE, _DIRECTORY, _REGULAR, _LINK = 0o170000, 0o040000, 0o100000, 0o120000
_QUIET = select.POLLIN | select.POLLOUT  # anything else is an error or an end


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


class Guest:
    def __init__(self, control: int) -> None:
        self._control = control
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._received = bytearray()
        self._sources: dict[int, Source] = {}  # by descriptor
        self._sinks: dict[int, Sink] = {}
        self._by_id: dict[int, Source | Sink] = {}
        self._files: dict[int, int] = {}  # being written: id -> descriptor
        self._broken: dict[int, OSError] = {}  # files that could not be written
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

    def _send(self, kind: int, id: int, payload: bytes = b"") -> None:
        message = memoryview(bytes((kind,)) + id.to_bytes(4, "big") + len(payload).to_bytes(4, "big") + payload)
        while message:
            message = message[os.write(self._control, message) :]

    def _done(self, id: int, *fields: bytes) -> None:
        self._send(DONE, id, b"".join(field + b"\0" for field in fields))

    def _failed(self, id: int, error: OSError) -> None:
        number = error.errno or errno.EIO
        self._send(FAILED, id, f"{number}\0{os.strerror(number)}\0".encode())

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

    # ----------------------------------------------------------------------------------------- bytes in and out

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

    # ------------------------------------------------------------------------------------------------- files

    def _read(self, id: int, path: bytes) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            found = os.fstat(fd)
            _demand_regular(found)
        except OSError:
            os.close(fd)
            raise
        self._done(id, str(found.st_size).encode())
        self._add_source(id + 1, fd)

    def _write(self, id: int, path: bytes) -> None:
        os.makedirs(os.path.dirname(path) or b"/", exist_ok=True)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o666)
        try:
            _demand_regular(os.fstat(fd))
            os.ftruncate(fd, 0)
        except OSError:
            os.close(fd)
            raise
        self._files[id + 1] = fd
        self._done(id)

    def _finish_file(self, id: int) -> None:
        os.close(self._files.pop(id))
        error = self._broken.pop(id, None)
        if error is None:
            self._done(id)
        else:
            self._failed(id, error)

    def _touch(self, kind: int, path: bytes, other: bytes = b"") -> list[bytes]:
        if kind == STAT:
            return _entry(path)
        if kind == LIST:
            return _entries(path, int(other))
        if kind == MAKE_DIR:
            _make_directory(path)
        elif kind == MOVE:
            os.lstat(path)
            os.makedirs(os.path.dirname(other), exist_ok=True)
            os.rename(path, other)
            return _entry(other)
        elif kind == REMOVE:
            _remove(path)
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


def _demand_regular(found: os.stat_result) -> None:
    kind = found.st_mode & _TYPE
    if kind == _DIRECTORY:
        raise IsADirectoryError(errno.EISDIR, "is a directory")
    if kind != _REGULAR:
        raise OSError(errno.ENODEV, "is not a regular file")


def _entry(path: bytes) -> list[bytes]:
    """path, kind ("f", "d" or ""), size, mode, uid, gid, nanoseconds of the last change, target of the link or ""."""
    found = os.lstat(path)
    target = b""
    if found.st_mode & _TYPE == _LINK:
        target = os.readlink(path)
        try:  # noqa: SIM105
            found = os.stat(path)
        except OSError:
            pass  # it leads nowhere
    kind = {_DIRECTORY: b"d", _REGULAR: b"f"}.get(found.st_mode & _TYPE, b"")
    numbers = (found.st_size, found.st_mode, found.st_uid, found.st_gid, found.st_mtime_ns)
    return [path, kind, *(str(number).encode() for number in numbers), target]


def _entries(path: bytes, depth: int) -> list[bytes]:
    """The fields of all entries below, one after the other; links are not followed."""
    fields: list[bytes] = []
    with os.scandir(path) as listing:
        for found in sorted(listing, key=lambda entry: entry.name):
            try:
                fields += _entry(found.path)
            except FileNotFoundError:
                continue  # removed meanwhile
            if depth > 1 and found.is_dir(follow_symlinks=False):
                fields += _entries(found.path, depth - 1)
    return fields


def _make_directory(path: bytes) -> None:
    if os.path.isdir(path):
        raise FileExistsError(errno.EEXIST, "exists")
    if os.path.lexists(path):
        raise NotADirectoryError(errno.ENOTDIR, "is not a directory")
    os.makedirs(path)


def _remove(path: bytes) -> None:
    """With everything below it. Nothing there: fine."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except (IsADirectoryError, PermissionError):
        with os.scandir(path) as listing:
            below = [entry.path for entry in listing]
        for entry in below:
            _remove(entry)
        os.rmdir(path)


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
