"""The only way out of a sandbox during set-up: a proxy on a Unix socket that knows a list of names.

The sandbox keeps its empty network. What it gets is the socket, and a forwarder that listens where tools expect a
proxy. Where downloads are kept, tunnels end here as well: `registry_stand_in.py` answers for the host.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

from bot.core.operations.isolation import Connect, Fetch, Refusal, read_proxy_request
from bot.sandbox.local.directories import Room
from bot.sandbox.local.name_resolution import Unreachable, resolve
from bot.sandbox.local.registry_stand_in import StandIn
from bot.sandbox.local.threads import end

PORT = 3128
_ADDRESS = f"http://127.0.0.1:{PORT}"
# npm, yarn and node have names of their own for it. Java knows no environment, only what its tools are started with.
_PROXY_NAMES = (
    *("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"),
    *("npm_config_proxy", "npm_config_https_proxy", "YARN_HTTP_PROXY", "YARN_HTTPS_PROXY"),
)
_JAVA_PROXY = (
    f"-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort={PORT} -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort={PORT}",
    "-Daether.connector.http.useSystemProperties=true",  # Maven 3.9
    "-Daether.transport.http.useSystemProperties=true",  # Maven 4
)
# Whom to trust, as each tool wants to be told: most read the first one.
_CERTIFICATE_NAMES = (
    *("SSL_CERT_FILE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CARGO_HTTP_CAINFO"),
    *("NODE_EXTRA_CA_CERTS", "npm_config_cafile", "YARN_HTTPS_CA_FILE_PATH", "DENO_CERT"),
    *("BUNDLE_SSL_CA_CERT", "HEX_CACERTS_PATH"),
)


def proxy_environment(certificates: str = "", java_certificates: str = "") -> dict[str, str]:
    """What leads tools in a sandbox to the proxy. The paths, inside, are of those whom they trust then."""
    java, trust = list(_JAVA_PROXY), {}
    if certificates:
        trust = dict.fromkeys(_CERTIFICATE_NAMES, certificates)
        java.append(f"-Djavax.net.ssl.trustStore={java_certificates} -Djavax.net.ssl.trustStoreType=PKCS12")
    proxy = dict.fromkeys(_PROXY_NAMES, _ADDRESS)
    return {**proxy, **trust, "NODE_USE_ENV_PROXY": "1", "JAVA_TOOL_OPTIONS": " ".join(java)}


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
async def serve_proxy(
    room: Room, allowed: Sequence[str], *, allow_private: bool, stand_in: StandIn | None = None
) -> AsyncIterator[Path]:
    """A proxy for one command. Yields its socket, which only the room's user (without one: we) may connect to."""
    path = room.path / f"proxy-{secrets.token_hex(8)}"
    proxy = _Proxy(room.path.name, allowed, allow_private=allow_private, stand_in=stand_in)
    async with AsyncExitStack() as stack:
        if stand_in is not None:
            await stack.enter_async_context(stand_in.downloads.open())
        stack.push_async_callback(proxy.close)
        server = await asyncio.start_unix_server(proxy.serve, sock=_listen(path, room.uid), limit=_HEAD_BYTES)
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)
            server.close()


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
    def __init__(self, sandbox: str, allowed: Sequence[str], *, allow_private: bool, stand_in: StandIn | None) -> None:
        self._sandbox = sandbox
        self._allowed = allowed
        self._allow_private = allow_private
        self._stand_in = stand_in
        self._tasks: set[asyncio.Task[None]] = set()

    def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._begin(self._answer(reader, writer))

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        await end(self._tasks)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
            request = read_proxy_request(head, self._allowed)
            if isinstance(request, Refusal):
                return await _refuse(writer, request)
            try:
                server = await self._open(request)
            except Unreachable as error:
                return await _refuse(writer, error.refusal)
            await _splice(request, (reader, writer), server)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # either side went away, or never spoke HTTP: nothing to tell, nobody to tell it to
        finally:
            writer.close()

    async def _open(self, request: Connect | Fetch) -> _Streams:
        """What is asked for, or what stands in for it. Raises `Unreachable`."""
        host = request.host.lower().removesuffix(".")
        ours = self._stand_in if isinstance(request, Connect) else None
        if ours is not None and ours.stands_in(self._sandbox, host):
            its_end, our_end = socket.socketpair()
            self._begin(ours.serve(its_end, host, request.port, self._sandbox))
            return await asyncio.open_connection(sock=our_end)
        for address in await resolve(request.host, request.port, allow_private=self._allow_private):
            with suppress(OSError, TimeoutError):
                async with asyncio.timeout(_CONNECT_SECONDS):
                    return await asyncio.open_connection(address, request.port)
        raise Unreachable(Refusal(502, f"{request.host} does not answer"))


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
