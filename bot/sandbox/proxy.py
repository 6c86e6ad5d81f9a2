"""The only way out of a sandbox during set-up: a proxy on a Unix socket that knows a list of names.

The sandbox keeps its empty network. What it gets is the socket, and a forwarder that listens where tools expect a
proxy. Names are resolved here, once, and the connection goes to the address that was looked at: a name whose DNS says
something else a moment later gains nothing.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog

from bot.core.isolation import Connect, Fetch, Refusal, address_is_public, read_proxy_request
from bot.sandbox.rooms import Room

PORT = 3128
_ADDRESS = f"http://127.0.0.1:{PORT}"
# npm, yarn and node have names of their own for it, and Java knows no environment: only options that it is started with.
PROXY_ENVIRONMENT = {
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), _ADDRESS),
    **dict.fromkeys(("npm_config_proxy", "npm_config_https_proxy", "YARN_HTTP_PROXY", "YARN_HTTPS_PROXY"), _ADDRESS),
    "NODE_USE_ENV_PROXY": "1",
    "JAVA_TOOL_OPTIONS": " ".join(
        (
            f"-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort={PORT} -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort={PORT}",
            "-Daether.connector.http.useSystemProperties=true",  # Maven 3.9
            "-Daether.transport.http.useSystemProperties=true",  # Maven 4
        )
    ),
}

# Runs inside: listens, leaves a copy of itself behind, and becomes the command. So there is no moment at which the
# command runs and nobody listens, and the shell does not have a child that it did not start.
FORWARDER = f"""\
import os, socket, sys, threading
path, command = sys.argv[1], sys.argv[2:]
server = socket.create_server(("127.0.0.1", {PORT}), backlog=128)
if os.fork():
    os.wait()
    os.execvp(command[0], command)
if os.fork():
    os._exit(0)
os.dup2(os.open(os.devnull, os.O_RDWR), 0); os.dup2(0, 1); os.dup2(0, 2)
os.closerange(3, server.fileno()); os.closerange(server.fileno() + 1, 4096)
def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
def serve(client):
    with client, socket.socket(socket.AF_UNIX) as proxy:
        proxy.connect(path)
        up = threading.Thread(target=pump, args=(client, proxy), daemon=True)
        up.start()
        pump(proxy, client)
        up.join()
while True:
    threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
"""

_HEAD_BYTES = 16_384
_HEAD_SECONDS = 30.0
_CONNECT_SECONDS = 30.0
_IDLE_SECONDS = 300.0


@asynccontextmanager
async def serve_proxy(room: Room, allowed: Sequence[str], *, allow_private: bool) -> AsyncIterator[Path]:
    """A proxy for one command. Yields its socket, which only the room's user (without one: we) may connect to."""
    path = room.path / f"proxy-{secrets.token_hex(8)}"
    proxy = _Proxy(allowed, allow_private=allow_private)
    server = await asyncio.start_unix_server(proxy.serve, sock=_listen(path, room.uid), limit=_HEAD_BYTES)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)
        server.close()
        await proxy.close()


def _listen(path: Path, uid: int | None) -> socket.socket:
    """Bound by way of the directory's descriptor, because the address of a Unix socket has at most 107 bytes."""
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    listening = socket.socket(socket.AF_UNIX)
    try:
        listening.bind(f"/proc/self/fd/{directory}/{path.name}")
        path.chmod(0o600)
        if uid is not None:
            os.chown(path, uid, uid)
    except OSError:
        listening.close()
        raise
    finally:
        os.close(directory)
    return listening


class _Proxy:
    def __init__(self, allowed: Sequence[str], *, allow_private: bool) -> None:
        self._allowed = allowed
        self._allow_private = allow_private
        self._tasks: set[asyncio.Task[None]] = set()

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._answer(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            request = read_proxy_request(head, self._allowed)
            if isinstance(request, Refusal):
                return await _refuse(writer, request)
            server = await self._open(request.host, request.port)
            if isinstance(server, Refusal):
                return await _refuse(writer, server)
            await _splice(request, (reader, writer), server)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # either side went away, or never spoke HTTP: nothing to tell, nobody to tell it to
        finally:
            writer.close()

    async def _open(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | Refusal:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):  # the latter for what can be no name, such as "a..example"
            return Refusal(502, f"{host} cannot be resolved")
        addresses = [str(address[4][0]) for address in found]
        usable = [address for address in addresses if self._allow_private or address_is_public(address)]
        if not usable:
            structlog.get_logger().warning("sandbox.proxy.private_address", host=host, addresses=addresses)
            return Refusal(403, f"{host} leads into a private network")
        for address in usable:
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CONNECT_SECONDS):
                    return await asyncio.open_connection(address, port)
        return Refusal(502, f"{host} does not answer")


_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _refuse(writer: asyncio.StreamWriter, refusal: Refusal) -> None:
    body = f"{refusal.why}\n".encode()
    head = f"HTTP/1.1 {refusal.status} Refused\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()


async def _splice(request: Connect | Fetch, client: _Streams, server: _Streams) -> None:
    """Both ways through a tunnel; of a plain request only the answer, so that nothing can follow it unseen."""
    try:
        if isinstance(request, Fetch):
            server[1].write(request.head)
            await _pump(server[0], client[1])
            return
        client[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        async with asyncio.TaskGroup() as both:
            both.create_task(_pump(client[0], server[1]))
            both.create_task(_pump(server[0], client[1]))
    except* (OSError, TimeoutError):
        pass  # one side went away; the other one learns it by the end of its connection
    finally:
        server[1].close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while True:
        async with asyncio.timeout(_IDLE_SECONDS):
            data = await source.read(65_536)
        if not data:
            break
        sink.write(data)
        await sink.drain()
    if sink.can_write_eof():
        sink.write_eof()
