"""Machines of E2B, through its SDK (2.63.0), one attempt each.

What this version gets wrong, and what is done about it here:
- The timeout of a stream is armed in the task of whoever opened it: the caller is cancelled on Python 3.12 and newer,
  and nothing happens on 3.11. Streams are opened without one, and the deadline is ours.
- `request_timeout` bounds reading and writing each, so half of what is meant is passed.
- A streamed upload has no limit in time at all. Transfers get one of ours.
- A stream to a machine that has died may stay silent for ever: its health is asked for meanwhile.
- It repeats some requests by itself: switched off, because `resilience.py` counts each.
- Cancelling a call leaves the command running. What ends it is a script of `jobs.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from e2b import ALL_TRAFFIC, E2B, AsyncSandbox, CommandExitException, SandboxQuery, SandboxState
from e2b.connection_config import ApiParams
from e2b.sandbox_async.commands.command_handle import AsyncCommandHandle

from bot.core.resilience.sandbox_leases import ImageId, LeaseKey, MachineId
from bot.ports import Rejected, SandboxLost, Unclear
from bot.sandbox.e2b.errors import translated
from bot.sandbox.provider import OURS, Machine, Said, Wanted

APP = "solvebot"
_CHUNK = 1 << 20  # bytes
_HEALTH_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class E2BOptions:
    """`instance` tells our machines from those of other bots on the same account: lower-case letters and digits."""

    key: str = field(repr=False)
    instance: str
    name: str = "e2b"
    domain: str = ""  # "" is E2B's own
    api_url: str = ""  # only of a self-hosted service, or the simulator, that has one address for all
    request_timeout: float = 30.0  # seconds
    transfer_timeout: float = 120.0  # of files
    health_interval: float = 30.0  # while a command runs


class E2BProvider:
    """Implements `Provider`. Knows nothing that would be lost with this process."""

    def __init__(self, options: E2BOptions) -> None:
        self._options = options
        self._connected: dict[MachineId, AsyncSandbox] = {}
        params: ApiParams = {"api_key": options.key, "retries": 0, "debug": False}
        params["request_timeout"] = options.request_timeout / 2
        if options.domain:
            params["domain"] = options.domain
        if options.api_url:
            params["api_url"] = params["sandbox_url"] = options.api_url
        self._sdk = E2B(**params).AsyncSandbox

    @property
    def name(self) -> str:
        return self._options.name

    # ------------------------------------------------------------------------------------------------------ machines

    async def create(self, wanted: Wanted) -> MachineId:
        async with translated("create"):
            sandbox = await self._sdk.create(
                wanted.image or wanted.template or None,
                timeout=wanted.seconds,
                metadata={**wanted.labels, **self._ours, "lease": wanted.key},
                network={"deny_out": [ALL_TRAFFIC], "allow_public_traffic": False},
                lifecycle={"on_timeout": "kill"},
                idempotency_key=wanted.key,
            )
        machine = MachineId(sandbox.sandbox_id)
        self._connected[machine] = sandbox
        return machine

    async def machines(self) -> list[Machine]:
        found: list[Machine] = []
        query = SandboxQuery(metadata=self._ours, state=[SandboxState.RUNNING, SandboxState.PAUSED])
        async with translated("list"):
            pages = self._sdk.list(query=query, limit=100)
            while pages.has_next:
                for info in await pages.next_items():
                    key = info.metadata.get("lease")
                    found.append(Machine(MachineId(info.sandbox_id), LeaseKey(key) if key else None, info.end_at))
        return found

    async def extend(self, machine: MachineId, seconds: int) -> None:
        async with translated("extend"):
            await self._sdk.set_timeout(machine, seconds)

    async def allow(self, machine: MachineId, hosts: Sequence[str]) -> None:
        """The service tells hosts apart, and not their ports."""
        names = list(dict.fromkeys(host.partition(":")[0] for host in hosts))
        async with translated("allow"):
            await self._sdk.update_network(machine, {"allow_out": names, "deny_out": [ALL_TRAFFIC]})

    async def kill(self, machine: MachineId) -> None:
        self._connected.pop(machine, None)
        async with translated("kill"):
            await self._sdk.kill(machine)

    @property
    def _ours(self) -> dict[str, str]:
        return {"app": APP, "instance": self._options.instance}

    async def _sandbox(self, machine: MachineId) -> AsyncSandbox:
        """What the SDK needs to talk to it. Connecting never shortens a life, and wakes what was paused."""
        if machine not in self._connected:
            self._connected[machine] = await self._sdk.connect(machine, timeout=60)
        return self._connected[machine]

    # ------------------------------------------------------------------------------------------------------ commands

    async def execute(
        self, machine: MachineId, script: str, *, timeout: float, as_root: bool = False, limit: int = 131_072
    ) -> Said:
        output = bytearray()

        def heard(chunk: str) -> None:
            output.extend(chunk.encode()[: limit - len(output)])

        async with translated("execute"):
            sandbox = await self._sandbox(machine)
            wait = min(self._options.request_timeout, timeout)
            async with _started(sandbox, script, "root" if as_root else "user", heard, wait) as handle:
                try:
                    async with asyncio.timeout(timeout):
                        exit_code = await self._ended(sandbox, handle)
                except TimeoutError as error:
                    raise Unclear(f"execute: no end within {timeout:g} s") from error
        if exit_code < 0:
            raise Unclear("execute: the shell was killed")
        return Said(exit_code, bytes(output))

    async def follow(self, machine: MachineId, script: str, hear: Callable[[str], None]) -> None:
        async with translated("follow"):
            sandbox = await self._sandbox(machine)
            async with _started(sandbox, script, "user", hear, self._options.request_timeout) as handle:
                await self._ended(sandbox, handle)

    async def _ended(self, sandbox: AsyncSandbox, handle: AsyncCommandHandle[Any]) -> int:
        ending = asyncio.ensure_future(handle.wait())
        try:
            while not ending.done():
                await asyncio.wait({ending}, timeout=self._options.health_interval)
                if not ending.done() and not await sandbox.is_running(request_timeout=_HEALTH_SECONDS / 2):
                    raise SandboxLost("execute: the machine is no longer running")
            return int(ending.result().exit_code)
        except CommandExitException as ended:
            return int(ended.exit_code)
        finally:
            ending.cancel()

    # --------------------------------------------------------------------------------------------------------- files

    async def upload(self, machine: MachineId, path: str, content: bytes | Path) -> None:
        async with translated("upload"), asyncio.timeout(self._options.transfer_timeout):
            sandbox = await self._sandbox(machine)
            await sandbox.files.write(
                path,
                _chunks(content) if isinstance(content, Path) else content,
                user="user",
                request_timeout=self._options.transfer_timeout / 2,
                gzip=True,
                use_octet_stream=True,
            )

    async def download(self, machine: MachineId, path: str, into: Path, *, limit: int) -> None:
        size = 0
        async with translated("download"), asyncio.timeout(self._options.transfer_timeout):
            sandbox = await self._sandbox(machine)
            stream = await sandbox.files.read(
                path, "stream", user="user", request_timeout=self._options.transfer_timeout, gzip=True
            )
            async with aclosing(stream):
                with into.open("wb") as file:
                    async for chunk in stream:
                        size += len(chunk)
                        if size > limit:
                            raise Rejected(f"download: more than {limit} bytes")
                        await asyncio.to_thread(file.write, chunk)

    # ----------------------------------------------------------------------------------------------------- snapshots

    async def save(self, machine: MachineId, name: str) -> ImageId:
        async with translated("save"):
            info = await self._sdk.create_snapshot(
                machine,
                name=f"{self._prefix}{name}-{uuid4().hex[:8]}",
                request_timeout=self._options.transfer_timeout / 2,
            )
        return ImageId(info.snapshot_id)

    async def images(self) -> list[ImageId]:
        found: list[ImageId] = []
        async with translated("images"):
            pages = self._sdk.list_snapshots(limit=100)
            while pages.has_next:
                for info in await pages.next_items():
                    if any(name.rpartition("/")[2].startswith(self._prefix) for name in info.names):
                        found.append(ImageId(info.snapshot_id))
        return found

    async def delete_image(self, image: ImageId) -> None:
        async with translated("delete image"):
            await self._sdk.delete_snapshot(image)

    @property
    def _prefix(self) -> str:
        return f"{APP}-{self._options.instance}-"


@asynccontextmanager
async def _started(
    sandbox: AsyncSandbox, script: str, user: str, hear: Callable[[str], None], wait: float
) -> AsyncIterator[AsyncCommandHandle[Any]]:
    """`wait`: seconds until it has begun. The stream has no limit in time; see above."""
    handle = await sandbox.commands.run(
        script,
        background=True,
        envs=OURS,
        user=user,
        on_stdout=hear,
        timeout=0,
        request_timeout=wait,
        retain_output=False,
    )
    try:
        yield handle
    finally:
        await handle.disconnect()


async def _chunks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as content:
        while chunk := await asyncio.to_thread(content.read, _CHUNK):
            yield chunk
