"""The port that webhooks come in at: taken before anything else is begun, or a sentence about why it is not to be had.

uvicorn would take it last, when the database is migrated and the engine runs, and end the process in the middle of it.
Who comes between the two waits, instead of being refused.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import structlog

log = structlog.get_logger()

BACKLOG = 2048  # uvicorn's own
MAX_PORT = 65_535
LEFT_BEHIND = 2.0  # seconds that a port in use is tried again for

_ABSENT = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # such as ::1, where IPv6 is switched off
_REMEDIES = {
    errno.EADDRINUSE: "Another program listens there, perhaps another Solvebot. End it, or set {port} to a free one.",
    errno.EADDRNOTAVAIL: "Set {host} to an address of this machine; 0.0.0.0 means all that it has.",
    errno.EACCES: "Ports below 1024 are for root. Set {port} to a higher one, and let the reverse proxy have that one.",
}


@dataclass(frozen=True, slots=True)
class Named:
    """What host and port are called in the settings."""

    host: str
    port: str

    def in_words(self, remedy: str) -> str:
        return remedy.format(host=self.host, port=self.port)


PUBLIC = Named("HOST", "PORT")
OPERATORS = Named("METRICS_HOST", "METRICS_PORT")
WORKERS = Named("METRICS_HOST", "WORKER_PORT")
SETUP = Named("the host", "--port")


class CannotListen(Exception):
    """An address is not to be had; `remedy` says what to do."""

    def __init__(self, host: str, port: int, reason: str, remedy: str) -> None:
        super().__init__(f"cannot listen on {host}, port {port}: {reason}")
        self.remedy = remedy


@contextmanager
def listening(host: str, port: int, named: Named = PUBLIC) -> Iterator[list[socket.socket]]:
    """As `taken`, and the log says where."""
    with taken(host, port, named) as sockets:
        log.info("listening", host=host, port=sockets[0].getsockname()[1])
        yield sockets


@contextmanager
def taken(host: str, port: int, named: Named = PUBLIC) -> Iterator[list[socket.socket]]:
    """A socket for each address that `host` has here. Raises `CannotListen`."""
    if not 0 <= port <= MAX_PORT:  # the resolver would take the rest of a division
        raise CannotListen(host, port, "there is no such port", f"Set {named.port} to a number from 1 to {MAX_PORT}.")
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        remedy = named.in_words("Set {host} to an address or a name of this machine; 0.0.0.0 means all that it has.")
        raise CannotListen(host, port, "there is no such address", remedy) from error
    with ExitStack() as stack:
        sockets: list[socket.socket] = []
        for family, _, _, _, address in found:
            try:
                sockets.append(stack.enter_context(_listener(family, address)))
            except OSError as error:
                is_last = address == found[-1][-1]
                if error.errno not in _ABSENT or (is_last and not sockets):
                    raise _refusal(host, port, error, named) from error
        yield sockets


def _listener(family: int, address: tuple[object, ...]) -> socket.socket:
    """Whoever was killed a moment ago may have left a process that is just noticing it and still holds the port."""
    until = time.monotonic() + LEFT_BEHIND
    while True:
        try:
            return _bound(family, address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise
        time.sleep(0.05)


def _bound(family: int, address: tuple[object, ...]) -> socket.socket:
    """TCP by name: for a socket of protocol 0 asyncio does not turn Nagle off, and each answer takes 40 ms longer."""
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def _refusal(host: str, port: int, error: OSError, named: Named) -> CannotListen:
    remedy = _REMEDIES.get(error.errno or 0, "Set {host} and {port} to where this program may listen.")
    return CannotListen(host, port, (error.strerror or "refused").lower(), named.in_words(remedy))
