"""A provider whose machines are directories on this disk, whose commands are processes, and whose mishaps are written.

Not isolated, so only for what a test itself has written. `will` says how the next requests end; when nothing is left of
the script, they do what they are for.
"""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.core.resilience.sandbox_leases import ImageId, MachineId
from bot.ports import Rejected, SandboxLost, Unclear
from bot.sandbox.provider import OURS, Machine, Said, Wanted

PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(slots=True)
class Done:
    """It is done, and then the answer gets lost."""

    then: BaseException


class Hangs:
    """No answer ever comes."""


Mishap = BaseException | Done | Hangs | None


@dataclass(slots=True)
class ScriptedProvider:
    """Implements `Provider`. `asked` holds the name of every request, `hanging` is set when one hangs."""

    directory: Path
    name: str = "scripted"
    asked: list[str] = field(default_factory=list)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    _script: deque[Mishap] = field(default_factory=deque)
    _machines: dict[MachineId, Machine] = field(default_factory=dict)
    _hosts: dict[MachineId, tuple[str, ...]] = field(default_factory=dict)
    _ids: Any = field(default_factory=itertools.count)

    def will(self, *mishaps: Mishap) -> None:
        """One for each of the next requests; None: it goes well."""
        self._script.extend(mishaps)

    @asynccontextmanager
    async def _request(self, name: str) -> AsyncIterator[None]:
        """Ends as the script says."""
        self.asked.append(name)
        mishap = self._script.popleft() if self._script else None
        match mishap:
            case Hangs():
                self.hanging.set()
                await asyncio.Event().wait()
            case BaseException():
                raise mishap
        yield
        if isinstance(mishap, Done):
            raise mishap.then

    async def create(self, wanted: Wanted) -> MachineId:
        async with self._request("create"):
            for machine in self._machines.values():
                if machine.key == wanted.key:
                    return machine.id
            id = MachineId(f"m-{next(self._ids)}")
            if wanted.image is not None:
                await asyncio.to_thread(shutil.copytree, self.directory / wanted.image, self.directory / id)
            else:
                (self.directory / id).mkdir()
            self._machines[id] = Machine(id, wanted.key, datetime.now(UTC) + timedelta(seconds=wanted.seconds))
            return id

    async def machines(self) -> list[Machine]:
        async with self._request("machines"):
            return list(self._machines.values())

    async def extend(self, machine: MachineId, seconds: int) -> None:
        async with self._request("extend"):
            self._place(machine)
            ends = datetime.now(UTC) + timedelta(seconds=seconds)
            self._machines[machine] = Machine(machine, self._machines[machine].key, ends)

    async def allow(self, machine: MachineId, hosts: Sequence[str]) -> None:
        async with self._request("allow"):
            self._place(machine)
            self._hosts[machine] = tuple(hosts)

    async def execute(
        self, machine: MachineId, script: str, *, timeout: float, as_root: bool = False, limit: int = 131_072
    ) -> Said:
        async with self._request("execute"):
            process = await asyncio.create_subprocess_exec(
                *("bash", "-c", script),
                cwd=self._place(machine),
                env={**OURS, "PATH": PATH},
                stdout=asyncio.subprocess.PIPE,
            )
            try:
                async with asyncio.timeout(timeout):
                    output, _ = await process.communicate()
            except TimeoutError as error:
                process.kill()
                await process.wait()
                raise Unclear(f"execute: no end within {timeout:g} s") from error
            assert process.returncode is not None
            return Said(process.returncode, output[:limit])

    async def follow(self, machine: MachineId, script: str, hear: Callable[[str], None]) -> None:
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", script),
            cwd=self._place(machine),
            env={**OURS, "PATH": PATH},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        hear(output.decode())

    async def upload(self, machine: MachineId, path: str, content: bytes | Path) -> None:
        async with self._request("upload"):
            file = self._place(machine) / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.read_bytes())

    async def download(self, machine: MachineId, path: str, into: Path, *, limit: int) -> None:
        async with self._request("download"):
            file = self._place(machine) / path
            if not file.is_file() or file.stat().st_size > limit:
                raise Rejected(f"download: {path} is not there, or larger than {limit} bytes")
            into.write_bytes(file.read_bytes())

    async def save(self, machine: MachineId, name: str) -> ImageId:
        async with self._request("save"):
            image = ImageId(f"image-{name}-{next(self._ids)}")
            await asyncio.to_thread(shutil.copytree, self._place(machine), self.directory / image)
            return image

    async def images(self) -> list[ImageId]:
        async with self._request("images"):
            return sorted(ImageId(place.name) for place in self.directory.glob("image-*"))

    async def delete_image(self, image: ImageId) -> None:
        async with self._request("delete_image"):
            await asyncio.to_thread(shutil.rmtree, self.directory / image, ignore_errors=True)

    async def kill(self, machine: MachineId) -> None:
        async with self._request("kill"):
            self._machines.pop(machine, None)
            await asyncio.to_thread(shutil.rmtree, self.directory / machine, ignore_errors=True)

    def _place(self, machine: MachineId) -> Path:
        if machine not in self._machines:
            raise SandboxLost(f"there is no machine {machine}")
        return self.directory / machine
