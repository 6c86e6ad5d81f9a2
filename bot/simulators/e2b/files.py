"""envd's files: bytes in and out over HTTP, and the filesystem service. Each path is opened inside, by the guest."""

from __future__ import annotations

import asyncio
import base64
import errno
import hashlib
import posixpath
import re
import stat
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Any

from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from bot.simulators.e2b import guest_messages
from bot.simulators.e2b.calls import Call, Refusal, Route, json_answer
from bot.simulators.e2b.clock import timestamp
from bot.simulators.e2b.connect import read_message, refuse, translated
from bot.simulators.e2b.machine import LOST, GuestError, Machine
from bot.simulators.e2b.people import caller, known, resolve
from bot.simulators.e2b.root import INSIDE_UID
from bot.simulators.e2b.sandboxes import Sandbox

_FIELDS = 8  # of an entry, as the guest writes it
_END_OF_TIME = 253_402_300_799.0  # seconds: the last that a date can say
_OWNERS = {str(INSIDE_UID): "user", "0": "root"}
_BYTES = "application/octet-stream"
_GZIP = 31  # zlib: with gzip's header
_STATUS = {errno.ENOENT: 404, errno.ENOSPC: 507, errno.EDQUOT: 507, errno.EFBIG: 507}
_BAD_PATHS = {
    errno.EEXIST,  # a file where a directory should be
    errno.EISDIR,
    errno.ENOTDIR,
    errno.ENODEV,
    errno.ENXIO,
    errno.ELOOP,
    errno.ENAMETOOLONG,
    errno.EINVAL,
}


# ------------------------------------------------------------------------------------------------ bytes over HTTP


async def read(call: Call) -> ASGIApp:
    sandbox, path = _place(call, call.query("path"))
    machine = sandbox.running_machine()
    id = machine.reserve()
    pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
    machine.receive(id + 1, lambda kind, data: pieces.put_nowait({guest_messages.EOF: b"", LOST: None}.get(kind, data)))
    try:
        await machine.ask(guest_messages.READ, path, id=id)
    except (GuestError, ValueError) as error:
        machine.drop(id + 1)
        raise _refusal(error, call.query("path")) from error
    content = _content(call, machine, id + 1, pieces)
    if "gzip" in call.request.headers.get("accept-encoding", ""):
        return StreamingResponse(_compressed(content), headers={"content-encoding": "gzip"}, media_type=_BYTES)
    return StreamingResponse(content, media_type=_BYTES)


async def _content(call: Call, machine: Machine, id: int, pieces: asyncio.Queue[bytes | None]) -> AsyncIterator[bytes]:
    try:
        while piece := await pieces.get():
            yield piece
            machine.grant(id, len(piece))
        if piece is None:  # the sandbox is gone, and its connections with it
            call.request.state.transport.abort()
    finally:
        machine.drop(id)


async def _compressed(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    packer = zlib.compressobj(1, wbits=_GZIP)
    async for piece in content:
        yield packer.compress(piece)
    yield packer.flush()


async def write(call: Call) -> ASGIApp:
    """One file as it is, or several in the parts of a form."""
    kind = call.request.headers.get("content-type", "")
    if any(name.startswith("x-metadata-") for name in call.request.headers):
        call.stage.errors.append("files_write: metadata of files is not simulated")
    written = []
    if kind.startswith("multipart/form-data"):
        for name, content in _parts(kind, call.body):
            written.append(await _write(call, call.query("path") or name, [content]))
    elif kind == _BYTES:
        written.append(await _write(call, call.query("path"), _sent(call)))
    else:
        raise Refusal(400, f"unsupported content type {kind!r}")
    if not written:
        raise Refusal(400, "no file was sent")
    return json_answer(written)


def _sent(call: Call) -> Iterable[bytes]:
    """The body, unpacked where it is packed."""
    encoding = call.request.headers.get("content-encoding", "identity")
    if encoding == "identity":
        yield call.body
        return
    if encoding != "gzip":
        raise Refusal(400, f"unsupported content encoding {encoding!r}")
    unpacker, left = zlib.decompressobj(wbits=_GZIP), call.body
    try:
        while left and not unpacker.eof:
            yield unpacker.decompress(left, 4 * guest_messages.CHUNK)
            left = unpacker.unconsumed_tail
    except zlib.error as error:
        raise Refusal(400, f"invalid gzip: {error}") from error
    if not unpacker.eof:
        raise Refusal(400, "invalid gzip: it ends in the middle")


async def _write(call: Call, asked: str, pieces: Iterable[bytes]) -> dict[str, str]:
    sandbox, path = _place(call, asked)
    machine = sandbox.running_machine()
    id = machine.reserve()
    try:
        await machine.ask(guest_messages.WRITE, path, id=id)
        try:
            for piece in pieces:
                await machine.write(id + 1, piece)
            await machine.finish(id + 1)
        except BaseException:
            machine.drop(id + 1)
            raise
    except (GuestError, ValueError) as error:
        raise _refusal(error, asked) from error
    shown = call.stage.host.outside(sandbox.root, path)
    return {"name": posixpath.basename(shown), "type": "file", "path": shown}


def _parts(kind: str, body: bytes) -> Iterable[tuple[str, bytes]]:
    """Name and content of each file in a form (RFC 7578)."""
    boundary = re.search(r'boundary="?([^";]+)"?', kind)
    if boundary is None:
        raise Refusal(400, "a form without a boundary")
    separator = b"--" + boundary[1].encode()
    for part in (b"\r\n" + body).split(b"\r\n" + separator)[1:-1]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        disposition = head.decode("utf-8", "replace")
        if not re.search(r'name="file"', disposition):
            raise Refusal(400, "a part of the form is not a file")
        named = re.search(r'filename="((?:[^"\\]|\\.)*)"', disposition)
        yield (named[1].replace('\\"', '"').replace("%22", '"') if named else ""), content


def _place(call: Call, asked: str) -> tuple[Sandbox, str]:
    assert call.sandbox is not None  # the server found it
    user = known(call.query("username") or "user")
    return call.sandbox, call.stage.host.inside(call.sandbox.root, resolve(asked, user))


def _refusal(error: GuestError | ValueError, path: str) -> Refusal:
    if isinstance(error, ValueError):
        return Refusal(400, f"path {path!r}: {error}")
    if error.number == errno.ENOENT:
        return Refusal(404, f"path '{path}' does not exist")
    if error.number in _BAD_PATHS:
        return Refusal(400, f"path '{path}': {error}")
    return Refusal(_STATUS.get(error.number, 500), f"error accessing '{path}': {error}")


def is_signed(call: Call, sandbox: Sandbox) -> bool:
    """By this sandbox's token, for this path and user. Raises `Refusal` when that was so until a while ago."""
    operation = "read" if call.request.method == "GET" else "write"
    parts = [call.query("path"), operation, call.query("username"), sandbox.token]
    expires = call.query("signature_expiration")
    digest = hashlib.sha256(":".join([*parts, expires] if expires else parts).encode()).digest()
    if call.query("signature") != "v1_" + base64.b64encode(digest).rstrip(b"=").decode():
        return False
    if expires and int(expires) < call.stage.clock.time():
        raise Refusal(401, "signature is already expired")
    return True


# ------------------------------------------------------------------------------------------ the filesystem service


async def _ask(call: Call, kind: int, *paths: str, more: str = "") -> list[dict[str, Any]]:
    """The entries that the guest answers with. Raises `Refusal`."""
    assert call.sandbox is not None
    sandbox, user, host = call.sandbox, caller(call), call.stage.host
    inside = [host.inside(sandbox.root, resolve(path, user)) for path in paths]
    try:
        fields = await sandbox.running_machine().ask(kind, *inside, *([more] if more else []))
    except GuestError as error:
        raise translated(error, f"path '{paths[0]}'") from error
    except ValueError as error:
        raise refuse("invalid_argument", str(error)) from error
    rows = [_entry(fields[start : start + _FIELDS]) for start in range(0, len(fields), _FIELDS)]
    for row in rows:
        row["path"] = host.outside(sandbox.root, row["path"])
    return rows


def _entry(fields: Sequence[bytes]) -> dict[str, Any]:
    path, kind, size, mode, uid, gid, changed, target = (field.decode("utf-8", "replace") for field in fields)
    types = {"f": "FILE_TYPE_FILE", "d": "FILE_TYPE_DIRECTORY"}
    entry: dict[str, Any] = {
        "name": posixpath.basename(path),
        "type": types.get(kind, "FILE_TYPE_UNSPECIFIED"),
        "path": path,
        "size": size,
        "mode": stat.S_IMODE(int(mode)),
        "permissions": stat.filemode(int(mode)),
        "owner": _OWNERS.get(uid, "nobody"),
        "group": _OWNERS.get(gid, "nobody"),
        "modifiedTime": timestamp(min(max(int(changed) / 1e9, 0.0), _END_OF_TIME)),
    }
    return {**entry, "symlinkTarget": target} if target else entry


async def stat_path(call: Call) -> Response:
    sent = read_message(call, "path")
    return json_answer({"entry": (await _ask(call, guest_messages.STAT, sent.text("path", "")))[0]})


async def list_directory(call: Call) -> Response:
    sent = read_message(call, "path", "depth")
    depth = max(1, sent.number("depth", 1))
    return json_answer({"entries": await _ask(call, guest_messages.LIST, sent.text("path", ""), more=str(depth))})


async def make_directory(call: Call) -> Response:
    path = read_message(call, "path").text("path", "")
    await _ask(call, guest_messages.MAKE_DIR, path)
    return json_answer({"entry": (await _ask(call, guest_messages.STAT, path))[0]})


async def move(call: Call) -> Response:
    sent = read_message(call, "source", "destination")
    moved = await _ask(call, guest_messages.MOVE, sent.text("source", ""), sent.text("destination", ""))
    return json_answer({"entry": moved[0]})


async def remove(call: Call) -> Response:
    await _ask(call, guest_messages.REMOVE, read_message(call, "path").text("path", ""))
    return json_answer({})


async def health(call: Call) -> Response:
    return Response(status_code=204)


ROUTES = (
    Route("GET", "/health", "health", health),
    Route("GET", "/files", "files_read", read),
    Route("POST", "/files", "files_write", write),
    Route("POST", "/filesystem.Filesystem/Stat", "stat", stat_path),
    Route("POST", "/filesystem.Filesystem/ListDir", "list_directory", list_directory),
    Route("POST", "/filesystem.Filesystem/MakeDir", "make_directory", make_directory),
    Route("POST", "/filesystem.Filesystem/Move", "move", move),
    Route("POST", "/filesystem.Filesystem/Remove", "remove", remove),
)
