"""Sandboxes on machines that services lend: the `Sandboxes` port on top of a lender.

A machine begins with the network off; it is on while a set-up command runs, and then it is looked whether it is off.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import uuid4

import structlog

from bot.core.model import SandboxId, SnapshotId
from bot.core.resilience.sandbox_leases import Image, Lease, MachineId
from bot.ports import (
    Clock,
    Denied,
    Finished,
    Gone,
    Ledger,
    Rejected,
    SandboxLost,
    SandboxUnusable,
    Unavailable,
    WorldError,
)
from bot.sandbox.files import UNPACK, as_archive, read_script, take_script, write_script
from bot.sandbox.jobs import FOLDER, RESULT_LIMIT, Job, finished, follow_script, run_script, stop_script
from bot.sandbox.leases import Lender, LendingOptions
from bot.sandbox.local.directories import checked
from bot.sandbox.plan_usage import PlanWatch
from bot.sandbox.provider import Provider
from bot.sandbox.remote_files import CLOSED, cut_off_script, decoded, packed_script, said_script, used_up_script

log = structlog.get_logger()

_GRACE = 30.0  # seconds that a job's script gets beyond the job
_HEARD = 65_536  # characters of a command's output that are told while it runs
_ERRAND = 120.0  # seconds for packing and unpacking


class LeasedSandboxes:
    """`providers` in the order of preference; what began with one stays there."""

    def __init__(
        self,
        providers: Sequence[Provider],
        ledger: Ledger,
        clock: Clock,
        options: LendingOptions,
        watch: PlanWatch | None = None,
    ) -> None:
        """`watch` looks after the plan whenever the rest is tended."""
        self._lender = Lender(providers, ledger, clock, options)
        self._ledger = ledger
        self._clock = clock
        self._options = options
        self._watch = watch
        self._turns: dict[SandboxId, asyncio.Lock] = {}

    async def check(self) -> None:
        """That the keys are good. A service that does not answer is waited for later, by those who need it."""
        for provider in self._lender.providers:
            try:
                await provider.machines()
            except Denied as error:
                raise SandboxUnusable(str(error), remedy=error.remedy) from error
            except Unavailable as error:
                log.warning("sandbox.provider.away", provider=provider.name, reason=str(error))

    async def tend(self) -> None:
        if self._watch is not None:
            await self._watch.tidy()
        await self._lender.tend()

    # ------------------------------------------------------------------------------------------------ life and death

    async def create(self, id: SandboxId, *, snapshot: SnapshotId | None = None, ecosystem: str = "") -> None:
        checked(id)
        await self._lender.obtain(id, None if snapshot is None else await self._image(snapshot), ecosystem)

    async def exists(self, id: SandboxId) -> bool:
        lease = await self._ledger.lease(id)
        return lease is not None and lease.machine is not None

    async def close(self, id: SandboxId) -> None:
        await self._lender.close(id)
        self._turns.pop(id, None)

    async def living(self) -> list[SandboxId]:
        return sorted(lease.sandbox for lease in await self._ledger.leases() if not lease.is_warm)

    # ----------------------------------------------------------------------------------------------------- snapshots

    async def snapshot(self, id: SandboxId, name: SnapshotId) -> None:
        checked(name)
        lease = await self._ledger.lease(id)
        if lease is None and await self._ledger.image(name) is not None:
            return
        lease, machine = await self._lender.held(id)
        provider = self._lender.provider(lease.provider)
        if lease.networked:
            await self._cut_off(lease, machine, ())
        await self._errand(lease, f"rm -rf {FOLDER}; sync")
        saved = Image(name, provider.name, await provider.save(machine, "prepared"), self._clock.now())
        if earlier := await self._ledger.saved(saved):
            await self._lender.delete(earlier)

    async def name_snapshot(self, name: SnapshotId, another: SnapshotId) -> bool:
        """False also for one of a provider that there is no more."""
        checked(another)
        image = await self._ledger.image(name)
        known = {provider.name for provider in self._lender.providers}
        return image is not None and image.provider in known and await self._ledger.named(name, another)

    async def drop_snapshot(self, name: SnapshotId) -> None:
        if image := await self._ledger.deleted(name):
            await self._lender.delete(image)

    async def snapshots(self) -> list[SnapshotId]:
        return sorted(image.name for image in await self._ledger.images())

    async def _image(self, name: SnapshotId) -> Image:
        image = await self._ledger.image(name)
        if image is None:
            raise SandboxLost(f"snapshot {name} is not there")
        return image

    # ------------------------------------------------------------------------------------------------------ commands

    async def run(
        self,
        id: SandboxId,
        command: str,
        *,
        timeout: float,
        network: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        once: str | None = None,
        hear: Callable[[str], None] | None = None,
    ) -> Finished:
        lease, machine = await self._lender.held(id)
        job = Job(f"{lease.key} {once or uuid4()}", command, timeout, env or {})
        async with self._turn(id), self._reaching(lease, machine, network):
            async with self._heard(lease, machine, job, hear) as rest:
                done = await self._run(lease, machine, job, goes_on=once is not None)
                rest.append(done.output)
            return done

    async def _run(self, lease: Lease, machine: MachineId, job: Job, *, goes_on: bool) -> Finished:
        """`goes_on`: without us, because somebody will ask for its result under its name."""
        provider = self._lender.provider(lease.provider)
        if job.input is not None:
            await provider.upload(machine, job.input, job.content)
        try:
            timeout = job.seconds + _GRACE
            said = await self._lender.execute(lease, run_script(job), timeout=timeout, limit=RESULT_LIMIT)
        except asyncio.CancelledError:
            if not goes_on:
                with suppress(WorldError):
                    await asyncio.shield(provider.execute(machine, stop_script(job), timeout=_GRACE))
            raise
        return finished(said, job)

    @asynccontextmanager
    async def _heard(
        self, lease: Lease, machine: MachineId, job: Job, hear: Callable[[str], None] | None
    ) -> AsyncIterator[list[str]]:
        """Follow the output beside the job. What was not heard by its end is told from the whole, once it is known."""
        whole: list[str] = []
        if hear is None:
            yield whole
            return
        heard = 0

        def tell(text: str) -> None:
            nonlocal heard
            text = text[: _HEARD - heard]
            heard += len(text)
            if text:
                hear(text)
            else:
                following.cancel()

        following = asyncio.create_task(self._follow(lease, machine, job, tell))
        try:
            yield whole
        finally:
            following.cancel()
            await asyncio.wait({following})
        for text in whole:
            if text[heard:]:
                hear(text[heard:])

    async def _follow(self, lease: Lease, machine: MachineId, job: Job, tell: Callable[[str], None]) -> None:
        try:
            await self._lender.provider(lease.provider).follow(machine, follow_script(job), tell)
        except WorldError as error:  # the result will tell
            log.debug("sandbox.follow.lost", sandbox=lease.sandbox, reason=str(error))

    def _turn(self, id: SandboxId) -> asyncio.Lock:
        """One command at a time: at its end, whatever still runs is ended. Waiting counts against no timeout."""
        return self._turns.setdefault(id, asyncio.Lock())

    @asynccontextmanager
    async def _reaching(self, lease: Lease, machine: MachineId, hosts: Sequence[str]) -> AsyncIterator[None]:
        if lease.networked:
            await self._cut_off(lease, machine, ())
        if not hosts:
            yield
            return
        await self._mark(lease, networked=True)
        try:
            await self._lender.provider(lease.provider).allow(machine, hosts)
            yield
        except asyncio.CancelledError:  # whoever cancels must not meet another error instead
            with suppress(WorldError):
                await asyncio.shield(self._cut_off(lease, machine, hosts))
            raise
        except Exception:
            await asyncio.shield(self._cut_off(lease, machine, hosts))
            raise
        await asyncio.shield(self._cut_off(lease, machine, hosts))

    async def _cut_off(self, lease: Lease, machine: MachineId, hosts: Sequence[str]) -> None:
        """And look whether it is true."""
        provider = self._lender.provider(lease.provider)
        await provider.allow(machine, ())
        said = await self._lender.execute(lease, cut_off_script(hosts), timeout=_GRACE)
        if said.exit_code != CLOSED:
            await provider.kill(machine)
            raise SandboxUnusable(
                f"{provider.name} did not take the network away: {said.output!r}",
                remedy="The sandbox service did not close the network when it was asked to, so nothing was run there.",
            )
        await self._mark(lease, networked=False)

    async def _mark(self, lease: Lease, *, networked: bool) -> None:
        try:
            await self._ledger.networked(lease.key, networked)
        except Gone as error:
            raise SandboxLost(f"{lease.sandbox} was closed meanwhile") from error

    # --------------------------------------------------------------------------------------------------------- files

    async def put(self, id: SandboxId, archive: Path) -> None:
        lease, machine = await self._lender.held(id)
        await self._unpack(lease, machine, archive, UNPACK)

    async def write(self, id: SandboxId, files: Mapping[str, tuple[bytes, str]], *, delete: Sequence[str] = ()) -> None:
        content, script = as_archive(files), write_script(delete)
        lease, machine = await self._lender.held(id)
        await self._unpack(lease, machine, content, script)

    async def _unpack(self, lease: Lease, machine: MachineId, archive: bytes | Path, script: str) -> None:
        path = f"{FOLDER}/{uuid4().hex}.tar"
        await self._lender.provider(lease.provider).upload(machine, path, archive)
        await self._errand(lease, used_up_script(script, path), "cannot be unpacked")

    async def read(self, id: SandboxId, path: str, *, limit: int) -> bytes | None:
        lease, _ = await self._lender.held(id)
        script = said_script(read_script(path, limit))
        said = await self._lender.execute(lease, script, timeout=self._options.read, limit=2 * limit + 64)
        return decoded(said)

    async def take(self, id: SandboxId, into: Path, *, exclude: Sequence[str] = (), limit: int) -> None:
        lease, machine = await self._lender.held(id)
        path = f"{FOLDER}/{uuid4().hex}.tar"
        await self._errand(lease, packed_script(take_script(exclude), path, limit), "cannot be archived")
        await self._lender.provider(lease.provider).download(machine, path, into, limit=limit)
        with suppress(Unavailable):
            await self._errand(lease, f"rm -f {path}")

    async def _errand(self, lease: Lease, script: str, why: str = "does not take it") -> None:
        """Raises `Rejected` when the script fails: the machine does what it is told, so it is about the files."""
        said = await self._lender.execute(lease, f"exec 2>&1; {script}", timeout=_ERRAND)
        if said.exit_code != 0:
            raise Rejected(f"the workspace {why}: {said.output[-2000:].decode(errors='replace')}")
